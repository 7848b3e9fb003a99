//! Calls that wait for their turn, and the sweep of what calls leave behind.
//!
//! What waits is durable: the call's record and its hold are there, and beside them what the call is
//! to be made with. Taking it out of the queue is one step, and only one host can.

use stokehold_ledger::{AccountKey, CallId, ServiceId, Timestamp, VersionId};

use crate::db::{Db, Row, values};
use crate::error::Error;
use crate::host;
use crate::op::{Op, Wanted};
use crate::row;
use crate::spending::Spender;
use crate::store::Store;
use crate::working_set::WorkingSet;

/// How many calls are swept in one step: no other write waits for long.
const SWEPT_MAX: usize = 500;

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
    /// Takes over the calls that wait and whose host is gone, the oldest first: from now on no
    /// other host gets them for as long as this one is there.
    pub async fn take_over_queued_calls(&self) -> Result<Vec<QueuedCall>, Error> {
        let (host, now) = (self.host(), self.now());
        let left = format!("status = 'queued' AND ended_at IS NULL AND {}", host::IS_GONE);
        let is_any = format!("SELECT 1 FROM call WHERE {left} LIMIT 1");
        if !self.read(move |db| db.exists(&is_any, values![now.0, host.0])).await? {
            return Ok(Vec::new());
        }
        self.write(move |db, now| {
            let take = format!(
                "UPDATE call SET host_id = ?2 WHERE {left} \
                 RETURNING id, service_id, version_id, account_key, created_at"
            );
            let mut taken = db.query(&take, values![now.0, host.0], queued)?;
            taken.sort_unstable_by_key(|call| call.id.0);
            Ok(taken)
        })
        .await
    }

    /// What a call that waits is to be made with; `None` where it no longer waits.
    pub async fn queued_params(&self, id: CallId) -> Result<Option<String>, Error> {
        self.read(move |db| {
            let sql = "SELECT params FROM queued_call WHERE call_id = ?1";
            db.find(sql, values![id.0.as_bytes()], |row| row.get(0))
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

fn queued(row: Row<'_>) -> Result<QueuedCall, Error> {
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
fn sweep(db: Db<'_>, instant: Timestamp, now: Timestamp) -> Result<bool, Error> {
    let swept: [u8; 16] = db.one("SELECT call_id FROM call_sweep", &[], |row| row.get(0))?;
    let next = format!("SELECT id, ended_at FROM call WHERE id > ?1 ORDER BY id LIMIT {SWEPT_MAX}");
    let found = db.query(&next, values![&swept], |row| {
        Ok((row.get::<[u8; 16]>(0)?, row.get::<Option<i64>>(1)?))
    })?;
    let ended = |(_, at): &&([u8; 16], Option<i64>)| at.is_some_and(|at| at < instant.0);
    let done: Vec<_> = found.iter().take_while(ended).collect();
    let forgotten = Spender::day(now).saturating_sub(SPENDING_DAYS);
    db.execute("DELETE FROM spending WHERE day < ?1", values![forgotten])?;
    let Some((last, _)) = done.last() else { return Ok(false) };
    db.execute(
        "UPDATE call SET result = NULL, log = '' WHERE id > ?1 AND id <= ?2 \
         AND (result IS NOT NULL OR log <> '')",
        values![&swept, last],
    )?;
    db.execute("UPDATE call_sweep SET call_id = ?1", values![last])?;
    Ok(done.len() == SWEPT_MAX)
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
