//! Statements: every entry of an account, with the balance after it.
//!
//! The account's chain of postings is followed from its end or from a milestone, see
//! [`crate::posting`].

use stokehold_ledger::{AccountKey, Credits, HoldId, OrderId, PostingKind, ServiceId, Timestamp};
use uuid::Uuid;

use crate::account::{AccountRow, load_row};
use crate::audit::Audit;
use crate::catalogue::load_service;
use crate::db::{Db, Row, values};
use crate::error::Error;
use crate::posting::MILESTONE;
use crate::row;
use crate::store::Store;

/// One line of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The posting.
    pub id: i64,
    /// Its place in the statement: 1, 2, 3 and so on.
    pub number: i64,
    /// When it was made.
    pub at: Timestamp,
    /// Why it was made.
    pub kind: PostingKind,
    /// What it added to the account; below zero for what it took.
    pub amount: Credits,
    /// The account's balance after it.
    pub balance: Credits,
    /// What it was for, in words.
    pub description: Option<String>,
    /// The hold that was captured.
    pub hold: Option<HoldId>,
    /// The order that was paid.
    pub order: Option<OrderId>,
}

/// A part of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The lines, the oldest first, or the newest first where those were asked for.
    pub lines: Vec<Line>,
    /// Where the next page starts, if there is one: the `after` or the `before` of its request.
    pub next: Option<i64>,
    /// The balance at the instant asked for, whatever page this is.
    pub balance: Credits,
}

/// How many lines are read at a time where all are.
const LINES_READ: i64 = 1_024;

impl Store {
    /// Up to `limit` lines after the line of number `after`, of all those made up to the instant
    /// `until`. `None` where there is no such account.
    pub async fn statement(
        &self,
        service: ServiceId,
        key: AccountKey,
        after: i64,
        until: Timestamp,
        limit: u32,
    ) -> Result<Option<Page>, Error> {
        self.read(move |db| match load_row(db, service, key)? {
            None => Ok(None),
            Some(account) => Ok(Some(page(db, &account, after, until, limit)?)),
        })
        .await
    }

    /// The last lines before the line of number `before`, the newest first, `limit` at the most.
    /// `None` where there is no such account.
    pub async fn latest(
        &self,
        service: ServiceId,
        key: AccountKey,
        before: i64,
        limit: u32,
    ) -> Result<Option<Page>, Error> {
        self.read(move |db| match load_row(db, service, key)? {
            None => Ok(None),
            Some(account) => Ok(Some(latest(db, &account, before, limit)?)),
        })
        .await
    }
}

impl Audit {
    /// Hands every line of an account up to the instant `until` to `each`, the oldest first, and
    /// answers the balance after the last. `None` where there is no such account.
    pub fn statement(
        &self,
        service: &str,
        key: AccountKey,
        until: Timestamp,
        mut each: impl FnMut(Line),
    ) -> Result<Option<Credits>, Error> {
        self.read(|db| {
            let service = load_service(db, service)?.ok_or(Error::NotFound("service"))?;
            let Some(account) = load_row(db, service.id, key)? else { return Ok(None) };
            let end = end(db, &account, until)?;
            let mut after = 0;
            while after < end.number {
                let last = end.number.min(after + LINES_READ);
                lines(db, &account, after, last)?.into_iter().rev().for_each(&mut each);
                after = last;
            }
            Ok(Some(end.balance))
        })
    }
}

/// Where a statement ends.
struct End {
    /// The number of its last line; 0 without any.
    number: i64,
    /// The balance after that.
    balance: Credits,
}

fn page(
    db: Db<'_>,
    account: &AccountRow,
    after: i64,
    until: Timestamp,
    limit: u32,
) -> Result<Page, Error> {
    let End { number, balance } = end(db, account, until)?;
    let after = after.clamp(0, number);
    let last = number.min(after + i64::from(limit));
    let mut lines = lines(db, account, after, last)?;
    lines.reverse();
    Ok(Page { lines, next: (last < number).then_some(last), balance })
}

