//! The store in a PostgreSQL database that many hosts may share: the session that writes.
//!
//! A group of operations is one transaction: two round trips, whatever its size. It locks its
//! accounts in the order of their ids, then calls, and nothing else that another host may want, so
//! that two groups never wait for each other in a circle. A cold write is a transaction of its own
//! and locks the row `instance` first: cold writes of all hosts are in one row, so what they check
//! before they insert stays true.

/// Moves the fence by one, and answers the server's time. Finds nothing where it was moved already.
/// It is told which parameters are the host, the batch, the instant, and the end of the lease.
macro_rules! fence {
    ($host:literal, $batch:literal, $now:literal, $lease:literal) => {
        concat!(
            "UPDATE host SET batch = ",
            $batch,
            ", last_instant = ",
            $now,
            ", lease_until = ",
            $lease,
            " WHERE id = ",
            $host,
            " AND batch = ",
            $batch,
            "::bigint - 1 RETURNING \
             CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint) AS server"
        )
    };
}

mod address;
mod flush;
mod load;
mod open;
mod pool;
mod session;
mod tls;

use std::cell::Cell;
use std::sync::Arc;

use stokehold_ledger::Timestamp;

pub use address::Address;
pub(crate) use open::{prepare, tables};
pub(crate) use pool::{Pool, look, read};
pub(crate) use session::Session;

use crate::clock::Clock;
use crate::db::{Db, values};
use crate::error::{Error, OpenError};
use crate::fail_point::FailPoint;
use crate::host::{self, HostId, LEASE_MICROS};
use crate::job::Cold;
use crate::replay;
use crate::store::Mode;
use crate::writer::{Backend, Failure, Group};
use session::Trouble;

/// How often a group is tried again because somebody else was in the way.
const ATTEMPTS_MAX: usize = 5;

/// The writing session.
pub(crate) struct Postgres {
    address: Address,
    /// None only while it cannot be opened again.
    db: Option<Session>,
    host: HostId,
    /// How many transactions this host has committed: the fence of the last.
    batch: i64,
    clock: Arc<Clock>,
}

/// A PostgreSQL database that was opened for writing.
pub(crate) struct Opened {
    pub(crate) backend: Postgres,
    pub(crate) clock: Arc<Clock>,
    pub(crate) host: HostId,
    pub(crate) secret: [u8; 32],
}

impl Postgres {
    /// Connects, brings the tables up to date, and joins the hosts.
    pub(crate) fn open(address: Address, mode: Mode, seed: [u8; 32]) -> Result<Opened, OpenError> {
        let (db, begun) = open::open(&address, mode, seed)?;
        let (clock, host) = (Arc::new(begun.clock), begun.host);
        let backend = Self { address, db: Some(db), host, batch: 0, clock: clock.clone() };
        Ok(Opened { backend, clock, host, secret: begun.secret })
    }
}

impl Backend for Postgres {
    const COLD_TOGETHER: bool = false;

    fn attempt(&mut self, group: &mut Group, now: Timestamp) -> Result<(), Failure> {
        let mut left = ATTEMPTS_MAX;
        loop {
            left -= 1;
            match self.try_once(group, now) {
                Err(Stumble::Again(_)) if left > 0 => {}
                Err(Stumble::Again(error) | Stumble::Undone(error)) => {
                    return Err(Failure::Undone(error));
                }
                Err(Stumble::Lost(error)) => return Err(Failure::Lost(error)),
                Err(Stumble::Unknown(error)) => return Err(Failure::Unknown(error)),
                Ok(()) => return Ok(()),
            }
        }
    }

    fn reopen(&mut self) -> Result<bool, Error> {
        self.db = None;
        let db = open::connect(&self.address)?;
        // The lost session may live on: its server was silent, and may yet do what it was sent. A
        // commit is sent only after the fence was moved, which has locked this row until the lost
        // transaction ends: so this waits for it, and then reads how it has ended. What was sent
        // without a commit is undone once the server sees that nobody is there.
        let sql = "SELECT batch FROM host WHERE id = ?1 FOR UPDATE";
        let batch: i64 = Db::Postgres(&db).one(sql, values![self.host.0], |row| row.get(0))?;
        self.db = Some(db);
        let took_place = batch > self.batch;
        self.batch = batch;
        Ok(took_place)
    }

