//! Trial credits: once for each service and database, for ever.

use rusqlite::Connection;
use stokehold_ledger::{AccountToken, Credits, ServiceId, Source, Timestamp};

use crate::account::{ensure_account, grant};
use crate::error::Error;
use crate::posting::Cause;
use crate::row;
use crate::store::Store;

impl Store {
    /// Lets a database have trial credits, or no longer. What it had it keeps.
    pub async fn set_eligible(&self, dbuuid: String, eligible: bool) -> Result<(), Error> {
        self.write(move |db, now| {
            if eligible {
                db.execute(
                    "INSERT INTO eligible_database (dbuuid, created_at) VALUES (?1, ?2) \
                     ON CONFLICT (dbuuid) DO NOTHING",
                    (&dbuuid, now.0),
                )?;
                return Ok(());
            }
            let removed =
                db.execute("DELETE FROM eligible_database WHERE dbuuid = ?1", [&dbuuid])?;
            if removed == 0 { Err(Error::NotFound("eligible database")) } else { Ok(()) }
        })
        .await
    }
}

/// Grants the service's trial credits where this is the first use by an eligible database, inside
/// a write. Where the account has no room for them they wait for a later use, and what was asked
/// for goes on.
pub(crate) fn grant_trial(
    db: &Connection,
    service: ServiceId,
    token: &AccountToken,
    dbuuid: Option<&str>,
    now: Timestamp,
) -> Result<(), Error> {
    let Some(dbuuid) = dbuuid.filter(|_| token.is_chargeable()) else { return Ok(()) };
    let Some(credits) = open_trial(db, service, dbuuid)? else { return Ok(()) };
    let account = ensure_account(db, service, &token.into(), now)?;
    match grant(db, &account, (credits, Source::Trial), Cause::default(), now) {
        Err(Error::Refused(_)) => return Ok(()),
        granted => granted?,
    };
    db.prepare_cached(
        "INSERT INTO trial (service_id, dbuuid, account_id, at) VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute((service.0, dbuuid, account.id.0, now.0))?;
    Ok(())
}

/// The trial credits that this database has not had yet.
fn open_trial(
    db: &Connection,
    service: ServiceId,
    dbuuid: &str,
) -> rusqlite::Result<Option<Credits>> {
    use rusqlite::OptionalExtension;
    db.prepare_cached(
        "SELECT trial_credits FROM service WHERE id = ?1 AND trial_credits > 0 \
         AND EXISTS (SELECT 1 FROM eligible_database WHERE dbuuid = ?2) \
         AND NOT EXISTS (SELECT 1 FROM trial WHERE service_id = ?1 AND dbuuid = ?2)",
    )?
    .query_row((service.0, dbuuid), |row| row::credits(row, 0))
    .optional()
}
