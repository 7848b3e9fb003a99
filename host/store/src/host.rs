//! The hosts that share a database.
//!
//! Each has a row with a lease, which every transaction of its prolongs; a sweep each second sees to
//! it that there is one. What a host does is marked with its number: once its lease has ended, the
//! others take that over. A database of SQLite's has one host at a time, which is alive for as long
//! as it holds the lock.

use stokehold_ledger::Timestamp;

use crate::db::{Db, values};
use crate::error::Error;

/// How long a host is believed to be alive after its last transaction, in microseconds: ten times
/// as long as it may go without one.
pub(crate) const LEASE_MICROS: i64 = 10 * 1_000_000;

/// How long the row of a host that has ended is kept, in microseconds: for whoever looks into it.
const KEPT_MICROS: i64 = 24 * 3_600 * 1_000_000;

/// A condition on a row of `host_id`: that host is gone, at the instant ?1. The host ?2, which
/// asks, is there.
pub(crate) const IS_GONE: &str = "NOT EXISTS (SELECT 1 FROM host \
     WHERE host.id = host_id AND (lease_until > ?1 OR host.id = ?2))";

/// The number of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HostId(pub(crate) i64);

/// Adds a host whose lease ends at `lease_until`, and forgets those that ended long ago.
pub(crate) fn join(db: Db<'_>, now: Timestamp, lease_until: Timestamp) -> Result<HostId, Error> {
    // What is forgotten shall not set the clock back.
    let latest = "UPDATE instance SET last_instant = (SELECT max(last_instant) FROM host) \
                  WHERE last_instant < (SELECT max(last_instant) FROM host)";
    db.execute(latest, &[])?;
    let forget = "DELETE FROM host WHERE lease_until <= ?1 AND NOT EXISTS \
                  (SELECT 1 FROM call WHERE ended_at IS NULL AND call.host_id = host.id)";
    db.execute(forget, values![now.0.saturating_sub(KEPT_MICROS)])?;
    let add = "INSERT INTO host (name, started_at, lease_until) VALUES (?1, ?2, ?3)";
    db.insert(add, values![&name(), now.0, lease_until.0]).map(HostId)
}

/// Ends the leases of all hosts but `of`, or of `of` alone.
pub(crate) fn end_leases(db: Db<'_>, of: Option<HostId>) -> Result<(), Error> {
    let all = "UPDATE host SET lease_until = 0 WHERE lease_until > 0";
    match of {
        None => db.execute(all, &[])?,
        Some(host) => db.execute(&format!("{all} AND id = ?1"), values![host.0])?,
    };
    Ok(())
}

/// What a host is called: the machine's name and the process's number.
fn name() -> String {
    #[cfg(unix)]
    let machine = rustix::system::uname().nodename().to_string_lossy().into_owned();
    #[cfg(not(unix))]
    let machine = String::from("host");
    format!("{machine}/{}", std::process::id())
}
