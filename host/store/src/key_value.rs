//! What services keep for themselves: keys and values, bounded for each service.
//!
//! How much a service keeps stands in a row of its own, so that a limit is checked without looking
//! at all that is there.

use stokehold_ledger::ServiceId;
use thiserror::Error;

use crate::db::{Db, Value, values};
use crate::error::Error;
use crate::store::Store;

/// How much a service may keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyValueMax {
    /// Keys and values together, in bytes.
    pub bytes: u64,
    /// Keys.
    pub keys: u64,
}

/// A change of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyWrite {
    /// Whose key it is.
    pub service: ServiceId,
    /// The key.
    pub key: String,
    /// What becomes of it.
    pub change: KeyChange,
}

/// What becomes of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyChange {
    /// It has this value.
    Set(Vec<u8>),
    /// It is gone, if it was there.
    Delete,
    /// This is added to the decimal number that is its value, 0 where there is none.
    Add(u64),
}

/// Why a key was not changed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum KeyRefusal {
    /// The service would keep too much.
    #[error("the store would have {asked} bytes; the limit is {max}")]
    Bytes {
        /// How many bytes it would keep.
        asked: u64,
        /// The limit.
        max: u64,
    },
    /// The service would keep too many keys.
    #[error("the store would have {asked} keys; the limit is {max}")]
    Keys {
        /// How many keys it would keep.
        asked: u64,
        /// The limit.
        max: u64,
    },
    /// Nothing can be added to the value.
    #[error("the value is no number")]
    NotANumber,
    /// The sum is above the largest number.
    #[error("{number} and {delta} are more than fits")]
    TooLarge {
        /// The value.
        number: u64,
        /// What was to be added.
        delta: u64,
    },
}

/// What a change has come to: the sum of an addition, otherwise 0; or why it was not made.
pub type KeyWritten = Result<u64, KeyRefusal>;

impl Store {
    /// The value of a service's key.
    pub async fn key_value(
        &self,
        service: ServiceId,
        key: String,
    ) -> Result<Option<Vec<u8>>, Error> {
        self.read(move |db| {
            let sql = "SELECT value FROM key_value WHERE service_id = ?1 AND key = ?2";
            db.find(sql, values![service.0, key.as_bytes()], |row| row.get(0))
        })
        .await
    }

    /// Up to `count` keys of a service in the order of their bytes, without the first `skip`.
    pub async fn keys(
        &self,
        service: ServiceId,
        skip: u32,
        count: u32,
    ) -> Result<Vec<String>, Error> {
        self.read(move |db| {
            let sql = "SELECT key FROM key_value WHERE service_id = ?1 \
                       ORDER BY key LIMIT ?2 OFFSET ?3";
            db.query(sql, values![service.0, count, skip], |row| {
                let key = String::from_utf8(row.get(0)?);
                key.map_err(|error| Error::Corrupt(error.to_string()))
            })
        })
        .await
    }

    /// Changes keys one after the other in one durable step. What is refused changes nothing.
    pub async fn change_keys(
        &self,
        writes: Vec<KeyWrite>,
        max: KeyValueMax,
    ) -> Result<Vec<KeyWritten>, Error> {
        self.write(move |db, _| writes.iter().map(|write| change(db, write, max)).collect()).await
    }
}

/// How much a service keeps.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Kept {
    keys: i64,
    bytes: i64,
}

fn change(db: Db<'_>, write: &KeyWrite, max: KeyValueMax) -> Result<KeyWritten, Error> {
    match &write.change {
        KeyChange::Set(value) => put(db, write, Some(value), max).map(|put| put.map(|()| 0)),
        KeyChange::Delete => put(db, write, None, max).map(|put| put.map(|()| 0)),
        KeyChange::Add(delta) => {
            let sum = match added(db, write, *delta)? {
                Ok(sum) => sum,
                Err(refusal) => return Ok(Err(refusal)),
            };
            put(db, write, Some(sum.to_string().as_bytes()), max).map(|put| put.map(|()| sum))
        }
    }
}

