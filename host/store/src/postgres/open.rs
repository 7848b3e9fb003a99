//! Opening the database: tables, mode, host.

use refinery::{Migration, Runner};
use stokehold_ledger::Timestamp;

use super::address::Address;
use super::session::Session;
use crate::clock::Clock;
use crate::db::Db;
use crate::error::OpenError;
use crate::host::{self, HostId, LEASE_MICROS};
use crate::instance;
use crate::store::Mode;
use crate::tables::Tables;

mod migrations {
    //! The tables, version by version.
    refinery::embed_migrations!("migrations/postgres");
}

/// What a host begins with.
pub(super) struct Begun {
    pub(super) clock: Clock,
    pub(super) secret: [u8; 32],
    pub(super) host: HostId,
}

/// Connects for writing.
pub(super) fn connect(address: &Address) -> Result<Session, OpenError> {
    let db = Session::connect(address, true)?;
    set_up(&db)?;
    Ok(db)
}

/// Makes it a session that writes groups. Every statement of a group goes by an index, row by row,
/// whatever the server knows of its tables yet: each other way reads a table or an index from end to
/// end, which looks cheap while they are small, and a plan is kept. A commit that was answered
/// survives a loss of power, whatever the server's settings. To compile a statement takes longer than
/// any of them.
///
/// What a host has locked is free again soon after it was stopped, or cut off, in the middle of a
/// transaction: the server looks after itself whether somebody is there. And it gives up waiting for a
/// lock before the host gives up waiting for it, so that it does not wait on for nobody.
fn set_up(db: &Session) -> Result<(), OpenError> {
    db.batch(
        "SET synchronous_commit = on; SET enable_seqscan = off; SET enable_bitmapscan = off; \
         SET enable_mergejoin = off; SET jit = off; SET plan_cache_mode = force_generic_plan; \
         SET lock_timeout = '4s'; SET idle_in_transaction_session_timeout = '6s'; \
         SET tcp_keepalives_idle = 3; SET tcp_keepalives_interval = 1; SET tcp_keepalives_count = 2",
    )?;
    Ok(())
}

/// Connects, brings the tables up to date, and joins the hosts.
pub(super) fn open(
    address: &Address,
    mode: Mode,
    seed: [u8; 32],
) -> Result<(Session, Begun), OpenError> {
    let mut db = Session::connect(address, true)?.patient();
    bring_up_to_date(&mut db, |db| instance::check_mode(Db::Postgres(db), mode))?;
    let db = db.prompt();
    set_up(&db)?;
    let begun = begin(&db, mode, seed);
    db.batch("SELECT pg_advisory_unlock(5475063519)")?;
    begun.map(|begun| (db, begun))
}

/// Connects and brings the tables up to date. No host opens the database while the session is there.
pub(crate) fn prepare(address: &Address) -> Result<Session, OpenError> {
    let mut db = Session::connect(address, true)?.patient();
    bring_up_to_date(&mut db, |_| Ok(()))?;
    Ok(db)
}

/// One session at a time: the others wait until this one ends, or gives the lock back. `check` looks
/// at a database that has tables.
fn bring_up_to_date(
    db: &mut Session,
    check: impl FnOnce(&Session) -> Result<(), OpenError>,
) -> Result<(), OpenError> {
    db.batch("SELECT pg_advisory_lock(5475063519)")?;
    if tables(db)?.are_known()?.found != 0 {
        check(db)?;
    }
    db.migrate(&runner())
}

fn runner() -> Runner {
    migrations::migrations::runner()
}

fn begin(db: &Session, mode: Mode, seed: [u8; 32]) -> Result<Begun, OpenError> {
    let found = instance::begin(Db::Postgres(db), mode, seed)?;
    let sent = Clock::local();
    let time = "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)";
    let server = Db::Postgres(db).one(time, &[], |row| row.get(0).map(Timestamp))?;
    let clock = Clock::start(found.last_instant, Some((sent, server)));
    let now = clock.now();
    let lease_until = Timestamp(now.0.saturating_add(LEASE_MICROS));
    let host = host::join(Db::Postgres(db), now, lease_until)?;
    Ok(Begun { clock, secret: found.secret, host })
}

/// How far the tables are.
pub(crate) fn tables(db: &Session) -> Result<Tables, OpenError> {
    let known = runner().get_migrations().iter().map(Migration::version).max().unwrap_or(0);
    let db = Db::Postgres(db);
    let history = "SELECT to_regclass('refinery_schema_history') IS NOT NULL";
    if !db.one(history, &[], |row| row.get(0))? {
        return Ok(Tables { found: 0, known });
    }
    let version = "SELECT CAST(coalesce(max(version), 0) AS bigint) FROM refinery_schema_history";
    let found: i64 = db.one(version, &[], |row| row.get(0))?;
    Ok(Tables { found: i32::try_from(found).unwrap_or(i32::MAX), known })
}
