//! Writing what the ledger has decided.

use stokehold_ledger::{
    Account, AccountId, Change, HoldId, OrderId, Posting, ServiceId, Timestamp,
};

use crate::db::{Db, values};
use crate::error::Error;
use crate::outbox::{LowBalance, warn};
use crate::row;

/// What caused a posting.
#[derive(Clone, Copy, Default)]
pub(crate) struct Cause<'a> {
    /// The hold that was captured, or given back.
    pub(crate) hold: Option<HoldId>,
    pub(crate) order: Option<OrderId>,
    pub(crate) reason: Option<&'a str>,
}

/// Writes a change that has no hold to the account that was `before`, and the warnings that it calls
/// for. What makes or ends a hold is an operation, see [`crate::op`].
pub(crate) fn apply(
    db: Db<'_>,
    before: &Account,
    change: &Change,
    cause: Cause<'_>,
    now: Timestamp,
) -> Result<(), Error> {
    let account = &change.account;
    write_account(db, account)?;
    if let Some(posting) = &change.posting {
        write_posting(db, (account.service, account.id), posting, cause, now)?;
    }
    if account.warns_after(before) {
        warn(db, &LowBalance::of(account), now)?;
    }
    Ok(())
}

/// Writes an account's balance and what is held of it.
pub(crate) fn write_account(db: Db<'_>, account: &Account) -> Result<(), Error> {
    let values = values![account.id.0, account.balance.micros(), account.held.micros()];
    db.execute("UPDATE account SET balance = ?2, held = ?3 WHERE id = ?1", values).map(drop)
}

/// Writes a posting of the account, and its entries.
pub(crate) fn write_posting(
    db: Db<'_>,
    (service, account): (ServiceId, AccountId),
    posting: &Posting,
    cause: Cause<'_>,
    now: Timestamp,
) -> Result<(), Error> {
    let id = db.insert(
        "INSERT INTO posting (kind, service_id, account_id, hold_id, order_id, reason, at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        values![
            row::kind_column(posting.kind),
            service.0,
            account.0,
            cause.hold.as_ref().map(|hold| hold.0.as_bytes()),
            cause.order.as_ref().map(|order| order.0.as_bytes()),
            cause.reason,
            now.0
        ],
    )?;
    for entry in &posting.entries {
        db.execute(
            "INSERT INTO entry (posting_id, book, amount) VALUES (?1, ?2, ?3)",
            values![id, row::book_column(entry.book), entry.amount],
        )?;
    }
    Ok(())
}
