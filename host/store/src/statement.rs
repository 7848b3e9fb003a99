//! Statements: every entry of an account, with the balance after it.

use stokehold_ledger::{
    AccountId, AccountKey, Credits, HoldId, OrderId, PostingKind, ServiceId, Timestamp,
};
use uuid::Uuid;

use crate::account::load_account;
use crate::audit::Audit;
use crate::catalogue::load_service;
use crate::db::{Db, Row, values};
use crate::error::Error;
use crate::row;
use crate::store::Store;

/// One line of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The posting; later ones have higher numbers.
    pub id: i64,
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

impl Store {
    /// Up to `limit` lines after the posting `after`, of all those made up to the instant `until`.
    /// `None` where there is no such account.
    pub async fn statement(
        &self,
        service: ServiceId,
        key: AccountKey,
        after: i64,
        until: Timestamp,
        limit: u32,
    ) -> Result<Option<Page>, Error> {
        self.read(move |db| match load_account(db, service, key)? {
            None => Ok(None),
            Some(account) => Ok(Some(page(db, account.id, after, until, limit)?)),
        })
        .await
    }

    /// The last lines before the posting `before`, the newest first, `limit` at the most. `None`
    /// where there is no such account.
    pub async fn latest(
        &self,
        service: ServiceId,
        key: AccountKey,
        before: i64,
        limit: u32,
    ) -> Result<Option<Page>, Error> {
        self.read(move |db| match load_account(db, service, key)? {
            None => Ok(None),
            Some(account) => Ok(Some(latest(db, account.id, before, limit)?)),
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
            let Some(account) = load_account(db, service.id, key)? else { return Ok(None) };
            let sql = format!("{LINES} AND posting.at <= ?2 ORDER BY posting.id");
            let mut balance = Credits::ZERO;
            db.each(&sql, values![account.id.0, until.0], &mut |row| {
                let found = line(row)?;
                balance = balance.checked_add(found.amount).ok_or_else(overflow)?;
                each(Line { balance, ..found });
                Ok(())
            })?;
            Ok(Some(balance))
        })
    }
}

/// The lines of the account that is the first parameter.
const LINES: &str = "SELECT posting.id, posting.at, posting.kind, entry.amount, \
     coalesce(hold.description, posting.reason, purchase.pack_name), posting.hold_id, \
     posting.order_id FROM posting \
     JOIN entry ON entry.posting_id = posting.id AND entry.book = 1 \
     LEFT JOIN hold ON hold.id = posting.hold_id \
     LEFT JOIN purchase ON purchase.id = posting.order_id \
     WHERE posting.account_id = ?1";

fn page(
    db: Db<'_>,
    account: AccountId,
    after: i64,
    until: Timestamp,
    limit: u32,
) -> Result<Page, Error> {
    let balance = balance(db, account, i64::MAX, until)?;
    let before = self::balance(db, account, after, until)?;
    let sql =
        format!("{LINES} AND posting.id > ?2 AND posting.at <= ?3 ORDER BY posting.id LIMIT ?4");
    let rows = db.query(&sql, values![account.0, after, until.0, i64::from(limit) + 1], line)?;
    let (mut lines, next) = cut(rows, limit);
    let mut running = before;
    for line in &mut lines {
        running = running.checked_add(line.amount).ok_or_else(overflow)?;
        line.balance = running;
    }
    Ok(Page { lines, next, balance })
}

fn latest(db: Db<'_>, account: AccountId, before: i64, limit: u32) -> Result<Page, Error> {
    let now = Timestamp(i64::MAX);
    let balance = balance(db, account, i64::MAX, now)?;
    let sql = format!("{LINES} AND posting.id < ?2 ORDER BY posting.id DESC LIMIT ?3");
    let rows = db.query(&sql, values![account.0, before, i64::from(limit) + 1], line)?;
    let (mut lines, next) = cut(rows, limit);
    let newest = lines.first().map_or(0, |line| line.id);
    let mut running = self::balance(db, account, newest, now)?;
    for line in &mut lines {
        line.balance = running;
        running = running.checked_sub(line.amount).ok_or_else(overflow)?;
    }
    Ok(Page { lines, next, balance })
}

/// A page's lines, and where the next page starts: one line more than the page takes was asked for.
fn cut(mut lines: Vec<Line>, limit: u32) -> (Vec<Line>, Option<i64>) {
    let full = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = lines.len() > full;
    lines.truncate(full);
    let next = lines.last().map(|line| line.id).filter(|_| more);
    (lines, next)
}

fn overflow() -> Error {
    Error::Corrupt("a balance overflows".into())
}

/// The sum of the account's entries up to the posting `up_to` and the instant `until`.
fn balance(db: Db<'_>, account: AccountId, up_to: i64, until: Timestamp) -> Result<Credits, Error> {
    db.one(
        "SELECT CAST(coalesce(sum(entry.amount), 0) AS bigint) FROM posting \
         JOIN entry ON entry.posting_id = posting.id AND entry.book = 1 \
         WHERE posting.account_id = ?1 AND posting.id <= ?2 AND posting.at <= ?3",
        values![account.0, up_to, until.0],
        |row| row::credits(row, 0),
    )
}

fn line(row: Row<'_>) -> Result<Line, Error> {
    let id = |column| row.get::<Option<[u8; 16]>>(column).map(|id| id.map(Uuid::from_bytes));
    Ok(Line {
        id: row.get(0)?,
        at: Timestamp(row.get(1)?),
        kind: row::kind(row, 2)?,
        amount: row::credits(row, 3)?,
        balance: Credits::ZERO,
        description: row.get(4)?,
        hold: id(5)?.map(HoldId),
        order: id(6)?.map(OrderId),
    })
}
