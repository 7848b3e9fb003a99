//! What an account's owner has set: warnings and refills.

use stokehold_ledger::{AccountKey, Credits, Timestamp};

use crate::db::{Db, values};
use crate::error::Error;
use crate::row::{self, ACCOUNTS};
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
        self.read(move |db| load(db, key, now)).await
    }

    /// Changes when and who is warned, on every account that this key names.
    pub async fn set_warning(&self, key: AccountKey, change: WarningSettings) -> Result<(), Error> {
        self.write(move |db, _| {
            let accounts = ids(db, key)?;
            for id in accounts {
                if let Some(threshold) = change.threshold {
                    let warn_at = (!threshold.is_zero()).then_some(threshold.micros());
                    let sql = "UPDATE account_balance SET warn_at = ?2 WHERE account_id = ?1";
                    db.execute(sql, values![id, warn_at])?;
                }
                if let Some(addresses) = &change.addresses {
                    let sql = "DELETE FROM alert_address WHERE account_id = ?1";
                    db.execute(sql, values![id])?;
                    for address in addresses {
                        db.execute(
                            "INSERT INTO alert_address (account_id, email, lang) \
                             VALUES (?1, ?2, ?3) ON CONFLICT (account_id, email) DO UPDATE \
                             SET lang = excluded.lang",
                            values![id, &address.email, &address.lang],
                        )?;
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
                let sql = "UPDATE account SET refill_at = ?2, refill_pack = ?3 WHERE id = ?1";
                db.execute(sql, values![id, threshold.micros(), pack])?;
            }
            Ok(())
        })
        .await
    }
}

/// The accounts of a key, for somebody who will change them.
fn ids(db: Db<'_>, key: AccountKey) -> Result<Vec<i64>, Error> {
    let lock = db.for_update();
    let sql = format!("SELECT account.id FROM {ACCOUNTS} WHERE key = ?1 ORDER BY account.id{lock}");
    let ids = db.query(&sql, values![&key.0], |row| row.get(0))?;
    if ids.is_empty() { Err(Error::NotFound("account")) } else { Ok(ids) }
}

fn load(db: Db<'_>, key: AccountKey, now: Timestamp) -> Result<Vec<OwnAccount>, Error> {
    let own = db.query(
        "SELECT account.id, service.name, account_balance.balance, \
         CAST(account_balance.balance - held + coalesce((SELECT sum(amount) \
         FROM hold WHERE state = 0 AND account_id = account.id AND expires_at <= ?2), 0) AS bigint), \
         coalesce(warn_at, 0), refill_at, refill_pack \
         FROM account JOIN account_balance ON account_balance.account_id = account.id \
         JOIN service ON service.id = account.service_id \
         WHERE key = ?1 ORDER BY service.name",
        values![&key.0, now.0],
        |row| {
            let own = OwnAccount {
                service: row.get(1)?,
                balance: row::credits(row, 2)?,
                available: row::credits(row, 3)?,
                warn_at: row::credits(row, 4)?,
                addresses: Vec::new(),
                refill_at: row::credits(row, 5)?,
                refill_pack: row.get(6)?,
            };
            Ok((row.get(0)?, own))
        },
    )?;
    let with_addresses = own.into_iter().map(|(id, own)| {
        let addresses = addresses(db, id)?;
        Ok(OwnAccount { addresses, ..own })
    });
    with_addresses.collect()
}

fn addresses(db: Db<'_>, account: i64) -> Result<Vec<Address>, Error> {
    let sql = "SELECT email, lang FROM alert_address WHERE account_id = ?1 ORDER BY email";
    db.query(sql, values![account], |row| Ok(Address { email: row.get(0)?, lang: row.get(1)? }))
}
