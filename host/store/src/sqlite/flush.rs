//! Writing what a group of operations has changed: each row once.

use stokehold_ledger::{Hold, HoldState, Timestamp};

use crate::call::{NewCall, integer};
use crate::db::{Db, values};
use crate::error::Error;
use crate::hold::seal;
use crate::host::HostId;
use crate::outbox::warn;
use crate::posting::{Cause, write_account, write_posting};
use crate::replay;
use crate::row;
use crate::working_set::{HoldPosting, SettledCall, Writes};

pub(super) fn flush(
    db: Db<'_>,
    writes: &Writes,
    (host, now): (HostId, Timestamp),
) -> Result<(), Error> {
    writes.accounts.iter().try_for_each(|account| write_account(db, account))?;
    writes.made.iter().try_for_each(|hold| make(db, hold, now))?;
    writes.ended.iter().try_for_each(|hold| end(db, hold, now))?;
    for HoldPosting { service, account, hold, posting } in &writes.postings {
        let cause = Cause { hold: Some(*hold), ..Cause::default() };
        write_posting(db, (*service, *account), posting, cause, now)?;
    }
    writes.begun.iter().try_for_each(|call| begin(db, call, (host, now)))?;
    writes.settled.iter().try_for_each(|call| settle(db, call, now))?;
    writes.kept.iter().try_for_each(|(once, answer)| replay::keep(db, once, answer, now))?;
    writes.warnings.iter().try_for_each(|low| warn(db, low, now))?;
    Ok(())
}

fn make(db: Db<'_>, hold: &Hold, now: Timestamp) -> Result<(), Error> {
    let (state, captured) = row::state_columns(hold.state);
    db.execute(
        "INSERT INTO hold (id, account_id, service_id, amount, state, captured, created_at, \
         expires_at, ended_at, description, seal) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        values![
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
        ],
    )
    .map(drop)
}

fn end(db: Db<'_>, hold: &Hold, now: Timestamp) -> Result<(), Error> {
    let (state, captured) = row::state_columns(hold.state);
    let ended = db.execute(
        "UPDATE hold SET state = ?2, captured = ?3, ended_at = ?4 WHERE id = ?1 AND state = 0",
        values![hold.id.0.as_bytes(), state, captured, now.0],
    )?;
    one_row(ended, || format!("hold {} has ended already", hold.id))
}

fn begin(db: Db<'_>, call: &NewCall, (host, now): (HostId, Timestamp)) -> Result<(), Error> {
    db.execute(
        "INSERT INTO call (id, service_id, version_id, account_key, route, params_digest, \
         status, price_list, credits, fuel_bought, created_at, host_id) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'running', ?7, ?8, ?9, ?10, ?11)",
        values![
            call.id.0.as_bytes(),
            call.service.0,
            call.version.0,
            &call.account_token.key().0,
            &call.route,
            &call.params_digest,
            &call.price_list,
            call.credits.micros(),
            call.fuel_bought(),
            now.0,
            host.0
        ],
    )
    .map(drop)
}

fn settle(db: Db<'_>, call: &SettledCall, now: Timestamp) -> Result<(), Error> {
    let spent = &call.spent;
    let ended = db.execute(
        "UPDATE call SET status = ?2, outcome = ?3, result = ?4, error = ?5, log = ?6, \
         fuel_used = ?7, memory_peak_bytes = ?8, duration_ms = ?9, ended_at = ?10, host_id = NULL \
         WHERE id = ?1 AND status = 'running'",
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
            now.0
        ],
    )?;
    one_row(ended, || format!("call {} has ended already", call.id))
}

/// What was decided on a row must be written to it: there is nobody else who writes.
fn one_row(rows: usize, otherwise: impl Fn() -> String) -> Result<(), Error> {
    if rows == 1 { Ok(()) } else { Err(Error::Corrupt(otherwise())) }
}
