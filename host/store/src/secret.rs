//! Secrets of services, as their host has sealed them: what stands here tells nothing without a key
//! that does not.

use stokehold_ledger::{ServiceId, Timestamp};

use crate::db::{Row, values};
use crate::error::Error;
use crate::store::Store;

/// A secret of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedSecret {
    /// Whose secret it is.
    pub service: ServiceId,
    /// Its name.
    pub name: String,
    /// Its value, sealed.
    pub sealed: Vec<u8>,
    /// When it was set.
    pub set_at: Timestamp,
}

impl Store {
    /// The secrets of all services, by name.
    pub async fn sealed_secrets(&self) -> Result<Vec<SealedSecret>, Error> {
        self.read(|db| {
            let sql = "SELECT service_id, name, sealed, set_at FROM secret \
                       ORDER BY service_id, name";
            db.query(sql, &[], secret)
        })
        .await
    }

    /// Sets a secret: on every host, as a change of the catalogue. A service has `count_max` at the
    /// most. Answers whether it has room for this one.
    pub async fn set_secret(
        &self,
        service: ServiceId,
        name: String,
        sealed: Vec<u8>,
        count_max: u32,
    ) -> Result<bool, Error> {
        self.write_catalogue(move |db, now| {
            let others = "SELECT count(*) FROM secret WHERE service_id = ?1 AND name <> ?2";
            let others: i64 = db.one(others, values![service.0, &name], |row| row.get(0))?;
            if others >= count_max.into() {
                return Ok(false);
            }
            db.execute(
                "INSERT INTO secret (service_id, name, sealed, set_at) VALUES (?1, ?2, ?3, ?4) \
                 ON CONFLICT (service_id, name) \
                 DO UPDATE SET sealed = excluded.sealed, set_at = excluded.set_at",
                values![service.0, &name, &sealed, now.0],
            )?;
            Ok(true)
        })
        .await
    }

    /// Drops a secret: on every host, as a change of the catalogue.
    pub async fn delete_secret(&self, service: ServiceId, name: String) -> Result<(), Error> {
        self.write_catalogue(move |db, _| {
            let sql = "DELETE FROM secret WHERE service_id = ?1 AND name = ?2";
            match db.execute(sql, values![service.0, &name])? {
                0 => Err(Error::NotFound("secret")),
                _ => Ok(()),
            }
        })
        .await
    }
}

fn secret(row: Row<'_>) -> Result<SealedSecret, Error> {
    Ok(SealedSecret {
        service: ServiceId(row.get(0)?),
        name: row.get(1)?,
        sealed: row.get(2)?,
        set_at: Timestamp(row.get(3)?),
    })
}
