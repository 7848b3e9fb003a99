//! `stokehold ledger`: look at a ledger, copy it, bring it back.

mod backup;
mod statement;
mod verify;

use std::process::ExitCode;

use crate::failure::Failure;
use clap::Subcommand;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Check every invariant of the ledger; also beside a running server
    Verify(verify::Args),
    /// List every entry of an account; also beside a running server
    Statement(statement::Args),
    /// Copy all data of one moment into a file, and check the copy; also beside a running server
    Backup(backup::BackupArgs),
    /// Bring a backup back into a new data directory or an empty PostgreSQL database
    Restore(backup::RestoreArgs),
}

pub(crate) fn run(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Verify(args) => verify::run(&args),
        Command::Statement(args) => statement::run(&args),
        Command::Backup(args) => backup::back_up(&args),
        Command::Restore(args) => backup::restore(&args),
    }
}
