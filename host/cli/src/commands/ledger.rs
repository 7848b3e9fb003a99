//! `stokehold ledger`: look at a ledger, copy it, bring it back.

mod backup;
mod statement;
mod verify;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use stokehold_app::types::Audit;

use crate::failure::Failure;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Check every invariant of the ledger; also beside a running server
    Verify(verify::Args),
    /// List every entry of an account; also beside a running server
    Statement(statement::Args),
    /// Copy all data of one moment into a file, and check the copy; also beside a running server
    Backup(backup::BackupArgs),
    /// Make a data directory from a backup
    Restore(backup::RestoreArgs),
}

/// Which ledger.
#[derive(clap::Args)]
struct Place {
    /// Directory of the database
    #[arg(long, default_value = "./stokehold-data")]
    data: PathBuf,
    /// A PostgreSQL database instead
    #[arg(long, value_name = "URL", env = "STOKEHOLD_STORE_DATABASE", hide_env_values = true)]
    #[arg(conflicts_with = "data")]
    database: Option<String>,
}

impl Place {
    fn open(&self) -> Result<Audit, Failure> {
        let (opened, hint) = match &self.database {
            None => (Audit::open(&self.data), "--data names the directory that `serve` was given"),
            Some(url) => (
                url.parse().and_then(|address| Audit::connect(&address)),
                "--database is the address that `serve` was given",
            ),
        };
        opened.map_err(|error| Failure::new("the ledger cannot be opened", error).hint(hint))
    }
}

pub(crate) fn run(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Verify(args) => verify::run(&args),
        Command::Statement(args) => statement::run(&args),
        Command::Backup(args) => backup::back_up(&args),
        Command::Restore(args) => backup::restore(&args),
    }
}
