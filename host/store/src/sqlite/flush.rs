//! Writing what a group of operations has changed: each row once.

use rusqlite::{Connection, Result, params};
use stokehold_ledger::{CallId, Credits, Hold, HoldState, Timestamp};

use super::requests::Requests;
use crate::call::{CallStatus, integer};
use crate::error::Error;
use crate::outbox::warn;
use crate::posting::{Cause, write_account, write_posting};
use crate::replay;
use crate::row;
use crate::seal::Seal;
use crate::spending::Spender;
use crate::working_set::{BegunCall, HoldPosting, SettledCall, Writes};

pub(super) fn flush(
    db: &Connection,
    requests: &mut Requests,
    writes: &Writes,
    now: Timestamp,
) -> Result<(), Error> {
    writes.accounts.iter().try_for_each(|account| write_account(db, account))?;
    writes.made.iter().try_for_each(|hold| make(db, hold, now))?;
    writes.ended.iter().try_for_each(|hold| end(db, hold, now))?;
    for HoldPosting { service, account, hold, posting } in &writes.postings {
        let cause = Cause { hold: Some(*hold), ..Cause::default() };
        write_posting(db, (*service, *account), posting, cause, now)?;
    }
    writes.begun.iter().try_for_each(|call| begin(db, call, now))?;
    writes.started.iter().try_for_each(|call| start(db, *call, now))?;
    writes.settled.iter().try_for_each(|call| settle(db, call, now))?;
    writes.kept.iter().try_for_each(|(once, answer)| replay::keep(db, once, answer, now))?;
    let mut made = writes.requests.iter();
    made.try_for_each(|(request, hold)| requests.keep(db, request, *hold, now))?;
    writes.warnings.iter().try_for_each(|low| warn(db, low, now))?;
    writes.spent.iter().try_for_each(|(spender, credits)| spend(db, spender, *credits))?;
    Ok(())
}

fn make(db: &Connection, hold: &Hold, now: Timestamp) -> Result<()> {
    let (state, captured) = row::state_columns(hold.state);
    db.prepare_cached(
        "INSERT INTO hold (id, account_id, service_id, amount, state, captured, created_at, \
         expires_at, ended_at, description, seal) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?
    .execute(params![
        hold.id.0.as_bytes(),
        hold.account.0,
        hold.service.0,
        hold.amount.micros(),
        state,
        captured,
        hold.created_at.0,
        hold.expires_at.0,
        (hold.state != HoldState::Open).then_some(now.0),
        hold.description,
        seal(hold)
    ])
    .map(drop)
}

/// What seals a hold: all that it keeps for ever.
fn seal(hold: &Hold) -> i64 {
    Seal::of("hold")
        .bytes(hold.id.0.as_bytes())
        .number(hold.account.0)
        .number(hold.service.0)
        .number(hold.amount.micros())
        .number(hold.created_at.0)
        .number(hold.expires_at.0)
        .text(hold.description.as_deref())
        .value()
}

fn end(db: &Connection, hold: &Hold, now: Timestamp) -> Result<(), Error> {
    let (state, captured) = row::state_columns(hold.state);
    let ended = db
        .prepare_cached(
            "UPDATE hold SET state = ?2, captured = ?3, ended_at = ?4 WHERE id = ?1 AND state = 0",
        )?
        .execute((hold.id.0.as_bytes(), state, captured, now.0))?;
    one_row(ended, || format!("hold {} has ended already", hold.id))
}

fn begin(db: &Connection, call: &BegunCall, now: Timestamp) -> Result<()> {
    let BegunCall { new: call, spender } = call;
    let status = if call.queued.is_some() { CallStatus::Queued } else { CallStatus::Running };
    db.prepare_cached(
        "INSERT INTO call (id, service_id, version_id, account_key, client_id, route, \
         params_digest, status, price_list, credits, counted_day, fuel_bought, created_at, \
         started_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
    )?
    .execute(params![
        call.id.0.as_bytes(),
        call.service.0,
        call.version.0,
        call.account_token.key().0,
        call.client_id,
        call.route,
        call.params_digest,
        status.as_str(),
        call.price_list,
        call.credits.micros(),
        spender.map(|spender| spender.day),
        call.fuel_bought(),
        now.0,
        (status == CallStatus::Running).then_some(now.0)
    ])?;
    if let Some(params) = &call.queued {
        db.prepare_cached("INSERT INTO queued_call (call_id, params) VALUES (?1, ?2)")?
            .execute(params![call.id.0.as_bytes(), params])?;
    }
    Ok(())
}

/// Takes a call out of the queue.
fn start(db: &Connection, call: CallId, now: Timestamp) -> Result<(), Error> {
    let started = db
        .prepare_cached(
            "UPDATE call SET status = 'running', started_at = ?2 \
             WHERE id = ?1 AND status = 'queued'",
        )?
        .execute((call.0.as_bytes(), now.0))?;
    one_row(started, || format!("call {call} does not wait"))?;
    leave_queue(db, call).map_err(Error::from)
}

fn leave_queue(db: &Connection, call: CallId) -> Result<()> {
    db.prepare_cached("DELETE FROM queued_call WHERE call_id = ?1")?
        .execute([call.0.as_bytes()])
        .map(drop)
}

fn spend(db: &Connection, spender: &Spender, credits: Credits) -> Result<()> {
    db.prepare_cached(
        "INSERT INTO spending (service_id, account_key, day, credits) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (day, service_id, account_key) DO UPDATE SET credits = excluded.credits",
    )?
    .execute((spender.service.0, spender.account.0, spender.day, credits.micros()))
    .map(drop)
}

fn settle(db: &Connection, call: &SettledCall, now: Timestamp) -> Result<(), Error> {
    let spent = &call.spent;
    let ended = db
        .prepare_cached(
            "UPDATE call SET status = ?2, outcome = ?3, result = ?4, error = ?5, log = ?6, \
             fuel_used = ?7, memory_peak_bytes = ?8, duration_ms = ?9, ended_at = ?10, \
             result_digest = ?11, host_calls = ?12 WHERE id = ?1 AND ended_at IS NULL",
        )?
        .execute(params![
            call.id.0.as_bytes(),
            call.status.as_str(),
            spent.outcome,
            spent.result,
            spent.error,
            spent.log,
            call.fuel_used,
            integer(spent.memory_peak_bytes),
            integer(spent.duration_ms),
            now.0,
            spent.result_digest,
            spent.host_calls
        ])?;
    one_row(ended, || format!("call {} has ended already", call.id))?;
    if call.was_queued { leave_queue(db, call.id).map_err(Error::from) } else { Ok(()) }
}

/// What was decided on a row must be written to it: there is nobody else who writes.
fn one_row(rows: usize, otherwise: impl Fn() -> String) -> Result<(), Error> {
    if rows == 1 { Ok(()) } else { Err(Error::Corrupt(otherwise())) }
}
