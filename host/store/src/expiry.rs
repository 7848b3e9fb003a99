//! Holds whose time is over.
//!
//! The writer expires what is due before each group of writes, so that what a hold had set aside
//! is available from the instant on at which it expires, and nothing waits for a sweeper.

use rusqlite::Connection;
use stokehold_ledger::{AccountId, Command, Decision, Hold, Rows, Timestamp, decide};

use crate::account::load_account_by_id;
use crate::error::Error;
use crate::posting::{Cause, apply};
use crate::row::{self, HOLD};

/// How many holds are expired before one group of writes: more are left to the next ones, so that
/// nobody waits long after a day without a server.
const DUE_MAX: i64 = 512;

/// Expires holds that are due, the oldest first. Answers how many.
pub(crate) fn expire_due(db: &Connection, now: Timestamp) -> Result<usize, Error> {
    let mut due = db.prepare_cached(&format!(
        "SELECT {HOLD} FROM hold WHERE state = 0 AND expires_at <= ?1 ORDER BY expires_at LIMIT ?2"
    ))?;
    let due: Vec<Hold> = due.query_map((now.0, DUE_MAX), row::hold)?.collect::<Result<_, _>>()?;
    expire(db, &due, now)
}

/// Expires all holds of one account that are due: for an account that may be short of credits while
/// more are due than [`expire_due`] took.
pub(crate) fn expire_due_of(
    db: &Connection,
    account: AccountId,
    now: Timestamp,
) -> Result<usize, Error> {
    let mut due = db.prepare_cached(&format!(
        "SELECT {HOLD} FROM hold WHERE state = 0 AND expires_at <= ?1 AND account_id = ?2"
    ))?;
    let due: Vec<Hold> = due.query_map((now.0, account.0), row::hold)?.collect::<Result<_, _>>()?;
    expire(db, &due, now)
}

fn expire(db: &Connection, due: &[Hold], now: Timestamp) -> Result<usize, Error> {
    for hold in due {
        let account = load_account_by_id(db, hold.account)?.ok_or(Error::NotFound("account"))?;
        let rows = Rows { account: Some(&account), hold: Some(hold), ..Rows::default() };
        match decide(rows, &Command::Expire, now) {
            Ok(Decision::Change(change)) => apply(db, &account, &change, Cause::default(), now)?,
            Ok(Decision::Already(_)) => {}
            // Only a database that was altered by hand comes here; `ledger verify` names the row.
            Err(refusal) => tracing::error!(hold = %hold.id, %refusal, "a hold cannot expire"),
        }
    }
    Ok(due.len())
}
