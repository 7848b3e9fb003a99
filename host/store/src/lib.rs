//! Where everything durable lives: the ledger, the catalogue of services, the calls.
//!
//! A [`Store`] is a SQLite database in a data directory, or a PostgreSQL database that many hosts
//! share. One thread of a host writes ([`Store`]'s
//! documentation says how), a pool of connections reads. What may happen to credits is decided by
//! [`stokehold_ledger::decide`] alone: this crate loads the rows, asks, and writes the answer.

mod account;
mod audit;
mod backup;
mod call;
mod catalogue;
mod clock;
mod db;
mod error;
mod expiry;
mod fail_point;
mod hold;
mod host;
mod instance;
mod job;
mod key_value;
mod op;
mod order;
mod outbox;
mod postgres;
mod posting;
mod queue;
mod replay;
mod row;
#[cfg(test)]
mod scheduled;
mod seal;
mod secret;
mod setting;
mod signing_key;
mod spending;
mod sqlite;
mod statement;
mod store;
mod suspension;
mod tables;
mod text;
mod token;
mod transfer;
mod trial;
mod verify;
mod version;
mod waiting;
mod working_set;
mod writer;

/// What the queue locks and waits with.
mod sync {
    pub(crate) use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
}

pub use account::AccountView;
pub use audit::Audit;
pub use backup::{BackupError, restore, restore_into};
pub use call::{CallRecord, CallStatus, NewCall, Settlement, Spent};
pub use catalogue::{NewPack, NewService, Pack, PackChange, Service, ServiceChange, ServiceStatus};
pub use error::{Error, OpenError};
pub use fail_point::FailPoint;
pub use hold::{NewHold, OpenHold};
pub use key_value::{KeyChange, KeyRefusal, KeyValueMax, KeyWrite, KeyWritten};
pub use order::{NewOrder, Order, OrderStatus};
pub use outbox::{Sent, Warning};
pub use postgres::Address as DatabaseAddress;
pub use replay::{Once, RequestDigest};
pub use secret::SealedSecret;
pub use setting::{Address, OwnAccount, WarningSettings};
pub use signing_key::SigningKey;
pub use sqlite::MemoryMax;
pub use statement::{Line, Page};
pub use store::{Mode, Store};
pub use suspension::Suspension;
pub use token::{ApiToken, Role};
pub use verify::Finding;
pub use version::{NewVersion, Version};
pub use waiting::QueuedCall;
