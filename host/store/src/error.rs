//! What can go wrong in the store.

use stokehold_ledger::Refusal;
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
    /// The queue of the writer is full: try again later.
    #[error("too many writes are waiting")]
    Busy,
    /// A commit failed, and whether it took place is not known. The store has stopped; it has to
    /// be opened again and read before anything is answered.
    #[error("a commit failed and its outcome is unknown; the store has stopped")]
    OutcomeUnknown,
    /// The store was closed, or stopped after a failed commit.
    #[error("the store has stopped")]
    Stopped,
    /// A row has a value that this program never writes.
    #[error("the database holds a value that is not valid: {0}")]
    Corrupt(String),
    /// SQLite failed.
    #[error("SQLite: {0}")]
    Sqlite(#[from] rusqlite::Error),
}

impl Error {
    /// Whether this is an answer to the request rather than a failure of the store.
    pub(crate) fn is_answer(&self) -> bool {
        matches!(
            self,
            Self::Refused(_) | Self::Taken(_) | Self::NotFound(_) | Self::IdempotencyConflict
        )
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
    /// This SQLite has a known fault that can destroy data.
    #[error("SQLite {found} is too old: 3.51.3 or newer is needed")]
    OldSqlite {
        /// Its version.
        found: &'static str,
    },
    /// The tables could not be brought up to date.
    #[error("migration: {0}")]
    Migration(#[from] refinery::Error),
    /// SQLite failed.
    #[error("SQLite: {0}")]
    Sqlite(#[from] rusqlite::Error),
}

fn mode(sandbox: bool) -> &'static str {
    if sandbox { "with --sandbox" } else { "without --sandbox" }
}
