//! A fixture: a recorded request, and what is expected of it. One JSON file each.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use stokehold_app::types::Credits;

use super::report::{self, Outcome};
use crate::failure::Failure;

/// What an account has where a fixture does not say.
const CREDITS: Credits = Credits::from_micros(1_000_000);

/// A recorded request, with where it was read.
pub(super) struct Fixture {
    path: PathBuf,
    recorded: Recorded,
}

/// The file. Params and results keep the text that they are written with.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Recorded {
    route: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    params: Option<Box<RawValue>>,
    /// What the account has.
    #[serde(skip_serializing_if = "Option::is_none")]
    credits: Option<Amount>,
    #[serde(default)]
    expect: Expected,
}

/// What a call has to come to. What is left out is not compared, the outcome apart.
#[derive(Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    /// The class of the outcome, as `run --json` has it; `ok` where it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Box<RawValue>>,
    /// The text of a failure, exactly.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    credits_captured: Option<Amount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fuel: Option<u64>,
}

/// Credits, read from the text of a number or of a string, so that they are exact.
#[derive(Clone, Copy)]
struct Amount(Credits);

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let text = raw.get();
        let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
        let error = |error| {
            serde::de::Error::custom(format!("{} is no amount of credits: {error}", raw.get()))
        };
        Credits::from_json_number(text).map(Self).map_err(error)
    }
}

impl Serialize for Amount {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.to_string())
    }
}

/// All fixtures of a directory, in the order of their names.
pub(super) fn load(directory: &Path) -> Result<Vec<Fixture>, Failure> {
    let unreadable = |path: &Path, error: std::io::Error| {
        Failure::new(format!("{} cannot be read", path.display()), error)
            .hint("--fixtures names a directory of JSON files")
    };
    let entries = fs::read_dir(directory).map_err(|error| unreadable(directory, error))?;
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| unreadable(directory, error))?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            paths.push(path);
        }
    }
    paths.sort();
    if paths.is_empty() {
        let what = format!("{} holds no fixture", directory.display());
        return Err(Failure::new(what, "there is no file that ends in .json").hint(
            "write one: {\"route\": \"…\", \"params\": {…}}; --record adds what happens to it",
        ));
    }
    let mut faults = Vec::new();
    let mut fixtures = Vec::new();
    for path in paths {
        let text = fs::read_to_string(&path).map_err(|error| unreadable(&path, error))?;
        match read(&text) {
            Ok(recorded) => fixtures.push(Fixture { path, recorded }),
            Err(why) => faults.push((format!("{}: {why}", path.display()), String::new())),
        }
    }
    if faults.is_empty() {
        return Ok(fixtures);
    }
    Err(Failure::plain("the fixtures are not valid").faults(faults).hint(
        "a fixture has route, params, credits and expect, and in expect outcome, result, error, \
         credits_captured and fuel",
    ))
}

fn read(text: &str) -> Result<Recorded, String> {
    let recorded: Recorded = serde_json::from_str(text).map_err(|error| error.to_string())?;
    match &recorded.params {
        Some(params) if !params.get().starts_with('{') => {
            Err("params has to be a JSON object".to_owned())
        }
        _ => Ok(recorded),
    }
}

impl Fixture {
    /// The name of its file.
    pub(super) fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    pub(super) fn route(&self) -> &str {
        &self.recorded.route
    }

    pub(super) fn params(&self) -> &str {
        self.recorded.params.as_deref().map_or("{}", RawValue::get)
    }

    /// What the account has.
    pub(super) fn credits(&self) -> Credits {
        self.recorded.credits.map_or(CREDITS, |amount| amount.0)
    }

    /// Everything that is not as expected, before → after.
    pub(super) fn differences(&self, outcome: &Outcome) -> Vec<String> {
        let expected = &self.recorded.expect;
        let found = Expected::of(outcome);
        let mut differences = Vec::new();
        let mut compare = |what: &str, before: Option<String>, after: Option<String>| {
            if let Some(before) = before.filter(|before| Some(before) != after.as_ref()) {
                let after = after.unwrap_or_else(|| "none".to_owned());
                differences.push(format!("{what}: {before} → {after}"));
            }
        };
        let class = expected.outcome.clone().unwrap_or_else(|| "ok".to_owned());
        compare("outcome", Some(class), found.outcome);
        compare("error", expected.error.clone(), found.error);
        compare("result", value(expected.result.as_deref()), value(found.result.as_deref()));
        let credits = |amount: Option<Amount>| amount.map(|amount| format!("{} credits", amount.0));
        compare("price", credits(expected.credits_captured), credits(found.credits_captured));
        let fuel = |fuel: Option<u64>| fuel.map(|fuel| fuel.to_string());
        let used = outcome.as_ref().map_or(0, |call| call.fuel_used);
        compare("fuel", fuel(expected.fuel), fuel(Some(used)));
        differences
    }

    /// Writes what happened into the file, as what is expected from now on.
    pub(super) fn record(&mut self, outcome: &Outcome) -> Result<(), Failure> {
        self.recorded.expect = Expected::of(outcome);
        let text = serde_json::to_string_pretty(&self.recorded).unwrap_or_default();
        fs::write(&self.path, text + "\n").map_err(|error| {
            Failure::new(format!("{} cannot be written", self.path.display()), error)
        })
    }
}

/// A result as JSON has it: neither the order of keys nor white space counts.
fn value(raw: Option<&RawValue>) -> Option<String> {
    let value = serde_json::from_str::<Value>(raw?.get());
    value.ok().map(|value| value.to_string())
}

impl Expected {
    /// What a call came to. Its fuel is left out where the next run may burn another.
    fn of(outcome: &Outcome) -> Self {
        let call = outcome.as_ref().ok();
        let ended = outcome.as_ref().map(|call| &call.outcome);
        let (result, error) = match ended {
            Ok(Ok(result)) => (RawValue::from_string(result.clone()).ok(), None),
            Ok(Err(failure)) | Err(failure) => (None, Some(failure.to_string())),
        };
        Self {
            outcome: Some(report::class(outcome).to_owned()),
            result,
            error,
            credits_captured: Some(Amount(call.map_or(Credits::ZERO, |call| call.captured))),
            fuel: call.filter(|call| call.details.is_repeatable).map(|call| call.fuel_used),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exact_as_numbers_and_as_texts() {
        for text in [r#""0.010001""#, "0.010001", "1.0001e-2"] {
            let amount: Amount = serde_json::from_str(text).expect("an amount");
            assert_eq!(amount.0, Credits::from_micros(10_001), "{text}");
        }
        for text in ["\"much\"", "true", "-1", "null"] {
            assert!(serde_json::from_str::<Amount>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_unknown_key_is_named_with_those_that_are_known() {
        let why = read(r#"{"route": "a", "expects": {}}"#).err().expect("an error");
        assert!(why.contains("`expects`") && why.contains("`expect`"), "{why}");
        let why = read(r#"{"route": "a", "params": [1]}"#).err().expect("an error");
        assert!(why.contains("JSON object"), "{why}");
    }
}
