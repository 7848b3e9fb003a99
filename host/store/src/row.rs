//! How the ledger's values are read from rows and written to them.

use stokehold_ledger::{
    Account, AccountId, Credits, Hold, HoldId, HoldState, PostingKind, ServiceId, Timestamp,
};
use uuid::Uuid;

use crate::account::AccountRow;
use crate::db::Row;
use crate::error::Error;
use crate::posting::Chain;

/// The columns that [`account`] reads.
pub(crate) const ACCOUNT: &str = "account.id, service_id, account_balance.balance, held, warn_at, \
     posting_count, last_posting_id";

/// Where they stand.
pub(crate) const ACCOUNTS: &str = "account JOIN account_balance ON account_id = account.id";

/// The columns that [`hold`] reads.
pub(crate) const HOLD: &str =
    "id, account_id, service_id, amount, state, captured, created_at, expires_at, description";

pub(crate) fn account(row: Row<'_>) -> Result<AccountRow, Error> {
    let account = Account {
        id: AccountId(row.get(0)?),
        service: ServiceId(row.get(1)?),
        balance: credits(row, 2)?,
        held: credits(row, 3)?,
        warn_at: row.get::<Option<i64>>(4)?.map(Credits::from_micros),
    };
    Ok(AccountRow { account, chain: Chain { count: row.get(5)?, last: row.get(6)? } })
}

pub(crate) fn hold(row: Row<'_>) -> Result<Hold, Error> {
    Ok(Hold {
        id: HoldId(uuid(row, 0)?),
        account: AccountId(row.get(1)?),
        service: ServiceId(row.get(2)?),
        amount: credits(row, 3)?,
        state: hold_state(row, 4, 5)?,
        created_at: Timestamp(row.get(6)?),
        expires_at: Timestamp(row.get(7)?),
        description: row.get(8)?,
    })
}

pub(crate) fn credits(row: Row<'_>, column: usize) -> Result<Credits, Error> {
    row.get(column).map(Credits::from_micros)
}

pub(crate) fn uuid(row: Row<'_>, column: usize) -> Result<Uuid, Error> {
    row.get(column).map(Uuid::from_bytes)
}

/// What a number that only this program writes stands for.
pub(crate) fn known<T>(number: i64, value: Option<T>) -> Result<T, Error> {
    value.ok_or_else(|| Error::Corrupt(format!("unknown value {number}")))
}

fn hold_state(row: Row<'_>, state: usize, captured: usize) -> Result<HoldState, Error> {
    let number = row.get(state)?;
    let value = match number {
        0 => Some(HoldState::Open),
        1 => Some(HoldState::Captured(credits(row, captured)?)),
        2 => Some(HoldState::Cancelled),
        3 => Some(HoldState::Expired),
        _ => None,
    };
    known(number, value)
}

/// The columns `state` and `captured` of a hold.
pub(crate) fn state_columns(state: HoldState) -> (i64, i64) {
    match state {
        HoldState::Open => (0, 0),
        HoldState::Captured(amount) => (1, amount.micros()),
        HoldState::Cancelled => (2, 0),
        HoldState::Expired => (3, 0),
    }
}

pub(crate) fn kind_column(kind: PostingKind) -> i64 {
    match kind {
        PostingKind::Gift => 0,
        PostingKind::Trial => 1,
        PostingKind::Order => 2,
        PostingKind::Capture => 3,
        PostingKind::Refund => 4,
        PostingKind::OrderRefund => 5,
    }
}

pub(crate) fn kind(row: Row<'_>, column: usize) -> Result<PostingKind, Error> {
    let number = row.get(column)?;
    let value = match number {
        0 => Some(PostingKind::Gift),
        1 => Some(PostingKind::Trial),
        2 => Some(PostingKind::Order),
        3 => Some(PostingKind::Capture),
        4 => Some(PostingKind::Refund),
        5 => Some(PostingKind::OrderRefund),
        _ => None,
    };
    known(number, value)
}
