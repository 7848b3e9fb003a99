//! How calls fail, and the class of each outcome.

use std::time::Duration;

use stokehold_ledger::{Credits, Refusal};
use stokehold_runtime::{Failure, Stop};
use stokehold_store::{Error as StoreError, ServiceStatus};
use thiserror::Error;

use crate::admission::Full;
use crate::error::Error;

/// Why a call has no result. Where it says nothing else, nothing is charged.
#[derive(Debug, Error)]
pub enum CallFailure {
    /// No service has this name.
    #[error("there is no service of this name")]
    UnknownService,
    /// The service may not be used.
    #[error("the service is {}", .0.as_str())]
    NotActive(ServiceStatus),
    /// Nothing was uploaded yet that could run.
    #[error("the service has no active version yet; try again later")]
    NoVersion,
    /// The service is to be told a secret that has no value.
    #[error("the service is not ready: its secret {0} has no value")]
    NoSecret(String),
    /// Not enough credits are available, there is no such account, or its token is disabled.
    #[error("not enough credits")]
    Insufficient {
        /// What the call may cost.
        needed: Credits,
        /// What the provider shows the client, sanitised HTML; may be empty.
        template: String,
    },
    /// Too much is going on.
    #[error("{what}; try again in {} s", retry_after.as_secs())]
    Busy {
        /// Which limit was met.
        what: String,
        /// When to try again.
        retry_after: Duration,
    },
    /// The version is suspended: call after call of it has failed.
    #[error("the service is suspended because call after call has failed; try again in {} s",
        retry_after.as_secs())]
    Suspended {
        /// When one call may try it.
        retry_after: Duration,
    },
    /// The call may cost more than this host, or the account's day, allows.
    #[error("{0}")]
    SpendLimit(String),
    /// The quote that was sent along does not fit the call.
    #[error("{0}; ask for another quote")]
    BadQuote(String),
    /// The client does not want it any more.
    #[error("the call was cancelled by its client. Nothing was charged.")]
    Cancelled,
    /// The service itself says why it does not answer.
    #[error("{}", text(.0))]
    Failed(Failure),
    /// The host stopped the guest.
    #[error("{stop}. {}", charged_text(*.charged))]
    Stopped {
        /// Why.
        stop: Stop,
        /// What the tariff has it cost.
        charged: Credits,
    },
    /// What the guest handed over is not what the contract asks for.
    #[error("bad output: {0}. Nothing was charged.")]
    BadOutput(String),
    /// The hold ended while the call ran: somebody released it, or it expired.
    #[error("the hold ended while the call ran: {0}. Nothing was charged.")]
    HoldLost(Refusal),
    /// The same request was made before and has failed so; this is its record.
    #[error("{text}")]
    Before {
        /// The class of its outcome.
        class: String,
        /// What its client was told.
        text: String,
    },
    /// The idempotency key cannot be one, or was used before for another request.
    #[error("{0}")]
    BadKey(String),
    /// The host is stopping.
    #[error("the host is stopping; try again in a minute. Nothing was charged.")]
    HostStopping,
    /// The ledger said no.
    #[error(transparent)]
    Refused(Refusal),
    /// The host failed.
    #[error("the host failed")]
    Host(#[source] Error),
}

/// The limit that a call has broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Its name.
    pub name: &'static str,
    /// Its value, in the unit that the name ends with.
    pub value: u64,
    /// What the call has used or asked for; at least this much where the host stopped counting.
    pub used: u64,
}

impl CallFailure {
    /// The host stopped the guest, and nothing is charged yet.
    pub(crate) fn stopped(stop: Stop) -> Self {
        Self::Stopped { stop, charged: Credits::ZERO }
    }

