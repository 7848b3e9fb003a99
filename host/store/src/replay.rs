//! Requests that may be repeated: the same key gets the same answer, and happens once.
//!
//! What is kept of an answer is a text: what was made, or the balance that there then was, or a
//! refusal for want of credits. Other refusals are found again each time.

use std::str::FromStr;

use stokehold_ledger::{Credits, HoldId, Refusal, Timestamp};

use crate::db::{Db, Row, values};
use crate::error::Error;

/// How long an answer is kept for repeats: a day, in microseconds. It is also how long a day in the
/// table is.
const DAY_MICROS: i64 = 24 * 3_600 * 1_000_000;

/// How many old answers are dropped at a time.
const DROPPED_MAX: i64 = 4_096;

/// A key under which a request happens once a day, however often it is sent.
#[derive(Clone, Copy, Debug)]
pub struct Once {
    /// A digest of whose key it is, for what kind of request, and of the key.
    pub key: [u8; 32],
    /// A digest of the request. The same key with another digest is a conflict.
    pub fingerprint: [u8; 32],
}

/// A digest of a request that no other request has, and of who made it.
pub type RequestDigest = [u8; 32];

/// A request says by itself what was asked.
const OF_REQUEST: [u8; 32] = [0; 32];

impl Once {
    /// What recalls the hold that a request has made.
    pub(crate) fn of_request(digest: &RequestDigest) -> Self {
        Self { key: *digest, fingerprint: OF_REQUEST }
    }
}

impl Kept {
    /// The hold that a request has made.
    pub(crate) fn of_request(hold: HoldId, at: Timestamp) -> Self {
        Self { fingerprint: OF_REQUEST, answer: hold.to_string(), at }
    }
}

/// An answer that was kept.
pub(crate) struct Kept {
    /// Of the request that was answered.
    pub(crate) fingerprint: [u8; 32],
    /// The answer.
    pub(crate) answer: String,
    /// When it was given.
    pub(crate) at: Timestamp,
}

/// The answer that a repeat gets, if there is one.
pub(crate) fn recall<'a>(
    once: &Once,
    kept: Option<&'a Kept>,
    now: Timestamp,
) -> Result<Option<&'a str>, Error> {
    match kept.filter(|kept| kept.at.0 > since(now)) {
        None => Ok(None),
        Some(kept) if kept.fingerprint == once.fingerprint => Ok(Some(&kept.answer)),
        Some(_) => Err(Error::IdempotencyConflict),
    }
}

/// There is no account.
const UNKNOWN_ACCOUNT: &str = "unknown account";
/// So much was needed, and so much was available: both in micro-credits, with a space between.
const SHORT: &str = "short ";

/// What is kept of a refusal; nothing of one that does not depend on what is on an account.
pub(crate) fn refusal(refusal: Refusal) -> Option<String> {
    match refusal {
        Refusal::UnknownAccount => Some(UNKNOWN_ACCOUNT.to_owned()),
        Refusal::InsufficientCredits { needed, available } => {
            Some(format!("{SHORT}{} {}", needed.micros(), available.micros()))
        }
        _ => None,
    }
}

/// Reads what was kept: what was made, or why nothing was.
pub(crate) fn read<T: FromStr>(answer: &str) -> Result<T, Error> {
    let corrupt = || Error::Corrupt(answer.to_owned());
    if answer == UNKNOWN_ACCOUNT {
        return Err(Refusal::UnknownAccount.into());
    }
    if let Some(amounts) = answer.strip_prefix(SHORT) {
        let (needed, available) = amounts.split_once(' ').ok_or_else(corrupt)?;
        let credits = |micros: &str| micros.parse().map(Credits::from_micros);
        let needed = credits(needed).map_err(|_| corrupt())?;
        let available = credits(available).map_err(|_| corrupt())?;
        return Err(Refusal::InsufficientCredits { needed, available }.into());
    }
    answer.parse().map_err(|_| corrupt())
}

/// Loads what was kept under a key: within the last two days of the table, for an answer is kept
/// over midnight.
pub(crate) fn load(db: Db<'_>, key: &[u8; 32], now: Timestamp) -> Result<Option<Kept>, Error> {
    let today = day(now);
    db.find(
        "SELECT fingerprint, answer, at FROM replay WHERE day IN (?1, ?2) AND key = ?3 \
         ORDER BY at DESC LIMIT 1",
        values![today.saturating_sub(1), today, key],
        |row| kept(row, 0),
    )
}

/// The columns `fingerprint`, `answer` and `at`, which begin with the column `first`.
pub(crate) fn kept(row: Row<'_>, first: usize) -> Result<Kept, Error> {
    let (answer, at) = (row.get(first + 1)?, Timestamp(row.get(first + 2)?));
    Ok(Kept { fingerprint: row.get(first)?, answer, at })
}

/// Finds the answer to a repeat, inside a read or a cold write.
pub(crate) fn find<T: FromStr>(
    db: Db<'_>,
    once: Option<&Once>,
    now: Timestamp,
) -> Result<Option<T>, Error> {
    let Some(once) = once else { return Ok(None) };
    let kept = load(db, &once.key, now)?;
    recall(once, kept.as_ref(), now)?.map(read).transpose()
}

/// Keeps an answer for a repeat, in the transaction of what it answers.
pub(crate) fn keep(db: Db<'_>, once: &Once, answer: &str, now: Timestamp) -> Result<(), Error> {
    // An answer under this key that is still there is too old to be recalled.
    db.execute(
        "INSERT INTO replay (day, key, fingerprint, answer, at) VALUES (?1, ?2, ?3, ?4, ?5) \
         ON CONFLICT (day, key) DO UPDATE \
         SET fingerprint = excluded.fingerprint, answer = excluded.answer, at = excluded.at",
        values![day(now), &once.key, &once.fingerprint, answer, now.0],
    )
    .map(drop)
}

/// Drops answers of days that no repeat looks at any more, some at a time.
pub(crate) fn forget(db: Db<'_>, now: Timestamp) -> Result<(), Error> {
    db.execute(
        "DELETE FROM replay WHERE (day, key) IN \
         (SELECT day, key FROM replay WHERE day < ?1 ORDER BY day, key LIMIT ?2)",
        values![day(now).saturating_sub(1), DROPPED_MAX],
    )
    .map(drop)
}

/// What was kept up to this instant is too old for a repeat, in microseconds since 1970.
pub(crate) fn since(now: Timestamp) -> i64 {
    now.0.saturating_sub(DAY_MICROS)
}

/// The day of an instant, counted from 1970.
pub(crate) fn day(at: Timestamp) -> i64 {
    at.0.div_euclid(DAY_MICROS)
}
