//! `ledger verify`: every invariant, checked against the rows.

use std::fmt;

use rusqlite::Connection;
use rusqlite::types::ValueRef;

use crate::error::Error;
use crate::seal::Seal;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The invariant that does not hold.
    pub invariant: &'static str,
    /// Which row breaks it, and how.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.invariant, self.what)
    }
}

/// How many rows of one kind are named before the rest is left out.
const NAMED_MAX: usize = 100;

/// Each check: the invariant, and a query for the rows that break it, one text a row.
const CHECKS: &[(&str, &str)] = &[
    (
        // SQLite's own look at every page, index and CHECK constraint.
        "the database is sound",
        "SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'",
    ),
    (
        "a posting's entries sum to zero in each unit",
        "SELECT 'posting ' || posting_id || ' sums to ' || sum(amount) || \
         CASE WHEN book <= 2 THEN ' micro-credits' ELSE ' cents' END \
         FROM entry GROUP BY posting_id, book <= 2 HAVING sum(amount) <> 0",
    ),
    (
        "a posting has an entry for its account",
        "SELECT 'posting ' || id || ' has none' FROM posting WHERE NOT EXISTS \
         (SELECT 1 FROM entry WHERE entry.posting_id = posting.id AND entry.book = 1)",
    ),
    (
        "a posting is of its account's service, and of a kind that fits its amount",
        "SELECT 'posting ' || posting.id || ' of kind ' || kind || ' adds ' || amount \
         FROM posting JOIN account ON account.id = posting.account_id \
         JOIN entry ON entry.posting_id = posting.id AND entry.book = 1 \
         WHERE posting.service_id <> account.service_id OR (kind IN (3, 5)) <> (amount < 0)",
    ),
    (
        "an account's balance is the sum of its entries",
        "SELECT 'account ' || account.id || ' has ' || balance || ', its entries sum to ' || \
         coalesce(posted, 0) FROM account LEFT JOIN (SELECT account_id, sum(amount) AS posted \
         FROM posting JOIN entry ON entry.posting_id = posting.id AND entry.book = 1 \
         GROUP BY account_id) ON account_id = account.id WHERE balance <> coalesce(posted, 0)",
    ),
    (
        "what an account has held is the sum of its open holds",
        "SELECT 'account ' || account.id || ' has ' || held || ' held, its open holds sum to ' || \
         coalesce(open, 0) FROM account LEFT JOIN (SELECT account_id, sum(amount) AS open \
         FROM hold WHERE state = 0 GROUP BY account_id) ON account_id = account.id \
         WHERE held <> coalesce(open, 0)",
    ),
    (
        "0 <= held <= balance",
        "SELECT 'account ' || id || ' has ' || held || ' held of ' || balance FROM account \
         WHERE held < 0 OR held > balance",
    ),
    (
        "captured <= authorized",
        "SELECT 'hold ' || lower(hex(id)) || ' captured ' || captured || ' of ' || amount \
         FROM hold WHERE captured > amount OR captured < 0 OR amount <= 0",
    ),
    (
        "a hold that captured has one posting of that amount, and no other has one",
        "SELECT 'hold ' || lower(hex(hold.id)) || ' captured ' || captured || ', posted ' || \
         coalesce(-entry.amount, 0) FROM hold \
         LEFT JOIN posting ON posting.hold_id = hold.id AND posting.kind = 3 \
         LEFT JOIN entry ON entry.posting_id = posting.id AND entry.book = 1 \
         WHERE captured <> coalesce(-entry.amount, 0) \
         OR (posting.id IS NOT NULL AND posting.account_id <> hold.account_id)",
    ),
    (
        "what was given back of a hold is not above what it captured",
        "SELECT 'hold ' || lower(hex(hold.id)) || ' captured ' || captured || ', gave back ' || \
         sum(entry.amount) FROM posting JOIN hold ON hold.id = posting.hold_id \
         JOIN entry ON entry.posting_id = posting.id AND entry.book = 1 \
         WHERE posting.kind = 4 GROUP BY hold.id \
         HAVING sum(entry.amount) > captured OR max(posting.account_id <> hold.account_id)",
    ),
    (
        "an account had trial credits once for each database that asked for them",
        "SELECT 'account ' || account.id || ' had them ' || coalesce(granted, 0) || \
         ' times for ' || coalesce(databases, 0) || ' databases' FROM account \
         LEFT JOIN (SELECT account_id, count(*) AS granted FROM posting WHERE kind = 1 \
         GROUP BY account_id) AS given ON given.account_id = account.id \
         LEFT JOIN (SELECT account_id, service_id, count(*) AS databases FROM trial \
         GROUP BY account_id, service_id) AS asked \
         ON asked.account_id = account.id AND asked.service_id = account.service_id \
         WHERE coalesce(granted, 0) <> coalesce(databases, 0)",
    ),
    (
        "a hold has ended exactly when it is not open",
        "SELECT 'hold ' || lower(hex(id)) || ' has state ' || state FROM hold \
         WHERE (state = 0) <> (ended_at IS NULL) OR (state <> 1 AND captured <> 0)",
    ),
    (
        "a hold belongs to its account's service",
        "SELECT 'hold ' || lower(hex(hold.id)) || ' of account ' || account.id FROM hold \
         JOIN account ON account.id = hold.account_id WHERE hold.service_id <> account.service_id",
    ),
    (
        "an order that was paid, or refunded, has the postings for it, and no other has any",
        "SELECT 'order ' || lower(hex(purchase.id)) || ' is ' || status || ' and has ' || \
         count(posting.id) || ' postings' FROM purchase \
         LEFT JOIN posting ON posting.order_id = purchase.id GROUP BY purchase.id \
         HAVING count(posting.id) <> \
         CASE status WHEN 'pending' THEN 0 WHEN 'paid' THEN 1 ELSE 2 END",
    ),
    (
        "an order's postings move its credits and split its price",
        // Half a cent is the most by which rounding may move the commission.
        "SELECT 'order ' || lower(hex(purchase.id)) FROM purchase \
         LEFT JOIN posting ON posting.order_id = purchase.id \
         WHERE abs(commission_cents * 10000 - price_cents * commission_bp) > 5000 \
         OR (posting.id IS NOT NULL AND (posting.account_id <> purchase.account_id \
         OR posting.service_id <> purchase.service_id \
         OR credits * CASE kind WHEN 2 THEN 1 ELSE -1 END <> \
         coalesce((SELECT amount FROM entry WHERE posting_id = posting.id AND book = 1), 0) \
         OR price_cents * CASE kind WHEN 2 THEN 1 ELSE -1 END <> \
         coalesce((SELECT amount FROM entry WHERE posting_id = posting.id AND book = 3), 0) \
         OR commission_cents * CASE kind WHEN 2 THEN -1 ELSE 1 END <> \
         coalesce((SELECT amount FROM entry WHERE posting_id = posting.id AND book = 4), 0)))",
    ),
    (
        "a call has a hold of what it is authorized for, and ends with it",
        "SELECT 'call ' || lower(hex(call.id)) || ' for ' || credits || ' is ' || status || \
         coalesce(', its hold of ' || amount || ' has state ' || state, ', it has no hold') \
         FROM call LEFT JOIN hold ON hold.id = call.id \
         LEFT JOIN account ON account.id = hold.account_id WHERE credits <> coalesce(amount, 0) \
         OR account.service_id <> call.service_id OR account.key <> call.account_key \
         OR (status = 'captured') <> (state = 1) OR (status = 'cancelled' AND state = 0)",
    ),
    (
        "what an account spends on a day with a limit is what that day's calls cost",
        "SELECT 'service ' || counted.service_id || ', day ' || counted.day || ': ' || \
         counted.credits || ' counted, ' || coalesce(cost, 0) || ' spent' FROM spending AS counted \
         LEFT JOIN (SELECT call.service_id, call.account_key, counted_day AS day, \
         sum(CASE WHEN call.ended_at IS NULL THEN call.credits ELSE coalesce(hold.captured, 0) END) \
         AS cost FROM call LEFT JOIN hold ON hold.id = call.id WHERE counted_day IS NOT NULL \
         GROUP BY call.service_id, call.account_key, counted_day) AS spent \
         ON spent.service_id = counted.service_id AND spent.account_key = counted.account_key \
         AND spent.day = counted.day WHERE counted.credits <> coalesce(cost, 0)",
    ),
    (
        "no row refers to one that is not there",
        "SELECT \"table\" || ' row ' || coalesce(rowid, '?') || ' refers to a missing ' || parent \
         FROM pragma_foreign_key_check",
    ),
];

