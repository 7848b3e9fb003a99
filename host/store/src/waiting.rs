//! Calls that wait for their turn, and the sweep of what calls leave behind.
//!
//! What waits is durable: the call's record and its hold are there, and beside them what the call is
//! to be made with. Taking it out of the queue is one step, and only one host can.

use rusqlite::{Connection, OptionalExtension, Row};
use stokehold_ledger::{AccountKey, CallId, ServiceId, Timestamp, VersionId};

use crate::error::Error;
use crate::op::{Op, Wanted};
use crate::row;
use crate::spending::Spender;
use crate::store::Store;
use crate::working_set::WorkingSet;

/// How many calls are swept in one step: no other write waits for long.
const SWEPT_MAX: u32 = 500;

/// How many days an account's spending is kept: no call that counts towards a day lasts as long.
const SPENDING_DAYS: i64 = 30;

/// A call that waits.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the fields are those of `NewCall`")]
pub struct QueuedCall {
    pub id: CallId,
    pub service: ServiceId,
    pub version: VersionId,
    pub account: AccountKey,
    pub created_at: Timestamp,
}

impl Store {
    /// The calls that wait, the oldest first.
    pub async fn queued_calls(&self) -> Result<Vec<QueuedCall>, Error> {
        self.read(|db| {
            let mut query = db.prepare_cached(
                "SELECT id, service_id, version_id, account_key, created_at FROM call \
                 WHERE status = 'queued' AND ended_at IS NULL ORDER BY id",
            )?;
            Ok(query.query_map([], queued)?.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// What a call that waits is to be made with; `None` where it no longer waits.
    pub async fn queued_params(&self, id: CallId) -> Result<Option<String>, Error> {
        self.read(move |db| {
            let mut query =
                db.prepare_cached("SELECT params FROM queued_call WHERE call_id = ?1")?;
            Ok(query.query_row([id.0.as_bytes()], |row| row.get(0)).optional()?)
        })
        .await
    }

    /// Takes a call out of the queue: it runs from now on. An error where it does not wait.
    pub async fn start_call(&self, id: CallId) -> Result<(), Error> {
        self.submit(Start { id }).await
    }

    /// Drops results and logs of calls that ended before `instant`, some at a time. Their records
    /// stay. Answers whether there may be more.
    pub async fn sweep_calls(&self, instant: Timestamp) -> Result<bool, Error> {
        self.write(move |db, now| sweep(db, instant, now)).await
    }
}

fn queued(row: &Row<'_>) -> rusqlite::Result<QueuedCall> {
    Ok(QueuedCall {
        id: CallId(row::uuid(row, 0)?),
        service: ServiceId(row.get(1)?),
        version: VersionId(row.get(2)?),
        account: AccountKey(row.get(3)?),
        created_at: Timestamp(row.get(4)?),
    })
}

/// Ids begin with their time, so what is to be swept stands behind what was: up to the first call
/// that has not ended long enough ago.
fn sweep(db: &Connection, instant: Timestamp, now: Timestamp) -> Result<bool, Error> {
    let swept: [u8; 16] = db.query_row("SELECT call_id FROM call_sweep", [], |row| row.get(0))?;
    let mut query =
        db.prepare_cached("SELECT id, ended_at FROM call WHERE id > ?1 ORDER BY id LIMIT ?2")?;
    let found = query.query_map((swept, SWEPT_MAX), |row| {
        Ok((row.get::<_, [u8; 16]>(0)?, row.get::<_, Option<i64>>(1)?))
    })?;
    let mut last = None;
    let mut count = 0;
    for call in found {
        let (id, ended_at) = call?;
        if ended_at.is_none_or(|at| at >= instant.0) {
            break;
        }
        count += 1;
        last = Some(id);
    }
    let forgotten = Spender::day(now).saturating_sub(SPENDING_DAYS);
    db.prepare_cached("DELETE FROM spending WHERE day < ?1")?.execute([forgotten])?;
    let Some(last) = last else { return Ok(false) };
    db.prepare_cached(
        "UPDATE call SET result = NULL, log = '' WHERE id > ?1 AND id <= ?2 \
         AND (result IS NOT NULL OR log <> '')",
    )?
    .execute((swept, last))?;
    db.execute("UPDATE call_sweep SET call_id = ?1", [last])?;
    Ok(count == SWEPT_MAX)
}

/// Takes a call out of the queue.
struct Start {
    id: CallId,
}

impl Op for Start {
    type Answer = ();

    fn want(&self, wanted: &mut Wanted) {
        wanted.calls.push(self.id);
    }

    fn decide(&self, rows: &mut WorkingSet) -> Result<(), Error> {
        rows.start(self.id)
    }
}
