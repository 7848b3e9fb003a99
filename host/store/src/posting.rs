//! Writing what the ledger has decided.

use rusqlite::{Connection, params};
use stokehold_ledger::{Account, Change, Hold, HoldId, HoldState, OrderId, Posting, Timestamp};

use crate::error::Error;
use crate::{outbox, row};

/// What caused a change, beside the hold that it changes.
#[derive(Clone, Copy, Default)]
pub(crate) struct Cause<'a> {
    /// The hold, where the change itself has none: a refund.
    pub(crate) hold: Option<HoldId>,
    pub(crate) order: Option<OrderId>,
    pub(crate) reason: Option<&'a str>,
}

/// Writes every row of `change` to the account that was `before`, and the warnings that it calls for.
pub(crate) fn apply(
    db: &Connection,
    before: &Account,
    change: &Change,
    cause: Cause<'_>,
    now: Timestamp,
) -> Result<(), Error> {
    let account = &change.account;
    db.prepare_cached("UPDATE account SET balance = ?2, held = ?3 WHERE id = ?1")?.execute((
        account.id.0,
        account.balance.micros(),
        account.held.micros(),
    ))?;
    if let Some(hold) = &change.hold {
        write_hold(db, hold, now)?;
    }
    if let Some(posting) = &change.posting {
        write_posting(db, change, posting, cause, now)?;
    }
    if account.warns_after(before) {
        outbox::warn(db, account, now)?;
    }
    Ok(())
}

fn write_hold(db: &Connection, hold: &Hold, now: Timestamp) -> Result<(), Error> {
    let id = hold.id.0.as_bytes();
    let (state, captured) = row::state_columns(hold.state);
    if hold.state == HoldState::Open {
        db.prepare_cached(
            "INSERT INTO hold (id, account_id, service_id, amount, state, captured, created_at, \
             expires_at, description) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            id,
            hold.account.0,
            hold.service.0,
            hold.amount.micros(),
            state,
            captured,
            hold.created_at.0,
            hold.expires_at.0,
            hold.description
        ])?;
    } else {
        db.prepare_cached(
            "UPDATE hold SET state = ?2, captured = ?3, ended_at = ?4 WHERE id = ?1 AND state = 0",
        )?
        .execute(params![id, state, captured, now.0])?;
    }
    Ok(())
}

fn write_posting(
    db: &Connection,
    change: &Change,
    posting: &Posting,
    cause: Cause<'_>,
    now: Timestamp,
) -> Result<(), Error> {
    db.prepare_cached(
        "INSERT INTO posting (kind, service_id, account_id, hold_id, order_id, reason, at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![
        row::kind_column(posting.kind),
        change.account.service.0,
        change.account.id.0,
        change.hold.as_ref().map(|hold| hold.id).or(cause.hold).map(|hold| *hold.0.as_bytes()),
        cause.order.map(|order| *order.0.as_bytes()),
        cause.reason,
        now.0
    ])?;
    let id = db.last_insert_rowid();
    let mut insert =
        db.prepare_cached("INSERT INTO entry (posting_id, book, amount) VALUES (?1, ?2, ?3)")?;
    for entry in &posting.entries {
        insert.execute((id, row::book_column(entry.book), entry.amount))?;
    }
    Ok(())
}
