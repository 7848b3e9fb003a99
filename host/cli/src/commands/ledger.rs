//! `stokehold ledger`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;
use stokehold_app::types::Audit;

use crate::failure::Failure;
use crate::output;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Check every invariant of the ledger; also beside a running server
    Verify(VerifyArgs),
}

#[derive(clap::Args)]
pub(crate) struct VerifyArgs {
    /// Directory of the database
    #[arg(long, default_value = "./stokehold-data")]
    data: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Verify(args) => verify(&args),
    }
}

fn verify(args: &VerifyArgs) -> Result<ExitCode, Failure> {
    let audit = Audit::open(&args.data).map_err(|error| {
        Failure::new("the ledger cannot be opened", error)
            .hint("--data names the directory that `serve` was given")
    })?;
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
