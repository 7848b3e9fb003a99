//! The proof of the ledger and of its stores.
//!
//! `model` holds the rules once more, as plainly as they can be written; `property` runs random
//! steps on the model and on the store and compares every answer. The others each take one claim,
//! of a store in SQLite and of one in PostgreSQL: many at once, data altered by hand, a store that
//! is closed and opened, a process that is killed.

mod calls;
mod concurrency;
mod crash;
mod durable;
mod expiry;
mod fixture;
mod home;
mod migration;
mod model;
mod postgres;
mod property;
mod random;
mod reads;
mod repeat;
mod silence;
mod statement;
mod step;
mod subject;
mod tamper;
mod text;
mod trial;
mod waiting;
