//! The rules of the ledger, and nothing else.
//!
//! A client's [`Account`] holds [`Credits`] for one service. A [`Hold`] sets some of them aside
//! until it is captured, cancelled or expires; exactly one of the three happens. Whatever moves
//! credits or money is a [`Posting`]: entries that sum to zero and are never altered.
//!
//! [`decide`] is the one place where these rules stand. It is pure: no input or output, no clock,
//! no randomness. A store loads the rows that a [`Command`] is about, asks [`decide`], and writes
//! what it answers in one transaction.

#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects, clippy::float_arithmetic))]

mod account;
mod command;
mod credits;
mod decide;
mod hold;
mod id;
mod money;
mod posting;
#[cfg(any(test, feature = "probe"))]
pub mod probe;
mod refusal;
mod tariff;
mod time;
mod token;

pub use account::Account;
pub use command::{Command, Source};
pub use credits::{Credits, ParseCreditsError};
pub use decide::{Change, Decision, Rows, decide};
pub use hold::{Hold, HoldState};
pub use id::{
    AccountId, CallId, HoldId, OrderId, PackId, ParseIdError, ServiceId, TokenId, VersionId,
};
pub use money::{BasisPoints, Cents, Commission};
pub use posting::{Book, Entry, Posting, PostingKind, Unit};
pub use refusal::Refusal;
pub use tariff::Tariff;
pub use time::{LedgerClock, Span, Timestamp};
pub use token::{AccountKey, AccountName, AccountToken, ParseTokenError};
