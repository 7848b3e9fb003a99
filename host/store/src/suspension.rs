//! Versions that are suspended because call after call of theirs has failed.

use stokehold_ledger::{Timestamp, VersionId};

use crate::db::{Row, values};
use crate::error::Error;
use crate::store::Store;

/// Why a version takes no calls for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspension {
    /// The class of the last failure.
    pub outcome: String,
    /// How many calls in a row have failed.
    pub failures: u32,
    /// Since when; a trial call that failed begins it anew.
    pub since: Timestamp,
}

impl Store {
    /// The versions that are suspended.
    pub async fn suspensions(&self) -> Result<Vec<(VersionId, Suspension)>, Error> {
        self.read(|db| {
            let sql = "SELECT version_id, outcome, failures, since FROM suspension";
            db.query(sql, &[], suspension)
        })
        .await
    }

    /// Suspends a version, or keeps it suspended: on every host, as a change of the catalogue.
    pub async fn suspend_version(
        &self,
        version: VersionId,
        suspension: Suspension,
    ) -> Result<(), Error> {
        self.write_catalogue(move |db, _| {
            let Suspension { outcome, failures, since } = &suspension;
            db.execute(
                "INSERT INTO suspension (version_id, outcome, failures, since) \
                 VALUES (?1, ?2, ?3, ?4) ON CONFLICT (version_id) DO UPDATE \
                 SET outcome = excluded.outcome, failures = excluded.failures, \
                 since = excluded.since",
                values![version.0, outcome, *failures, since.0],
            )
            .map(drop)
        })
        .await
    }

    /// Lets a version take calls again.
    pub async fn resume_version(&self, version: VersionId) -> Result<(), Error> {
        self.write_catalogue(move |db, _| {
            let sql = "DELETE FROM suspension WHERE version_id = ?1";
            db.execute(sql, values![version.0]).map(drop)
        })
        .await
    }
}

fn suspension(row: Row<'_>) -> Result<(VersionId, Suspension), Error> {
    let suspension =
        Suspension { outcome: row.get(1)?, failures: row.get(2)?, since: Timestamp(row.get(3)?) };
    Ok((VersionId(row.get(0)?), suspension))
}
