//! `stokehold ledger verify`.

use std::process::ExitCode;

use serde_json::json;

use crate::failure::Failure;
use crate::output;
use crate::place::Place;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    place: Place,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let audit = args.place.ledger()?.audit()?;
    let read = |error| Failure::new("the ledger cannot be read", error);
    let findings = audit.verify().map_err(read)?;
    let [accounts, holds, postings] = audit.counts().map_err(read)?;
    if args.json {
        let found: Vec<_> = findings
            .iter()
            .map(|finding| json!({ "invariant": finding.invariant, "what": finding.what }))
            .collect();
        output::json(&json!({
            "clean": findings.is_empty(), "accounts": accounts, "holds": holds,
            "postings": postings, "findings": found,
        }));
    } else if findings.is_empty() {
        output::out(&format!(
            "clean: every invariant holds for {accounts} accounts, {holds} holds and {postings} \
             postings\n"
        ));
    } else {
        let list: String = findings.iter().map(|finding| format!("  {finding}\n")).collect();
        output::err(&format!("error: the ledger breaks its invariants\n{list}"));
    }
    Ok(if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