/// Puts a value in its place, or takes away what is there, and keeps the sum of it all.
fn put(
    db: Db<'_>,
    write: &KeyWrite,
    value: Option<&[u8]>,
    max: KeyValueMax,
) -> Result<Result<(), KeyRefusal>, Error> {
    let (service, key) = (write.service.0, write.key.as_bytes());
    let (kept, old_bytes) = kept(db, write)?;
    let entry = |value_bytes: i64| Kept { keys: 1, bytes: number(key.len()) + value_bytes };
    let before = old_bytes.map(entry).unwrap_or_default();
    let after = value.map(|value| entry(number(value.len()))).unwrap_or_default();
    let then = Kept {
        keys: kept.keys - before.keys + after.keys,
        bytes: kept.bytes - before.bytes + after.bytes,
    };
    if let Some(value) = value {
        if let Err(refusal) = check(then, max) {
            return Ok(Err(refusal));
        }
        db.execute(
            "INSERT INTO key_value (service_id, key, value) VALUES (?1, ?2, ?3) \
             ON CONFLICT (service_id, key) DO UPDATE SET value = excluded.value",
            values![service, key, value],
        )?;
    } else {
        let sql = "DELETE FROM key_value WHERE service_id = ?1 AND key = ?2";
        db.execute(sql, &of(write))?;
    }
    if then != kept {
        db.execute(
            "INSERT INTO key_value_sum (service_id, keys, bytes) VALUES (?1, ?2, ?3) \
             ON CONFLICT (service_id) DO UPDATE SET keys = excluded.keys, bytes = excluded.bytes",
            values![service, then.keys, then.bytes],
        )?;
    }
    Ok(Ok(()))
}

/// What the service keeps, and how many bytes the key's value has, if it is there.
fn kept(db: Db<'_>, write: &KeyWrite) -> Result<(Kept, Option<i64>), Error> {
    let sql = "SELECT keys, bytes, (SELECT length(value) FROM key_value \
               WHERE service_id = ?1 AND key = ?2) FROM key_value_sum WHERE service_id = ?1";
    let found = db.find(sql, &of(write), |row| {
        Ok((Kept { keys: row.get(0)?, bytes: row.get(1)? }, row.get(2)?))
    })?;
    Ok(found.unwrap_or_default())
}

/// The sum of the number that a key has for its value and `delta`.
fn added(db: Db<'_>, write: &KeyWrite, delta: u64) -> Result<KeyWritten, Error> {
    let sql = "SELECT value FROM key_value WHERE service_id = ?1 AND key = ?2";
    let value: Option<Vec<u8>> = db.find(sql, &of(write), |row| row.get(0))?;
    let number: Option<u64> = match &value {
        None => Some(0),
        Some(bytes) => str::from_utf8(bytes).ok().and_then(|text| text.parse().ok()),
    };
    let Some(number) = number else { return Ok(Err(KeyRefusal::NotANumber)) };
    Ok(number.checked_add(delta).ok_or(KeyRefusal::TooLarge { number, delta }))
}

/// The key, as the parameters ?1 and ?2.
fn of(write: &KeyWrite) -> [Value<'_>; 2] {
    [write.service.0.into(), write.key.as_bytes().into()]
}

fn check(then: Kept, max: KeyValueMax) -> Result<(), KeyRefusal> {
    let asked = |count: i64| u64::try_from(count).unwrap_or(0);
    let (keys, bytes) = (asked(then.keys), asked(then.bytes));
    if bytes > max.bytes {
        return Err(KeyRefusal::Bytes { asked: bytes, max: max.bytes });
    }
    if keys > max.keys {
        return Err(KeyRefusal::Keys { asked: keys, max: max.keys });
    }
    Ok(())
}

fn number(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}
