//! What a database remembers of itself.

use stokehold_ledger::Timestamp;

use crate::db::{Db, values};
use crate::error::{Error, OpenError};
use crate::store::Mode;

/// What is read when a database is opened.
pub(crate) struct Instance {
    /// 32 random bytes that belong to it.
    pub(crate) secret: [u8; 32],
    /// The ledger's clock never goes behind it.
    pub(crate) last_instant: Timestamp,
}

/// Refuses a database of the other mode. It has to have tables.
pub(crate) fn check_mode(db: Db<'_>, mode: Mode) -> Result<(), OpenError> {
    let asked = mode == Mode::Sandbox;
    let made = db.find("SELECT sandbox FROM instance", &[], |row| row.get::<bool>(0));
    if made?.unwrap_or(asked) == asked { Ok(()) } else { Err(OpenError::OtherMode { asked }) }
}

/// Reads what a database remembers; a new one begins to. `seed` is the secret of a new one.
pub(crate) fn begin(db: Db<'_>, mode: Mode, seed: [u8; 32]) -> Result<Instance, Error> {
    db.execute(
        "INSERT INTO instance (one, sandbox, secret, last_instant, catalogue) \
         VALUES (1, ?1, ?2, 0, 0) ON CONFLICT DO NOTHING",
        values![mode == Mode::Sandbox, &seed],
    )?;
    db.one(
        "SELECT secret, last_instant, (SELECT coalesce(max(last_instant), 0) FROM host) \
         FROM instance",
        &[],
        |row| {
            let last_instant = row.get::<i64>(1)?.max(row.get(2)?);
            Ok(Instance { secret: row.get(0)?, last_instant: Timestamp(last_instant) })
        },
    )
}
