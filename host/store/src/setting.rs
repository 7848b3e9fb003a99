//! What an account's owner has set: warnings and refills.

use rusqlite::Connection;
use stokehold_ledger::{AccountKey, Credits, Timestamp};

use crate::error::Error;
use crate::row;
use crate::store::Store;

/// An address for warnings, with the language they are wanted in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The address.
    pub email: String,
    /// Such as `en_US`; may be empty.
    pub lang: String,
}

/// What is to be changed about warnings. `None` leaves a thing as it is.
#[derive(Clone, Debug, Default)]
pub struct WarningSettings {
    /// Warn when no more than this is available; zero warns never.
    pub threshold: Option<Credits>,
    /// Whom to warn.
    pub addresses: Option<Vec<Address>>,
}

/// An account as its owner finds it, whichever service it is of.
#[derive(Clone, Debug)]
pub struct OwnAccount {
    /// The service's technical name.
    pub service: String,
    /// What was granted less what was captured.
    pub balance: Credits,
    /// What a new hold may take.
    pub available: Credits,
    /// Warn when no more than this is available; zero warns never.
    pub warn_at: Credits,
    /// Whom to warn.
    pub addresses: Vec<Address>,
    /// Buy `refill_pack` when no more than this is available; zero never does.
    pub refill_at: Credits,
    /// Which pack; zero for none.
    pub refill_pack: i64,
}

impl Store {
    /// Every account that this key names, by service. There is one at the most for each service.
    pub async fn own_accounts(&self, key: AccountKey) -> Result<Vec<OwnAccount>, Error> {
        let now = self.now();
        self.read(move |db| Ok(load(db, key, now)?)).await
    }

    /// Changes when and who is warned, on every account that this key names.
    pub async fn set_warning(&self, key: AccountKey, change: WarningSettings) -> Result<(), Error> {
        self.write(move |db, _| {
            let accounts = ids(db, key)?;
            for id in accounts {
                if let Some(threshold) = change.threshold {
                    let warn_at = (!threshold.is_zero()).then_some(threshold.micros());
                    db.prepare_cached("UPDATE account SET warn_at = ?2 WHERE id = ?1")?
                        .execute((id, warn_at))?;
                }
                if let Some(addresses) = &change.addresses {
                    db.prepare_cached("DELETE FROM alert_address WHERE account_id = ?1")?
                        .execute([id])?;
                    for address in addresses {
                        db.prepare_cached(
                            "INSERT OR REPLACE INTO alert_address (account_id, email, lang) \
                             VALUES (?1, ?2, ?3)",
                        )?
                        .execute((id, &address.email, &address.lang))?;
                    }
                }
            }
            Ok(())
        })
        .await
    }

    /// Notes when which pack is to be bought, on every account that this key names.
    pub async fn set_refill(
        &self,
        key: AccountKey,
        threshold: Credits,
        pack: i64,
    ) -> Result<(), Error> {
        self.write(move |db, _| {
            for id in ids(db, key)? {
                db.prepare_cached(
                    "UPDATE account SET refill_at = ?2, refill_pack = ?3 WHERE id = ?1",
                )?
                .execute((id, threshold.micros(), pack))?;
            }
            Ok(())
        })
        .await
    }
}

fn ids(db: &Connection, key: AccountKey) -> Result<Vec<i64>, Error> {
    let mut query = db.prepare_cached("SELECT id FROM account WHERE key = ?1")?;
    let ids: Vec<i64> = query.query_map([key.0], |row| row.get(0))?.collect::<Result<_, _>>()?;
    if ids.is_empty() { Err(Error::NotFound("account")) } else { Ok(ids) }
}

fn load(db: &Connection, key: AccountKey, now: Timestamp) -> rusqlite::Result<Vec<OwnAccount>> {
    let mut query = db.prepare_cached(
        "SELECT account.id, service.name, balance, balance - held + coalesce((SELECT sum(amount) \
         FROM hold WHERE state = 0 AND hold.service_id = account.service_id \
         AND account_id = account.id AND expires_at <= ?2), 0), \
         coalesce(warn_at, 0), refill_at, refill_pack \
         FROM account JOIN service ON service.id = account.service_id \
         WHERE key = ?1 ORDER BY service.name",
    )?;
    let rows = query.query_map((key.0, now.0), |row| {
        let id: i64 = row.get(0)?;
        Ok(OwnAccount {
            service: row.get(1)?,
            balance: row::credits(row, 2)?,
            available: row::credits(row, 3)?,
            warn_at: row::credits(row, 4)?,
            addresses: addresses(db, id)?,
            refill_at: row::credits(row, 5)?,
            refill_pack: row.get(6)?,
        })
    })?;
    rows.collect()
}

fn addresses(db: &Connection, account: i64) -> rusqlite::Result<Vec<Address>> {
    db.prepare_cached("SELECT email, lang FROM alert_address WHERE account_id = ?1 ORDER BY email")?
        .query_map([account], |row| Ok(Address { email: row.get(0)?, lang: row.get(1)? }))?
        .collect()
}
