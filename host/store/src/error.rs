//! What can go wrong in the store.

use std::time::Duration;

use stokehold_ledger::{Credits, Refusal};
use thiserror::Error;

/// Why the store did not do what was asked. Unless it says otherwise, nothing was written.
#[derive(Debug, Error)]
pub enum Error {
    /// The ledger said no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A name that has to be unique is in use.
    #[error("this {0} is already in use")]
    Taken(&'static str),
    /// The row is not there.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// The idempotency key was used before, for another request.
    #[error("this idempotency key was used before for another request")]
    IdempotencyConflict,
    /// What the account's calls cost today would be above their limit.
    #[error(
        "the calls of this account may cost {max} credits a day together, and {spent} are spent or held"
    )]
    DayLimit {
        /// The limit.
        max: Credits,
        /// What those of today have captured, or hold.
        spent: Credits,
    },
    /// The queue of the writer is full: try again later.
    #[error("too many writes are waiting")]
    Busy,
    /// The database failed before anything of this was written, and again at the second attempt.
    #[error("the database cannot be written now and nothing was done: try again")]
    NotWritten,
    /// A commit failed, and the database could not be opened again soon enough to see whether it
    /// took place, or a write was not answered in time. The store goes on trying.
    #[error(
        "the database failed while this was written, and whether it was is not known yet: \
             look before you try again, or repeat it under its idempotency key"
    )]
    OutcomeUnknown,
    /// The store was closed.
    #[error("the store has stopped")]
    Stopped,
    /// A row has a value that this program never writes.
    #[error("the database holds a value that is not valid: {0}")]
    Corrupt(String),
    /// Somebody else was in the way, more often than a write is tried again.
    #[error("other writers were in the way: try again")]
    InTheWay,
    /// This host's row is not as it left it: another process has taken its place.
    #[error("this host's row in the database was changed by somebody else")]
    FenceLost,
    /// A reader is in the way of emptying the write-ahead log.
    #[error("a reader is in the way of emptying the write-ahead log")]
    LogInUse,
    /// The database cannot be opened again.
    #[error(transparent)]
    Reopen(Box<OpenError>),
    /// SQLite failed.
    #[error("SQLite: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// PostgreSQL failed, or the way to it.
    #[error("PostgreSQL: {}", reason(.0))]
    Postgres(#[from] tokio_postgres::Error),
    /// The PostgreSQL server is silent, and nobody knows what became of what it was sent.
    #[error("PostgreSQL: no answer within {} s", .0.as_secs())]
    NoAnswer(Duration),
    /// The connection to the PostgreSQL server was lost before.
    #[error("PostgreSQL: the connection was lost")]
    Lost,
}

/// What a server said, or why it could not be asked. The driver's own text leaves that out.
fn reason(error: &tokio_postgres::Error) -> String {
    if let Some(said) = error.as_db_error() {
        return format!("{} ({})", said.message(), said.code().code());
    }
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

impl From<OpenError> for Error {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Sqlite(error) => Self::Sqlite(error),
            OpenError::Postgres(error) => Self::Postgres(error),
            error => Self::Reopen(Box::new(error)),
        }
    }
}

/// Why a store cannot be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// Another process has the data directory.
    #[error("{path} is in use by another process")]
    Locked {
        /// The lock file.
        path: String,
    },
    /// A file or directory could not be read or made.
    #[error("{path}: {source}")]
    Io {
        /// What could not be read or made.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// There is no store here.
    #[error("{path} holds no Stokehold data")]
    Missing {
        /// The data directory.
        path: String,
    },
    /// The store was made for the sandbox and is opened without it, or the other way round.
    #[error("this data was made {made}, and cannot be opened {asked}", made = mode(!*.asked), asked = mode(*.asked))]
    OtherMode {
        /// Whether it was to be opened as a sandbox.
        asked: bool,
    },
    /// The file system is another machine's, which keeps no promise that a database needs.
    #[error(
        "{path} is on a network file system ({kind}), which can lose or damage a database: \
             use a disk of this machine, or a PostgreSQL server"
    )]
    NetworkFileSystem {
        /// The data directory.
        path: String,
        /// Which kind.
        kind: &'static str,
    },
    /// This SQLite has a known fault that can destroy data.
    #[error("SQLite {found} is too old: 3.51.3 or newer is needed")]
    OldSqlite {
        /// Its version.
        found: &'static str,
    },
    /// A later version of this program has brought the tables further than this one knows.
    #[error(
        "the database is of version {found}, and this program knows versions up to {known}: \
             use the program that it was last opened with, or a later one"
    )]
    Newer {
        /// The version of its tables.
        found: i32,
        /// The latest version that this program knows.
        known: i32,
    },
    /// An earlier version of this program has made the tables, and none has brought them up to date.
    #[error("the database is of version {found}, and this program reads version {known}")]
    Older {
        /// The version of its tables.
        found: i32,
        /// The latest version that this program knows.
        known: i32,
    },
    /// The tables could not be brought up to date.
    #[error("the tables cannot be brought up to date: {}", migration(.0))]
    Migration(#[from] refinery::Error),
    /// What stands in the database cannot be read.
    #[error(transparent)]
    Read(Box<Error>),
    /// The address of a PostgreSQL database is none.
    #[error("the address of the PostgreSQL database cannot be used: {why}")]
    Address {
        /// Why. Nothing of the address, which may hold a password.
        why: String,
    },
    /// SQLite failed.
    #[error("SQLite: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// PostgreSQL failed, or the way to it.
    #[error("PostgreSQL: {}", reason(.0))]
    Postgres(#[from] tokio_postgres::Error),
    /// Somebody listens at the address of the PostgreSQL server, and says nothing.
    #[error("PostgreSQL: the connection was taken, and no answer came within {} s", .0.as_secs())]
    NoAnswer(Duration),
}

impl OpenError {
    /// PostgreSQL's own code for what its server refused (SQLSTATE), such as `28P01` for a wrong
    /// password.
    pub fn code(&self) -> Option<&str> {
        let said = match self {
            Self::Postgres(error) => error.as_db_error(),
            Self::Migration(error) => postgres(error).and_then(|error| error.as_db_error()),
            _ => None,
        };
        said.map(|said| said.code().code())
    }
}

/// What a migration failed of, where that was PostgreSQL.
fn postgres(error: &refinery::Error) -> Option<&tokio_postgres::Error> {
    std::error::Error::source(error)?.downcast_ref()
}

fn migration(error: &refinery::Error) -> String {
    postgres(error).map_or_else(|| error.to_string(), reason)
}

impl From<Error> for OpenError {
    fn from(error: Error) -> Self {
        match error {
            Error::Sqlite(error) => Self::Sqlite(error),
            Error::Postgres(error) => Self::Postgres(error),
            error => Self::Read(Box::new(error)),
        }
    }
}

fn mode(sandbox: bool) -> &'static str {
    if sandbox { "with --sandbox" } else { "without --sandbox" }
}
