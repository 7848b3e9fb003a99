//! Loading what a group of operations is decided on.

use stokehold_ledger::{AccountId, AccountKey, Hold, ServiceId, Timestamp};

use super::memory::Memory;
use crate::call::CallStatus;
use crate::db::{Db, Row, values};
use crate::error::Error;
use crate::op::Wanted;
use crate::replay;
use crate::row;
use crate::spending::Spender;
use crate::trial::open_trial;
use crate::working_set::{KnownCall, WorkingSet};

pub(super) fn load(
    db: Db<'_>,
    memory: &mut Memory,
    wanted: &Wanted,
    now: Timestamp,
) -> Result<WorkingSet, Error> {
    let mut rows = WorkingSet::new(now);
    holds(db, memory, wanted, &mut rows)?;
    accounts(db, memory, wanted, &mut rows)?;
    due(db, memory, wanted, &mut rows)?;
    calls(db, wanted, &mut rows)?;
    for (service, account) in &wanted.spending {
        let (service, account, day) = (*service, *account, Spender::day(now));
        spending(db, Spender { service, account, day }, &mut rows)?;
    }
    for key in &wanted.replays {
        if let Some(kept) = replay::load(db, key, now)? {
            rows.load_replay(*key, kept);
        }
    }
    for request in &wanted.requests {
        if let Some(kept) = memory.requests.find(db, request)? {
            rows.load_replay(*request, kept);
        }
    }
    for (service, dbuuid) in &wanted.trials {
        if open_trial(db, *service, dbuuid)?.is_some() {
            rows.load_trial(*service, dbuuid);
        }
    }
    Ok(rows)
}

/// A hold, and whether it is a call's.
const HOLD: &str = "SELECT id, account_id, service_id, amount, state, captured, created_at, \
     expires_at, description, EXISTS (SELECT 1 FROM call WHERE call.id = hold.id) FROM hold";

fn hold(row: Row<'_>) -> Result<(Hold, bool), Error> {
    Ok((row::hold(row)?, row.get(9)?))
}

fn holds(
    db: Db<'_>,
    memory: &mut Memory,
    wanted: &Wanted,
    rows: &mut WorkingSet,
) -> Result<(), Error> {
    let sql = format!("{HOLD} WHERE id = ?1");
    for id in &wanted.holds {
        if rows.knows_hold(*id) {
            continue;
        }
        if let Some((found, is_call)) = db.find(&sql, values![id.0.as_bytes()], hold)? {
            account_of(db, memory, &found, rows)?;
            rows.load_hold(found, is_call);
        }
    }
    Ok(())
}

fn account_of(
    db: Db<'_>,
    memory: &mut Memory,
    hold: &Hold,
    rows: &mut WorkingSet,
) -> Result<(), Error> {
    if !rows.knows_account(hold.account)
        && let Some(row) = memory.accounts.find(db, hold.account)?
    {
        rows.load_account(row);
    }
    Ok(())
}

fn accounts(
    db: Db<'_>,
    memory: &mut Memory,
    wanted: &Wanted,
    rows: &mut WorkingSet,
) -> Result<(), Error> {
    for (service, key) in &wanted.accounts {
        if rows.knows_name(*service, *key) {
            continue;
        }
        if let Some(row) = memory.accounts.named(db, *service, *key)? {
            rows.load_name(*service, *key, row.account.id);
            rows.load_account(row);
        }
    }
    Ok(())
}

/// What is due: on the accounts that were loaded, and for a sweep on any.
fn due(
    db: Db<'_>,
    memory: &mut Memory,
    wanted: &Wanted,
    rows: &mut WorkingSet,
) -> Result<(), Error> {
    let now = rows.now().0;
    let due = "SELECT id, account_id FROM hold WHERE state = 0 AND expires_at <= ?1 \
               ORDER BY expires_at";
    let mut swept = 0;
    let mut due_ids = Vec::new();
    db.each(due, values![now], &mut |row| {
        if swept < wanted.swept_max || rows.knows_account(AccountId(row.get(1)?)) {
            swept += 1;
            due_ids.push(row::uuid(row, 0)?);
        }
        Ok(())
    })?;
    let find = format!("{HOLD} WHERE id = ?1");
    let mut found = Vec::new();
    for id in due_ids {
        found.push(db.one(&find, values![id.as_bytes()], hold)?);
    }
    for (hold, is_call) in found {
        account_of(db, memory, &hold, rows)?;
        rows.load_due(hold, is_call);
    }
    Ok(())
}

fn calls(db: Db<'_>, wanted: &Wanted, rows: &mut WorkingSet) -> Result<(), Error> {
    let sql = "SELECT service_id, credits, fuel_bought, status, account_key, counted_day \
               FROM call WHERE id = ?1";
    for id in &wanted.calls {
        let known = db.find(sql, values![id.0.as_bytes()], |row| {
            let (service, account) = (ServiceId(row.get(0)?), AccountKey(row.get(4)?));
            let day: Option<i64> = row.get(5)?;
            Ok(KnownCall {
                service,
                credits: row::credits(row, 1)?,
                fuel_bought: row.get(2)?,
                status: row.known(3, CallStatus::parse)?,
                spender: day.map(|day| Spender { service, account, day }),
            })
        });
        if let Some(known) = known? {
            if let Some(spender) = known.spender {
                spending(db, spender, rows)?;
            }
            rows.load_call(*id, known);
        }
    }
    Ok(())
}

fn spending(db: Db<'_>, spender: Spender, rows: &mut WorkingSet) -> Result<(), Error> {
    let Spender { service, account, day } = spender;
    let sql =
        "SELECT credits FROM spending WHERE service_id = ?1 AND account_key = ?2 AND day = ?3";
    let spent = db.find(sql, values![service.0, &account.0, day], |row| row::credits(row, 0))?;
    if let Some(spent) = spent {
        rows.load_spending(spender, spent);
    }
    Ok(())
}
