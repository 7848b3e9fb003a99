//! Where a ledger is: the options that say so, the settings behind them, and what to do where it
//! cannot be opened.

use std::fmt;
use std::path::PathBuf;

use stokehold_app::Config;
use stokehold_app::types::{Audit, DatabaseAddress, StoreOpenError};

use crate::config;
use crate::failure::Failure;

/// The options of every command that opens a ledger. What they leave open the configuration says.
#[derive(clap::Args)]
pub(crate) struct Place {
    /// Directory of the database [default: ./stokehold-data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// A PostgreSQL database instead, which many hosts may share. Others of this machine see what
    /// stands on a command line: a password is better kept in `store.database_file`
    #[arg(long, value_name = "URL", conflicts_with = "data")]
    database: Option<String>,
    /// The configuration file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Place {
    /// The configuration, with the place that the command line names.
    pub(crate) fn config(&self) -> Result<Config, Failure> {
        let mut config = config::load(self.config.as_deref())?;
        if self.data.is_some() || self.database.is_some() {
            config.store.database = self.database.clone().map(Into::into);
            config.store.database_file = None;
        }
        if let Some(data) = &self.data {
            config.store.data.clone_from(data);
        }
        Ok(config)
    }

    /// Which ledger it is.
    pub(crate) fn ledger(&self) -> Result<Ledger, Failure> {
        let config = self.config()?;
        config::check(&config)?;
        let address = config.store.address().map_err(|why| {
            Failure::new("the ledger cannot be opened", why).hint("--database or --data names it")
        })?;
        Ok(match address {
            None => Ledger::Directory(config.store.data),
            Some(address) => Ledger::Database(address.into()),
        })
    }
}

/// A ledger.
pub(crate) enum Ledger {
    /// In a data directory.
    Directory(PathBuf),
    /// In a PostgreSQL database.
    Database(Box<DatabaseAddress>),
}

impl Ledger {
    /// Looks into it.
    pub(crate) fn audit(&self) -> Result<Audit, Failure> {
        let audit = match self {
            Self::Directory(directory) => Audit::open(directory),
            Self::Database(address) => Audit::connect(address),
        };
        audit.map_err(|error| {
            let hint = mend(&error);
            Failure::new("the ledger cannot be opened", error).hint(hint)
        })
    }
}

/// The directory, or the server and its database: no password.
impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(directory) => directory.display().fmt(f),
            Self::Database(address) => address.fmt(f),
        }
    }
}

/// What to do where a store cannot be opened.
pub(crate) fn mend(error: &StoreOpenError) -> &'static str {
    match error.code() {
        Some("28P01" | "28000") => {
            "is the user's password in the address right, and does the server's pg_hba.conf let the \
             user in from here?"
        }
        Some("3D000") => "make the database first, with createdb",
        Some("42501") => {
            "the user has to own the database, or may at least create tables in its schema"
        }
        Some("53300") => "the server's max_connections is reached: each host needs ten connections",
        _ => mend_of_kind(error),
    }
}

fn mend_of_kind(error: &StoreOpenError) -> &'static str {
    match error {
        StoreOpenError::Locked { .. } => {
            "stop the other process, or choose another directory with --data"
        }
        StoreOpenError::OtherMode { .. } => {
            "start it as it was made, or choose another place with --data or --database"
        }
        StoreOpenError::Postgres(_) => {
            "is the server up, and does --database name its host and port?"
        }
        StoreOpenError::NoAnswer(_) => {
            "is it a PostgreSQL server that --database names, and is it stopped, or stuck?"
        }
        StoreOpenError::Older { .. } => {
            "a start of the server brings it up to date; until then, use the program that made it"
        }
        StoreOpenError::Newer { .. } => "a database is never taken back: install the newer program",
        StoreOpenError::Missing { .. } => {
            "--data or --database names the ledger, as `serve` was given it"
        }
        _ => "--data or --database names the ledger; `stokehold ledger verify` looks into it",
    }
}
