//! Writing what a group of operations has changed: each row once.

use stokehold_ledger::{CallId, Credits, Hold, HoldState, Timestamp};

use super::memory::Memory;
use super::requests::KEEP;
use crate::account::AccountRow;
use crate::call::{CallStatus, integer};
use crate::db::{Db, Prepared, values};
use crate::error::Error;
use crate::hold::seal;
use crate::host::HostId;
use crate::outbox::warn;
use crate::posting::{Cause, WRITE_POSTING, write_posting};
use crate::replay;
use crate::row;
use crate::spending::Spender;
use crate::working_set::{BegunCall, HoldPosting, SettledCall, Writes};

pub(super) fn flush(
    db: Db<'_>,
    memory: &mut Memory,
    writes: Writes,
    (host, now): (HostId, Timestamp),
) -> Result<(), Error> {
    db.for_each(MAKE, &writes.made, |insert, hold| make(insert, hold, now))?;
    db.for_each(END, &writes.ended, |update, hold| end(update, hold, now))?;
    let mut accounts = writes.accounts;
    db.for_each(WRITE_POSTING, &writes.postings, |insert, posting| {
        post(insert, posting, &mut accounts, now)
    })?;
    memory.accounts.write(db, accounts)?;
    writes.begun.iter().try_for_each(|call| begin(db, call, (host, now)))?;
    writes.started.iter().try_for_each(|call| start(db, *call, (host, now)))?;
    writes.settled.iter().try_for_each(|call| settle(db, call, now))?;
    writes.kept.iter().try_for_each(|(once, answer)| replay::keep(db, once, answer, now))?;
    db.for_each(KEEP, &writes.requests, |insert, (request, hold)| {
        memory.requests.keep(insert, request, *hold, now)
    })?;
    writes.warnings.iter().try_for_each(|low| warn(db, low, now))?;
    writes.spent.iter().try_for_each(|(spender, credits)| spend(db, spender, *credits))?;
    Ok(())
}

fn post(
    insert: &mut Prepared<'_>,
    of_hold: &HoldPosting,
    accounts: &mut [AccountRow],
    now: Timestamp,
) -> Result<(), Error> {
    let HoldPosting { account, position, hold, posting } = of_hold;
    let cause = Cause { hold: Some(*hold), ..Cause::default() };
    let chain = &mut accounts[*position].chain;
    *chain = write_posting(insert, (account, *chain), posting, cause, now)?;
    Ok(())
}

const MAKE: &str = "INSERT INTO hold (id, account_id, service_id, amount, state, captured, \
     created_at, expires_at, ended_at, description, seal) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";

fn make(insert: &mut Prepared<'_>, hold: &Hold, now: Timestamp) -> Result<(), Error> {
    let (state, captured) = row::state_columns(hold.state);
    insert
        .execute(values![
            hold.id.0.as_bytes(),
            hold.account.0,
            hold.service.0,
            hold.amount.micros(),
            state,
            captured,
            hold.created_at.0,
            hold.expires_at.0,
            (hold.state != HoldState::Open).then_some(now.0),
            hold.description.as_deref(),
            seal(hold)
        ])
        .map(drop)
}

/// It changes one row or none: with FAIL, SQLite makes no copies of pages to undo half of it.
const END: &str =
    "UPDATE OR FAIL hold SET state = ?2, captured = ?3, ended_at = ?4 WHERE id = ?1 AND state = 0";

fn end(update: &mut Prepared<'_>, hold: &Hold, now: Timestamp) -> Result<(), Error> {
    let (state, captured) = row::state_columns(hold.state);
    let ended = update.execute(values![hold.id.0.as_bytes(), state, captured, now.0])?;
    one_row(ended, || format!("hold {} has ended already", hold.id))
}

fn begin(db: Db<'_>, call: &BegunCall, (host, now): (HostId, Timestamp)) -> Result<(), Error> {
    let BegunCall { new: call, spender } = call;
    let status = call.first_status();
    db.execute(
        "INSERT INTO call (id, service_id, version_id, account_key, client_id, route, \
         params_digest, status, price_list, credits, counted_day, fuel_bought, created_at, \
         started_at, host_id) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
        values![
            call.id.0.as_bytes(),
            call.service.0,
            call.version.0,
            &call.account_token.key().0,
            &call.client_id,
            &call.route,
            &call.params_digest,
            status.as_str(),
            &call.price_list,
            call.credits.micros(),
            spender.map(|spender| spender.day),
            call.fuel_bought(),
            now.0,
            (status == CallStatus::Running).then_some(now.0),
            host.0
        ],
    )?;
    if let Some(params) = &call.queued {
        let sql = "INSERT INTO queued_call (call_id, params) VALUES (?1, ?2)";
        db.execute(sql, values![call.id.0.as_bytes(), params])?;
    }
    Ok(())
}

/// Takes a call out of the queue.
fn start(db: Db<'_>, call: CallId, (host, now): (HostId, Timestamp)) -> Result<(), Error> {
    let started = db.execute(
        "UPDATE call SET status = 'running', started_at = ?2, host_id = ?3 \
         WHERE id = ?1 AND status = 'queued'",
        values![call.0.as_bytes(), now.0, host.0],
    )?;
    one_row(started, || format!("call {call} does not wait"))?;
    leave_queue(db, call)
}

fn leave_queue(db: Db<'_>, call: CallId) -> Result<(), Error> {
    let sql = "DELETE FROM queued_call WHERE call_id = ?1";
    db.execute(sql, values![call.0.as_bytes()]).map(drop)
}

fn spend(db: Db<'_>, spender: &Spender, credits: Credits) -> Result<(), Error> {
    let Spender { service, account, day } = spender;
    db.execute(
        "INSERT INTO spending (service_id, account_key, day, credits) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (day, service_id, account_key) DO UPDATE SET credits = excluded.credits",
        values![service.0, &account.0, *day, credits.micros()],
    )
    .map(drop)
}

fn settle(db: Db<'_>, call: &SettledCall, now: Timestamp) -> Result<(), Error> {
    let spent = &call.spent;
    let ended = db.execute(
        "UPDATE call SET status = ?2, outcome = ?3, result = ?4, error = ?5, log = ?6, \
         fuel_used = ?7, memory_peak_bytes = ?8, duration_ms = ?9, ended_at = ?10, \
         result_digest = ?11, host_calls = ?12, host_id = NULL \
         WHERE id = ?1 AND ended_at IS NULL",
        values![
            call.id.0.as_bytes(),
            call.status.as_str(),
            &spent.outcome,
            spent.result.as_deref(),
            spent.error.as_deref(),
            &spent.log,
            call.fuel_used,
            integer(spent.memory_peak_bytes),
            integer(spent.duration_ms),
            now.0,
            spent.result_digest.as_deref(),
            &spent.host_calls
        ],
    )?;
    one_row(ended, || format!("call {} has ended already", call.id))?;
    if call.was_queued { leave_queue(db, call.id) } else { Ok(()) }
}

/// What was decided on a row must be written to it: there is nobody else who writes.
fn one_row(rows: usize, otherwise: impl Fn() -> String) -> Result<(), Error> {
    if rows == 1 { Ok(()) } else { Err(Error::Corrupt(otherwise())) }
}
