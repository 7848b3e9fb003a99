//! Requests that may be repeated: the same key gets the same answer, and happens once.

use rusqlite::{Connection, OptionalExtension};
use stokehold_ledger::Timestamp;

use crate::error::Error;

/// An idempotency key, with what it was used for.
#[derive(Clone, Debug)]
pub struct Once {
    /// Whose key it is and for what kind of request: keys of different scopes never meet.
    pub scope: String,
    /// The key, as the client chose it.
    pub key: String,
    /// A digest of the request. The same key with another digest is a conflict.
    pub fingerprint: [u8; 32],
}

/// The answer that was given before under this key.
pub(crate) fn recall(db: &Connection, once: Option<&Once>) -> Result<Option<String>, Error> {
    let Some(once) = once else { return Ok(None) };
    let found = db
        .prepare_cached("SELECT fingerprint, answer FROM replay WHERE scope = ?1 AND key = ?2")?
        .query_row((&once.scope, &once.key), |row| {
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
        db.prepare_cached(
            "INSERT INTO replay (scope, key, fingerprint, answer, at) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute((&once.scope, &once.key, once.fingerprint, answer, now.0))?;
    }
    Ok(())
}
