//! `stokehold ledger backup` and `stokehold ledger restore`.

use std::path::PathBuf;
use std::process::ExitCode;

use stokehold_app::types::{self, Audit, BackupError};

use crate::failure::Failure;
use crate::output;
use crate::place::{self, Ledger, Place};

#[derive(clap::Args)]
pub(crate) struct BackupArgs {
    /// The file to write; it must not be there yet
    file: PathBuf,
    #[command(flatten)]
    place: Place,
}

#[derive(clap::Args)]
pub(crate) struct RestoreArgs {
    /// The backup
    file: PathBuf,
    #[command(flatten)]
    place: Place,
}

pub(super) fn back_up(args: &BackupArgs) -> Result<ExitCode, Failure> {
    let audit = args.place.ledger()?.audit()?;
    let findings = audit.backup(&args.file).map_err(|error| {
        let hint = match &error {
            BackupError::Exists { .. } => "nothing is overwritten: choose another name",
            _ => "the file has to be on a disk with room for all of the data",
        };
        Failure::new("there is no backup", error).hint(hint)
    })?;
    if findings.is_empty() {
        output::out(&format!("{}: written and verified\n", args.file.display()));
        return Ok(ExitCode::SUCCESS);
    }
    let faults = findings.iter().map(|finding| (finding.to_string(), String::new()));
    let what = format!("{} is written, but its ledger breaks its invariants", args.file.display());
    Err(Failure::plain(what).faults(faults))
}

pub(super) fn restore(args: &RestoreArgs) -> Result<ExitCode, Failure> {
    let ledger = args.place.ledger()?;
    let restored = match &ledger {
        Ledger::Directory(directory) => types::restore(&args.file, directory),
        Ledger::Database(address) => types::restore_into(&args.file, address),
    };
    let audit = restored.map_err(|error| {
        let hint = match &error {
            BackupError::Exists { .. } => {
                "a restore overwrites nothing: name an empty directory or database"
            }
            BackupError::Broken { .. } => "take an older backup",
            BackupError::Open(error) => place::mend(error),
            _ => "a backup is a file that `stokehold ledger backup` has written",
        };
        Failure::new("nothing was restored", error).hint(hint)
    })?;
    let [accounts, holds, postings] = counted(&audit)?;
    output::out(&format!(
        "{ledger}: restored and verified, {accounts} accounts, {holds} holds and {postings} \
         postings\n"
    ));
    Ok(ExitCode::SUCCESS)
}

fn counted(audit: &Audit) -> Result<[i64; 3], Failure> {
    audit.counts().map_err(|error| Failure::new("the restored ledger cannot be read", error))
}
