//! `stokehold ledger statement`.

use std::process::ExitCode;

use serde_json::json;
use stokehold_app::types::{AccountToken, Credits, Timestamp};
use stokehold_server::{Amount, CSV_HEADER, Entry, parse_instant};

use crate::failure::Failure;
use crate::output;
use crate::place::Place;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The service's technical name
    service: String,
    /// The account's token
    token: AccountToken,
    /// The statement as it stood at this instant, such as 2026-11-22T12:00:00Z
    #[arg(long, value_parser = parse_instant)]
    at: Option<Timestamp>,
    #[command(flatten)]
    place: Place,
    /// Print JSON
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Print CSV
    #[arg(long)]
    csv: bool,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let until = args.at.unwrap_or(Timestamp(i64::MAX));
    let audit = args.place.ledger()?.audit()?;
    if args.csv {
        output::out(CSV_HEADER);
        read(&audit, args, until, |entry| output::out(&entry.csv()))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut entries = Vec::new();
    let balance = read(&audit, args, until, |entry| entries.push(entry))?;
    if args.json {
        output::json(&json!({ "entries": entries, "balance": Amount(balance) }));
    } else {
        let rows = entries.into_iter().map(row).collect();
        let header = ["at", "kind", "description", "credits", "balance"];
        output::out(&output::table(&header, 3, rows));
        output::out(&format!("balance   {balance}\n"));
    }
    Ok(ExitCode::SUCCESS)
}

/// Hands on every entry, and answers the balance after the last.
fn read(
    audit: &stokehold_app::types::Audit,
    args: &Args,
    until: Timestamp,
    mut each: impl FnMut(Entry),
) -> Result<Credits, Failure> {
    let key = args.token.key();
    let read = audit.statement(&args.service, key, until, |line| each(Entry::from(line)));
    let read = read.map_err(|error| {
        Failure::new("there is no statement", error)
            .hint("the service's name is the technical one, such as `coalroller`")
    })?;
    read.ok_or_else(|| {
        Failure::new("there is no statement", "this token has no account with the service")
            .hint("an account is made by its first grant, order or setting")
    })
}

fn row(entry: Entry) -> Vec<String> {
    vec![
        entry.at,
        entry.kind.to_owned(),
        entry.description.unwrap_or_default(),
        entry.credits.0.to_string(),
        entry.balance.0.to_string(),
    ]
}
