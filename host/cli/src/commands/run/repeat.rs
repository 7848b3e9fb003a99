//! The same call several times: its fuel must not vary.

use std::collections::BTreeSet;
use std::process::ExitCode;

use serde_json::json;
use stokehold_app::Call;

use super::Asked;
use super::local::Local;
use super::report::{self, Outcome};
use crate::failure::Failure;
use crate::output;

/// What several runs of one call came to.
struct Repeated {
    outcomes: Vec<Outcome>,
}

/// Makes the call so many times, for one account that each time has what it had the first time.
pub(super) async fn run(
    local: &Local,
    asked: &Asked,
    times: u32,
    is_json: bool,
) -> Result<ExitCode, Failure> {
    let account = local.account(asked.credits).await?;
    let mut outcomes = Vec::new();
    for _ in 0..times {
        let outcome = local.call(&account, &asked.route, &asked.params).await;
        if let Ok(call) = &outcome {
            let granted = local.grant(&account, call.captured).await;
            granted.map_err(|error| Failure::new("the account cannot be filled up", error))?;
        }
        outcomes.push(outcome);
    }
    let repeated = Repeated { outcomes };
    if is_json {
        output::json(&repeated.as_json());
    } else {
        repeated.print();
    }
    let is_ok = repeated.outcomes.iter().all(|outcome| report::class(outcome) == "ok");
    match repeated.fault() {
        Some(failure) if !is_json => Ok(failure.print()),
        Some(_) => Ok(ExitCode::FAILURE),
        None if is_ok => Ok(ExitCode::SUCCESS),
        None => Ok(ExitCode::FAILURE),
    }
}

impl Repeated {
    fn calls(&self) -> impl Iterator<Item = &Call> {
        self.outcomes.iter().flatten()
    }

    /// The least and the most fuel of one run.
    fn fuel(&self) -> (u64, u64) {
        let fuel = || self.calls().map(|call| call.fuel_used);
        (fuel().min().unwrap_or(0), fuel().max().unwrap_or(0))
    }

    /// Why runs may differ; empty where they may not.
    fn reasons(&self) -> BTreeSet<String> {
        self.calls().filter_map(report::unrepeatable).collect()
    }

    /// A price that varies though nothing in the request does.
    fn fault(&self) -> Option<Failure> {
        let (least, most) = self.fuel();
        let failure = || {
            Failure::new(
                format!("the fuel of this call varies: {least} to {most}"),
                "it asked for no clock, no random number, no stored value and no other host",
            )
            .hint("does it use the call's id? Nothing else of the request differs from run to run")
        };
        (least != most && self.reasons().is_empty()).then(failure)
    }

    fn as_json(&self) -> serde_json::Value {
        let (least, most) = self.fuel();
        let changeable: BTreeSet<_> = self.calls().flat_map(report::changeable).collect();
        json!({
            "runs": self.outcomes.len(),
            "fuel_min": least, "fuel_max": most, "equal": least == most,
            "repeatable": self.reasons().is_empty(),
            "changeable": changeable,
            "outcomes": self.outcomes.iter().map(report::class).collect::<BTreeSet<_>>(),
            "first": self.outcomes.first().map(report::as_json),
        })
    }

    /// Prints the first run as if it were the only one, and how the others compare with it.
    fn print(&self) {
        if let Some(first) = self.outcomes.first() {
            report::print(first);
        }
        let (least, most) = self.fuel();
        let runs = self.outcomes.len();
        let others: BTreeSet<_> = self.outcomes.iter().map(report::class).collect();
        if others.len() > 1 {
            let others: Vec<_> = others.into_iter().collect();
            output::err(&format!("{runs} runs ended differently: {}\n", others.join(", ")));
        }
        let reasons: Vec<_> = self.reasons().into_iter().collect();
        if least == most {
            output::err(&format!("{runs} runs: {least} fuel each\n"));
        } else if !reasons.is_empty() {
            let reasons = reasons.join("; ");
            output::err(&format!("{runs} runs: {least} to {most} fuel: {reasons}\n"));
        }
    }
}
