//! Trial credits: once for each service and database, for ever.

use std::sync::Arc;

use stokehold_ledger::{AccountToken, Credits, ServiceId, Source, Timestamp};

use crate::account::{ensure_account, grant};
use crate::db::{Db, values};
use crate::error::Error;
use crate::op::{Op, Wanted};
use crate::posting::Cause;
use crate::row;
use crate::store::Store;
use crate::working_set::WorkingSet;

/// A use of a service, which may be a database's first.
#[derive(Clone, Copy)]
pub(crate) struct Use<'a> {
    pub(crate) service: ServiceId,
    pub(crate) token: &'a AccountToken,
    pub(crate) dbuuid: Option<&'a str>,
}

/// A request that uses a service.
pub(crate) trait Uses: Send + Sync + 'static {
    /// The use that it makes.
    fn usage(&self) -> Use<'_>;
}

impl Use<'_> {
    /// Names the rows that tell whether trial credits come first.
    pub(crate) fn want(&self, wanted: &mut Wanted) {
        if let Some(dbuuid) = self.database() {
            wanted.trials.push((self.service, dbuuid.to_owned()));
        }
    }

    /// Whether trial credits come first.
    pub(crate) fn has_trial(&self, rows: &WorkingSet) -> bool {
        self.database().is_some_and(|dbuuid| rows.has_trial(self.service, dbuuid))
    }

    fn database(&self) -> Option<&str> {
        self.dbuuid.filter(|_| self.token.is_chargeable())
    }
}

impl Store {
    /// Lets a database have trial credits, or no longer. What it had it keeps.
    pub async fn set_eligible(&self, dbuuid: String, eligible: bool) -> Result<(), Error> {
        self.write(move |db, now| {
            if eligible {
                db.execute(
                    "INSERT INTO eligible_database (dbuuid, created_at) VALUES (?1, ?2) \
                     ON CONFLICT (dbuuid) DO NOTHING",
                    values![&dbuuid, now.0],
                )?;
                return Ok(());
            }
            let removed = "DELETE FROM eligible_database WHERE dbuuid = ?1";
            let removed = db.execute(removed, values![&dbuuid])?;
            if removed == 0 { Err(Error::NotFound("eligible database")) } else { Ok(()) }
        })
        .await
    }

    /// Submits an operation that answers `None` where trial credits come before it: then grants
    /// them, and submits it once more. `op` makes it, and is told whether a trial is to be looked
    /// for: the second time it is not, for where the account has no room for it, it waits.
    pub(crate) async fn submit_use<N, O, T>(
        &self,
        new: Arc<N>,
        op: impl Fn(Arc<N>, bool) -> O,
    ) -> Result<T, Error>
    where
        N: Uses,
        O: Op<Answer = Option<T>>,
        T: Send,
    {
        let may_have_trial = new.usage().database().is_some();
        if let Some(answer) = self.submit(op(new.clone(), may_have_trial)).await? {
            return Ok(answer);
        }
        let first = new.clone();
        match self.write(move |db, now| grant_trial(db, first.usage(), now)).await {
            // The account has no room for them: they wait for a later use.
            Ok(()) | Err(Error::Refused(_)) => {}
            Err(error) => return Err(error),
        }
        let answer = self.submit(op(new, false)).await?;
        answer.ok_or_else(|| Error::Corrupt("a trial that was granted is still open".into()))
    }
}

/// Grants the service's trial credits where this is the first use by an eligible database.
fn grant_trial(db: Db<'_>, first: Use<'_>, now: Timestamp) -> Result<(), Error> {
    let (service, Some(dbuuid)) = (first.service, first.database()) else { return Ok(()) };
    let Some(credits) = open_trial(db, service, dbuuid)? else { return Ok(()) };
    let account = ensure_account(db, service, &first.token.into(), now)?;
    grant(db, &account, (credits, Source::Trial), Cause::default(), now)?;
    db.execute(
        "INSERT INTO trial (service_id, dbuuid, account_id, at) VALUES (?1, ?2, ?3, ?4)",
        values![service.0, dbuuid, account.id.0, now.0],
    )?;
    Ok(())
}

/// The trial credits that this database has not had yet.
pub(crate) fn open_trial(
    db: Db<'_>,
    service: ServiceId,
    dbuuid: &str,
) -> Result<Option<Credits>, Error> {
    db.find(
        "SELECT trial_credits FROM service WHERE id = ?1 AND trial_credits > 0 \
         AND EXISTS (SELECT 1 FROM eligible_database WHERE dbuuid = ?2) \
         AND NOT EXISTS (SELECT 1 FROM trial WHERE service_id = ?1 AND dbuuid = ?2)",
        values![service.0, dbuuid],
        |row| row::credits(row, 0),
    )
}