    fn tidy(&mut self, _: bool) {}
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // The others need not wait for the end of the lease. Where this fails, they do.
        if let Some(db) = &self.db
            && let Err(error) = host::end_leases(Db::Postgres(db), Some(self.host))
        {
            tracing::warn!(%error, "the other hosts could not be told that this one ends");
        }
    }
}

impl Postgres {
    fn try_once(&mut self, group: &mut Group, now: Timestamp) -> Result<(), Stumble> {
        let db = self.db.as_ref().ok_or(Stumble::Lost(Error::Lost))?;
        let batch = self.batch.saturating_add(1);
        let (host, clock, commits) = (self.host, &*self.clock, Cell::new(false));
        let transaction = Transaction { db, host, batch, now, clock, commits };
        let done = transaction.run(group);
        let trouble = db.trouble();
        if let (Ok(true), Trouble::None) = (&done, trouble) {
            self.batch = batch;
            return Ok(());
        }
        // Where the commit was sent and answered, it has undone everything: then this does nothing.
        if trouble == Trouble::Lost || db.batch("ROLLBACK").is_err() {
            let error = done.err().unwrap_or(Error::Lost);
            let is_sent = transaction.commits.get();
            return Err(if is_sent { Stumble::Unknown(error) } else { Stumble::Lost(error) });
        }
        match (done, trouble) {
            (done, Trouble::Again) => Err(Stumble::Again(done.err().unwrap_or(Error::InTheWay))),
            (Err(error), _) => Err(Stumble::Undone(error)),
            // Nothing was to be kept, and why is the answer.
            (Ok(false), _) => Ok(()),
            (Ok(true), _) => {
                Err(Stumble::Undone(Error::Corrupt("a write went on after it had failed".into())))
            }
        }
    }
}

/// Why a transaction was not committed.
enum Stumble {
    /// Somebody else was in the way.
    Again(Error),
    /// It was rolled back, and would be again.
    Undone(Error),
    /// The connection was lost before anybody had spoken of a commit.
    Lost(Error),
    /// It was lost while the commit was under way.
    Unknown(Error),
}

/// One transaction of a host.
struct Transaction<'a> {
    db: &'a Session,
    host: HostId,
    batch: i64,
    now: Timestamp,
    clock: &'a Clock,
    /// Whether the server may have been sent the commit.
    commits: Cell<bool>,
}

impl Transaction<'_> {
    /// All of it. Answers whether it has committed; without an error it has not where nothing was to
    /// be kept.
    fn run(&self, group: &mut Group) -> Result<bool, Error> {
        if group.is_hot() {
            let wanted = group.wanted();
            let mut rows = load::load(self, &wanted)?;
            group.decide(&mut rows);
            if wanted.swept_max > 0 {
                replay::forget(Db::Postgres(self.db), self.now)?;
            }
            self.commits.set(true);
            flush::flush(self.db, &rows.into_writes(), (self.host, self.now))?;
            return Ok(true);
        }
        self.db.batch("BEGIN")?;
        self.move_fence()?;
        self.db.execute("SELECT one FROM instance FOR UPDATE", &[])?;
        let db = Db::Postgres(self.db);
        // There is one: see `COLD_TOGETHER`.
        let keep = group.cold().all(|job: &mut Box<dyn Cold>| job.run(db, self.now));
        if keep && self.db.is_sound() {
            FailPoint::BeforeCommit.pass();
            self.commits.set(true);
            self.db.batch("COMMIT")?;
        }
        Ok(keep)
    }

    /// Prolongs the host's lease, and learns the server's time.
    fn move_fence(&self) -> Result<(), Error> {
        let sent = Clock::local();
        let values = values![self.host.0, self.batch, self.now.0, self.lease_until()];
        let server = Db::Postgres(self.db)
            .find(fence!("?1", "?2", "?3", "?4"), values, |row| row.get(0).map(Timestamp))?;
        self.clock.learn(sent, server.ok_or(Error::FenceLost)?);
        Ok(())
    }

    fn lease_until(&self) -> i64 {
        self.now.0.saturating_add(LEASE_MICROS)
    }
}