/// Runs every check on the data of one moment.
pub(crate) fn verify(db: &Connection) -> Result<Vec<Finding>, Error> {
    db.execute_batch("BEGIN")?;
    let findings = check(db);
    db.execute_batch("COMMIT")?;
    findings
}

/// What carries a seal: the kind of row, what it is called, its terms in the order of the seal, and
/// the table. The first term names the row.
const SEALED: &[(&str, &str, &str)] = &[
    ("hold", "id, account_id, service_id, amount, created_at, expires_at, description", "hold"),
    (
        "order",
        "id, service_id, account_id, pack_id, pack_name, credits, price_cents, commission_bp, \
         commission_cents, created_at",
        "purchase",
    ),
    ("warning", "account_id, available, warn_at, created_at", "outbox"),
];

/// Looks for rows whose terms are not those that they were sealed with.
fn seals(db: &Connection, findings: &mut Vec<Finding>) -> Result<(), Error> {
    for (kind, terms, table) in SEALED {
        let mut query = db.prepare(&format!("SELECT seal, {terms} FROM {table}"))?;
        let columns = query.column_count();
        let mut rows = query.query([])?;
        let mut named = 0;
        while let Some(row) = rows.next()? {
            let mut seal = Seal::of(kind);
            for column in 1..columns {
                seal = seal.term(row.get_ref(column)?)?;
            }
            if named < NAMED_MAX && seal.value() != row.get::<_, i64>(0)? {
                named += 1;
                let what = format!("{kind} {} was altered", name(row.get_ref(1)?));
                findings.push(Finding { invariant: "what was sealed is as it was", what });
            }
        }
    }
    Ok(())
}

/// An id as people read it.
fn name(id: ValueRef<'_>) -> String {
    match id {
        ValueRef::Blob(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        id => id.as_i64().map_or_else(|_| "?".into(), |number| format!("of account {number}")),
    }
}

/// Runs every check inside an open transaction.
pub(crate) fn check(db: &Connection) -> Result<Vec<Finding>, Error> {
    let mut findings = Vec::new();
    seals(db, &mut findings)?;
    for (invariant, sql) in CHECKS {
        let mut query = db.prepare(sql)?;
        for what in query.query_map([], |row| row.get(0))?.take(NAMED_MAX) {
            findings.push(Finding { invariant, what: what? });
        }
    }
    Ok(findings)
}

/// How many accounts, holds and postings there are.
pub(crate) fn counts(db: &Connection) -> Result<[i64; 3], Error> {
    let count =
        |table| db.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0));
    Ok([count("account")?, count("hold")?, count("posting")?])
}