    /// The class of the outcome, as it stands on the call's record.
    pub fn class(&self) -> &str {
        match self {
            Self::Failed(Failure::UserError(_)) => "user-error",
            Self::Failed(Failure::AccessError(_)) => "access-error",
            Self::Failed(Failure::Unavailable(_)) => "unavailable",
            Self::Stopped { stop: Stop::OutOfFuel { .. }, .. } => "out-of-fuel",
            Self::Stopped { stop: Stop::Memory { .. }, .. } => "memory",
            Self::Stopped { stop: Stop::Deadline { .. }, .. } => "deadline",
            Self::Stopped { stop: Stop::Output { .. }, .. } => "output",
            Self::Stopped { stop: Stop::Handles { .. }, .. } => "handles",
            Self::Stopped { stop: Stop::Trap { .. }, .. } => "trap",
            Self::BadOutput(_) => "bad-output",
            Self::HoldLost(_) => "hold-lost",
            Self::HostStopping => "host-stopped",
            Self::UnknownService | Self::NotActive(_) | Self::NoVersion | Self::NoSecret(_) => {
                "no-service"
            }
            Self::Before { class, .. } => class,
            Self::BadKey(_) => "user-error",
            Self::Suspended { .. } => "suspended",
            Self::SpendLimit(_) => "spend-limit",
            Self::BadQuote(_) => "bad-quote",
            Self::Cancelled => "cancelled",
            Self::Insufficient { .. } => "insufficient-credits",
            Self::Refused(_) => "refused",
            Self::Busy { .. } => "busy",
            Self::Stopped { stop: Stop::HostFault(_), .. } | Self::Host(_) => "host-fault",
        }
    }

    /// Which limit was broken, where one was. A quote that ran out of fuel has used all it had.
    pub fn limit(&self, fuel_used: Option<u64>) -> Option<Limit> {
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let limit = |name, value, used| Some(Limit { name, value, used });
        let Self::Stopped { stop, .. } = self else { return None };
        match stop {
            Stop::OutOfFuel { limit: value } => limit("fuel", *value, fuel_used.unwrap_or(*value)),
            Stop::Memory { limit_bytes, asked_bytes } => {
                limit("memory_bytes", *limit_bytes as u64, *asked_bytes as u64)
            }
            Stop::Deadline { limit: value, elapsed } => {
                limit("deadline_ms", millis(*value), millis(*elapsed))
            }
            Stop::Handles { limit: value, asked } => limit("handles", *value as u64, *asked as u64),
            Stop::Output { limit_bytes } => {
                let value = *limit_bytes as u64;
                limit("output_bytes", value, value.saturating_add(1))
            }
            _ => None,
        }
    }
}

fn charged_text(charged: Credits) -> String {
    if charged.is_zero() {
        "Nothing was charged.".into()
    } else {
        format!("{charged} credits were charged for the fuel that was used.")
    }
}

fn text(failure: &Failure) -> &str {
    match failure {
        Failure::UserError(text) | Failure::AccessError(text) | Failure::Unavailable(text) => text,
    }
}

impl From<Full> for CallFailure {
    fn from(full: Full) -> Self {
        let busy = |what, seconds| Self::Busy { what, retry_after: Duration::from_secs(seconds) };
        match full {
            Full::Stopping => Self::HostStopping,
            Full::Account { max } => {
                busy(format!("this account has as many calls under way as it may ({max})"), 1)
            }
            Full::Service { max } => {
                busy(format!("as many calls of this service wait as may ({max})"), 5)
            }
            Full::Queue { max } => {
                busy(format!("as many calls wait as this host allows ({max})"), 5)
            }
            Full::Wait { waited } => {
                busy(format!("no place came free in {} s", waited.as_secs()), 5)
            }
        }
    }
}

impl From<StoreError> for CallFailure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Refused(refusal) => Self::Refused(refusal),
            StoreError::IdempotencyConflict => {
                Self::BadKey("idempotency_conflict: this key was used for another request".into())
            }
            error @ StoreError::DayLimit { .. } => Self::SpendLimit(error.to_string()),
            error => Self::Host(error.into()),
        }
    }
}
