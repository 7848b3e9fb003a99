//! Why a use case was not carried out.

use stokehold_ledger::Refusal;
use stokehold_store::Error as StoreError;
use thiserror::Error;

/// Why a use case of the management API was not carried out. Nothing was changed.
#[derive(Debug, Error)]
pub enum Error {
    /// There is no such thing, or the caller may not know of it.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// The caller is known, and may not do this.
    #[error("{0}")]
    Forbidden(&'static str),
    /// The request does not fit what is there.
    #[error("{0}")]
    Conflict(String),
    /// The request is wrong. Each text names one fault.
    #[error("{}", .0.join("; "))]
    Invalid(Vec<String>),
    /// The version cannot be taken, or put into service. Each pair is one fault and its mend.
    #[error("the version is refused: {}", count(.0.len()))]
    BadUpload(Vec<(String, String)>),
    /// The ledger said no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The host failed, or is overloaded. What happened is for the operator, not for the caller.
    #[error("the store cannot be used now")]
    Store(#[source] StoreError),
    /// The host failed.
    #[error("the host failed: {0}")]
    Host(String),
}

fn count(faults: usize) -> String {
    if faults == 1 { "1 fault".to_owned() } else { format!("{faults} faults") }
}

impl Error {
    /// A request with one fault.
    pub fn invalid(what: impl Into<String>) -> Self {
        Self::Invalid(vec![what.into()])
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Refused(refusal) => Self::Refused(refusal),
            StoreError::NotFound(what) => Self::NotFound(what),
            StoreError::Taken(what) => Self::Conflict(format!("this {what} is already in use")),
            StoreError::IdempotencyConflict => Self::Conflict(error.to_string()),
            error => Self::Store(error),
        }
    }
}