fn latest(db: Db<'_>, account: &AccountRow, before: i64, limit: u32) -> Result<Page, Error> {
    let last = before.saturating_sub(1).clamp(0, account.chain.count);
    let after = (last - i64::from(limit)).max(0);
    let lines = lines(db, account, after, last)?;
    Ok(Page { lines, next: (after > 0).then_some(after + 1), balance: account.account.balance })
}

/// The account's postings from the one of id ?1 back to the one of a number above ?2.
const CHAIN: &str = "WITH RECURSIVE chain (id, number, previous_id) AS \
     (SELECT id, number, previous_id FROM posting WHERE id = ?1 \
     UNION ALL SELECT posting.id, posting.number, posting.previous_id \
     FROM chain JOIN posting ON posting.id = chain.previous_id WHERE posting.number > ?2)";

/// The lines of numbers above `after` up to `last`, the newest first.
fn lines(db: Db<'_>, account: &AccountRow, after: i64, last: i64) -> Result<Vec<Line>, Error> {
    if after >= last {
        return Ok(Vec::new());
    }
    let sql = format!(
        "{CHAIN} SELECT posting.id, posting.number, posting.at, posting.kind, posting.amount, \
         posting.balance, coalesce(hold.description, posting.reason, purchase.pack_name), \
         posting.hold_id, posting.order_id FROM chain JOIN posting ON posting.id = chain.id \
         LEFT JOIN hold ON hold.id = posting.hold_id \
         LEFT JOIN purchase ON purchase.id = posting.order_id \
         WHERE chain.number <= ?3 ORDER BY chain.number DESC"
    );
    db.query(&sql, values![at_or_after(db, account, last)?, after, last], line)
}

/// The posting of that number, or of one a little higher.
fn at_or_after(db: Db<'_>, account: &AccountRow, number: i64) -> Result<Option<i64>, Error> {
    let milestone = (number + MILESTONE - 1) / MILESTONE * MILESTONE;
    let sql = "SELECT id FROM posting WHERE account_id = ?1 AND number = ?2 AND number % 64 = 0";
    let found = db.find(sql, values![account.account.id.0, milestone], |row| row.get(0))?;
    Ok(found.or(account.chain.last))
}

/// Where the statement ended at an instant.
fn end(db: Db<'_>, account: &AccountRow, until: Timestamp) -> Result<End, Error> {
    let id = account.account.id.0;
    // The first milestone of later; the last of earlier is not far below it.
    let later = "SELECT id, number FROM posting WHERE account_id = ?1 AND number % 64 = 0 \
                 AND at > ?2 ORDER BY number LIMIT 1";
    let read = |row: Row<'_>| Ok((Some(row.get::<i64>(0)?), row.get::<i64>(1)?));
    let later = db.find(later, values![id, until.0], read)?;
    let (from, number) = later.unwrap_or((account.chain.last, account.chain.count));
    let earlier = (number - 1) / MILESTONE * MILESTONE;
    let last = format!(
        "{CHAIN} SELECT posting.number, posting.balance FROM chain \
         JOIN posting ON posting.id = chain.id WHERE at <= ?3 ORDER BY posting.number DESC LIMIT 1"
    );
    let read = |row: Row<'_>| Ok(End { number: row.get(0)?, balance: row::credits(row, 1)? });
    let last = db.find(&last, values![from, earlier - 1, until.0], read)?;
    Ok(last.unwrap_or(End { number: 0, balance: Credits::ZERO }))
}

fn line(row: Row<'_>) -> Result<Line, Error> {
    let id = |column| row.get::<Option<[u8; 16]>>(column).map(|id| id.map(Uuid::from_bytes));
    Ok(Line {
        id: row.get(0)?,
        number: row.get(1)?,
        at: Timestamp(row.get(2)?),
        kind: row::kind(row, 3)?,
        amount: row::credits(row, 4)?,
        balance: row::credits(row, 5)?,
        description: row.get(6)?,
        hold: id(7)?.map(HoldId),
        order: id(8)?.map(OrderId),
    })
}
