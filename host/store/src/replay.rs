//! Requests that may be repeated: the same key gets the same answer, and happens once.

use rusqlite::{Connection, OptionalExtension};
use stokehold_ledger::Timestamp;

use crate::error::Error;

/// How long an answer is kept for repeats: a day, in microseconds.
const KEPT_MICROS: i64 = 24 * 3_600 * 1_000_000;

/// How many old answers are dropped at a time.
const DROPPED_MAX: i64 = 1_000;

/// A key under which a request happens once a day, however often it is sent.
#[derive(Clone, Copy, Debug)]
pub struct Once {
    /// A digest of whose key it is, for what kind of request, and of the key.
    pub key: [u8; 32],
    /// A digest of the request. The same key with another digest is a conflict.
    pub fingerprint: [u8; 32],
}

/// The answer that was given before under this key.
pub(crate) fn recall(
    db: &Connection,
    once: Option<&Once>,
    now: Timestamp,
) -> Result<Option<String>, Error> {
    let Some(once) = once else { return Ok(None) };
    let found = db
        .prepare_cached("SELECT fingerprint, answer FROM replay WHERE key = ?1 AND at > ?2")?
        .query_row((once.key, oldest(now)), |row| {
            Ok((row.get::<_, [u8; 32]>(0)?, row.get::<_, String>(1)?))
        })
        .optional()?;
    match found {
        None => Ok(None),
        Some((fingerprint, answer)) if fingerprint == once.fingerprint => Ok(Some(answer)),
        Some(_) => Err(Error::IdempotencyConflict),
    }
}

/// Keeps the answer for a repeat, in the transaction of what it answers.
pub(crate) fn remember(
    db: &Connection,
    once: Option<&Once>,
    answer: &str,
    now: Timestamp,
) -> Result<(), Error> {
    if let Some(once) = once {
        // An answer under this key that is still there is too old to be recalled.
        db.prepare_cached(
            "INSERT OR REPLACE INTO replay (key, fingerprint, answer, at) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute((once.key, once.fingerprint, answer, now.0))?;
    }
    Ok(())
}

/// Drops answers that are too old to be recalled.
pub(crate) fn forget(db: &Connection, now: Timestamp) -> Result<(), Error> {
    db.prepare_cached(
        "DELETE FROM replay WHERE at <= ?1 AND id IN (SELECT id FROM replay ORDER BY id LIMIT ?2)",
    )?
    .execute((oldest(now), DROPPED_MAX))?;
    Ok(())
}

fn oldest(now: Timestamp) -> i64 {
    now.0.saturating_sub(KEPT_MICROS)
}
