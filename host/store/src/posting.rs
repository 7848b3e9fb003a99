//! Writing what the ledger has decided.
//!
//! The postings of an account are a chain: each has its number, counted from 1, the posting before
//! it, and the account's balance after it, and the account knows the last. So a statement is read
//! from its end without an index that would have each posting write a page for itself. Only those
//! whose number is a multiple of [`MILESTONE`] are indexed: from the next one, any is a few steps
//! away.

use stokehold_ledger::{Account, Book, Change, HoldId, OrderId, Posting, Timestamp};

use crate::account::{AccountRow, load_row_by_id};
use crate::db::{Db, Prepared, values};
use crate::error::Error;
use crate::outbox::{LowBalance, warn};
use crate::row;

/// How far the postings that are indexed are apart. The index `posting_milestone` names it too.
pub(crate) const MILESTONE: i64 = 64;

/// The postings of an account.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Chain {
    /// How many there are, which is the number of the last.
    pub(crate) count: i64,
    /// The last.
    pub(crate) last: Option<i64>,
}

impl Chain {
    /// With one more.
    pub(crate) fn and(self, posting: i64) -> Self {
        Self { count: self.count.saturating_add(1), last: Some(posting) }
    }
}

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
    let row = load_row_by_id(db, account.id)?.ok_or(Error::NotFound("account"))?;
    let chain = match &change.posting {
        Some(posting) => {
            let mut insert = db.prepare(WRITE_POSTING)?;
            write_posting(&mut insert, (account, row.chain), posting, cause, now)?
        }
        None => row.chain,
    };
    write_account(&mut db.prepare(WRITE_ACCOUNT)?, &AccountRow { account: *account, chain })?;
    if account.warns_after(before) {
        warn(db, &LowBalance::of(account), now)?;
    }
    Ok(())
}

/// What [`write_account`] runs.
pub(crate) const WRITE_ACCOUNT: &str = "UPDATE account_balance SET balance = ?2, held = ?3, \
     posting_count = ?4, last_posting_id = ?5 WHERE account_id = ?1";

/// Writes an account's balance, what is held of it, and where its postings end.
pub(crate) fn write_account(update: &mut Prepared<'_>, row: &AccountRow) -> Result<(), Error> {
    let AccountRow { account, chain } = row;
    let (balance, held) = (account.balance.micros(), account.held.micros());
    match update.execute(values![account.id.0, balance, held, chain.count, chain.last])? {
        1 => Ok(()),
        _ => Err(Error::Corrupt(format!("account {} has no balance", account.id.0))),
    }
}

/// What [`write_posting`] runs.
pub(crate) const WRITE_POSTING: &str = "INSERT INTO posting (kind, service_id, account_id, number, \
     previous_id, balance, amount, issuance, earned, cash, commission, payable, hold_id, order_id, \
     reason, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)";

/// Writes a posting with its entries, and the account's balance after it. Answers the account's
/// postings with this one.
pub(crate) fn write_posting(
    insert: &mut Prepared<'_>,
    (account, chain): (&Account, Chain),
    posting: &Posting,
    cause: Cause<'_>,
    now: Timestamp,
) -> Result<Chain, Error> {
    let id = insert.insert(values![
        row::kind_column(posting.kind),
        account.service.0,
        account.id.0,
        chain.count + 1,
        chain.last,
        account.balance.micros(),
        posting.amount(Book::Account),
        posting.amount(Book::Issuance),
        posting.amount(Book::Earned),
        posting.amount(Book::Cash),
        posting.amount(Book::Commission),
        posting.amount(Book::Payable),
        cause.hold.as_ref().map(|hold| hold.0.as_bytes()),
        cause.order.as_ref().map(|order| order.0.as_bytes()),
        cause.reason,
        now.0
    ])?;
    Ok(chain.and(id))
}
