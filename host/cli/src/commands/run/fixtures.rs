//! Playing fixtures: every recorded request, and a table of how each went.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::fixture::Fixture;
use super::local::Local;
use super::report::{self, Outcome};
use crate::failure::Failure;
use crate::output;

/// A fixture that was played.
struct Played {
    name: String,
    outcome: Outcome,
    differences: Vec<String>,
}

/// Plays all fixtures one after the other on one host, each for an account of its own. What the
/// service stores for one the next one finds.
pub(super) async fn play(
    local: &Local,
    fixtures: Vec<Fixture>,
    is_recording: bool,
    is_json: bool,
) -> Result<ExitCode, Failure> {
    let mut played = Vec::new();
    for mut fixture in fixtures {
        let account = local.account(fixture.credits()).await?;
        let outcome = local.call(&account, fixture.route(), fixture.params()).await;
        let differences = fixture.differences(&outcome);
        if is_recording {
            fixture.record(&outcome)?;
        }
        played.push(Played { name: fixture.name(), outcome, differences });
    }
    if is_json {
        let rows = played.iter().map(|played| played.as_json(is_recording));
        output::json(&json!({ "fixtures": rows.collect::<Vec<_>>() }));
    } else {
        let rows = played.iter().map(|played| played.row(is_recording)).collect();
        let header = ["fixture", "", "outcome", "fuel", "credits"];
        output::out(&output::table(&header, 3, rows));
    }
    let failed = played.iter().filter(|played| !played.differences.is_empty()).count();
    let differences = played.iter().flat_map(Played::faults);
    if is_recording {
        differences.for_each(|difference| output::err(&format!("{difference}\n")));
        return Ok(ExitCode::SUCCESS);
    }
    if failed == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    if is_json {
        return Ok(ExitCode::FAILURE);
    }
    let what = format!("{failed} of {} fixtures went otherwise than recorded", played.len());
    Err(differences
        .fold(Failure::plain(what), Failure::because)
        .hint("where that is meant, --record writes it down as what is expected from now on"))
}

impl Played {
    fn faults(&self) -> impl Iterator<Item = String> {
        self.differences.iter().map(|difference| format!("{}: {difference}", self.name))
    }

    fn mark(&self, is_recording: bool) -> &'static str {
        match (is_recording, self.differences.is_empty()) {
            (true, _) => "recorded",
            (false, true) => "passed",
            (false, false) => "FAILED",
        }
    }

    fn row(&self, is_recording: bool) -> Vec<String> {
        let call = self.outcome.as_ref().ok();
        vec![
            self.name.clone(),
            self.mark(is_recording).to_owned(),
            report::class(&self.outcome).to_owned(),
            call.map_or(0, |call| call.fuel_used).to_string(),
            call.map_or_else(|| "0".to_owned(), |call| call.captured.to_string()),
        ]
    }

    fn as_json(&self, is_recording: bool) -> Value {
        let mut value = report::as_json(&self.outcome);
        value["fixture"] = self.name.clone().into();
        value["status"] = self.mark(is_recording).to_lowercase().into();
        value["differences"] = self.differences.clone().into();
        value
    }
}
