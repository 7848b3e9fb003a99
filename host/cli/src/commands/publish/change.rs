//! What a new version changes for a service's clients and for its host.

use serde::Serialize;
use stokehold_app::{Cost, Manifest, Settle};

/// One thing that changes.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Change {
    what: &'static str,
    before: String,
    after: String,
}

impl Change {
    /// A change, if it is one.
    pub(super) fn of(what: &'static str, before: String, after: String) -> Option<Self> {
        (before != after).then_some(Self { what, before, after })
    }

    pub(super) fn row(&self) -> Vec<String> {
        vec![self.what.to_owned(), self.before.clone(), self.after.clone()]
    }
}

/// All that changes from one manifest to the other.
pub(super) fn between(before: &Manifest, after: &Manifest) -> Vec<Change> {
    let before = terms(before);
    let after = terms(after);
    before
        .into_iter()
        .zip(after)
        .filter_map(|((what, before), (_, after))| Change::of(what, before, after))
        .collect()
}

/// What a manifest says of price, limits and needs, in words.
fn terms(manifest: &Manifest) -> [(&'static str, String); 13] {
    let on = manifest.on;
    [
        ("fuel a credit", manifest.tariff.fuel_per_credit().to_string()),
        (
            "price of a call",
            manifest
                .credits_per_call
                .map_or_else(|| "as quoted".to_owned(), |credits| format!("{credits} credits")),
        ),
        ("an answer costs", settle(manifest.settle).to_owned()),
        ("a user error costs", cost(on.user_error).to_owned()),
        ("out of fuel costs", cost(on.out_of_fuel).to_owned()),
        ("a deadline costs", cost(on.deadline).to_owned()),
        ("fuel kept back", format!("{} millionths", manifest.finish_reserve_millionths)),
        ("memory", format!("{} MiB", manifest.memory_bytes_max >> 20)),
        ("deadline", format!("{} s", manifest.deadline.as_secs())),
        ("calls at once", manifest.concurrency.to_string()),
        ("hosts it reaches", list(manifest.outbound.iter().map(ToString::to_string))),
        ("secrets it is told", list(manifest.secrets.iter().cloned())),
        (
            "configuration",
            list(manifest.config.iter().map(|(name, value)| format!("{name} = {value:?}"))),
        ),
    ]
}

fn settle(settle: Settle) -> &'static str {
    match settle {
        Settle::Authorized => "what was held",
        Settle::Fuel => "the fuel that was used",
    }
}

fn cost(cost: Cost) -> &'static str {
    match cost {
        Cost::Cancel => "nothing",
        Cost::CaptureUsed => "the fuel that was used",
    }
}

fn list(names: impl Iterator<Item = String>) -> String {
    let names: Vec<_> = names.collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_a_change() {
        let text = |more: &str| {
            format!(
                "[service]\nname = \"it\"\nlabel = \"It\"\n[component]\npath = \"it.wasm\"\n\
                 [tariff]\nfuel_per_credit = 7\n{more}"
            )
        };
        let read = |more: &str| Manifest::parse("x", &text(more)).expect("a manifest");
        let before = read("");
        assert_eq!(between(&before, &before), []);
        let after = read("settle = \"fuel\"\n[outbound]\nhosts = [\"a.example\"]\n");
        let row = |what, before: &str, after: &str| Change {
            what,
            before: before.to_owned(),
            after: after.to_owned(),
        };
        assert_eq!(
            between(&before, &after),
            [
                row("an answer costs", "what was held", "the fuel that was used"),
                row("hosts it reaches", "none", "a.example"),
            ]
        );
    }
}
