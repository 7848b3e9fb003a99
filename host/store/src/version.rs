//! Versions: uploaded components.

use stokehold_ledger::{ServiceId, Timestamp, VersionId};

use crate::db::{Db, Row, values};
use crate::error::Error;
use crate::store::Store;

/// One uploaded component of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Which version this is.
    pub id: VersionId,
    /// The service's first version is 1, its next 2.
    pub number: u32,
    /// SHA-256 of the component, hexadecimal.
    pub digest: String,
    /// The manifest, TOML, as it was uploaded.
    pub manifest: String,
    /// What a client is shown when credits run out: sanitised HTML, or nothing.
    pub credit_template: String,
    /// When it was uploaded.
    pub created_at: Timestamp,
}

/// What a new version is made with.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the fields are those of `Version`")]
pub struct NewVersion {
    pub digest: String,
    pub component: Vec<u8>,
    pub manifest: String,
    pub credit_template: String,
}

impl Store {
    /// Adds a version to a service, and makes it the active one where `activate` says so.
    ///
    /// A repeated upload of the newest version (same component, same manifest, same template)
    /// adds nothing and answers that version.
    pub async fn create_version(
        &self,
        service: ServiceId,
        new: NewVersion,
        activate: bool,
    ) -> Result<Version, Error> {
        self.write_catalogue(move |db, now| {
            let newest = load_newest(db, service)?;
            let version = match &newest {
                Some(newest) if is_same(newest, &new) => newest.clone(),
                _ => {
                    let number = newest.map_or(1, |newest| newest.number.saturating_add(1));
                    insert(db, service, number, &new, now)?
                }
            };
            if activate {
                set_active(db, service, version.id)?;
            }
            Ok(version)
        })
        .await
    }

    /// All versions of a service, the newest first.
    pub async fn versions(&self, service: ServiceId) -> Result<Vec<Version>, Error> {
        self.read(move |db| {
            let sql =
                format!("SELECT {VERSION} FROM version WHERE service_id = ?1 ORDER BY number DESC");
            db.query(&sql, values![service.0], version)
        })
        .await
    }

    /// One version, with the bytes of its component.
    pub async fn version(&self, id: VersionId) -> Result<(Version, Vec<u8>), Error> {
        self.read(move |db| {
            let sql = format!("SELECT {VERSION} FROM version WHERE id = ?1");
            let version = db.find(&sql, values![id.0], version)?;
            let version = version.ok_or(Error::NotFound("version"))?;
            let bytes = "SELECT bytes FROM component WHERE digest = ?1";
            let bytes = db.one(bytes, values![&version.digest], |row| row.get(0))?;
            Ok((version, bytes))
        })
        .await
    }

    /// Makes a version of the service the one that calls run on.
    pub async fn activate_version(
        &self,
        service: ServiceId,
        number: u32,
    ) -> Result<Version, Error> {
        self.write_catalogue(move |db, _| {
            let sql =
                format!("SELECT {VERSION} FROM version WHERE service_id = ?1 AND number = ?2");
            let found = db.find(&sql, values![service.0, number], version)?;
            let version = found.ok_or(Error::NotFound("version"))?;
            set_active(db, service, version.id)?;
            Ok(version)
        })
        .await
    }
}

const VERSION: &str = "id, number, digest, manifest, credit_template, created_at";

fn version(row: Row<'_>) -> Result<Version, Error> {
    Ok(Version {
        id: VersionId(row.get(0)?),
        number: row.get(1)?,
        digest: row.get(2)?,
        manifest: row.get(3)?,
        credit_template: row.get(4)?,
        created_at: Timestamp(row.get(5)?),
    })
}

fn is_same(newest: &Version, new: &NewVersion) -> bool {
    newest.digest == new.digest
        && newest.manifest == new.manifest
        && newest.credit_template == new.credit_template
}

fn load_newest(db: Db<'_>, service: ServiceId) -> Result<Option<Version>, Error> {
    let sql =
        format!("SELECT {VERSION} FROM version WHERE service_id = ?1 ORDER BY number DESC LIMIT 1");
    db.find(&sql, values![service.0], version)
}

fn insert(
    db: Db<'_>,
    service: ServiceId,
    number: u32,
    new: &NewVersion,
    now: Timestamp,
) -> Result<Version, Error> {
    db.execute(
        "INSERT INTO component (digest, bytes) VALUES (?1, ?2) ON CONFLICT (digest) DO NOTHING",
        values![&new.digest, &new.component],
    )?;
    let id = db.insert(
        "INSERT INTO version (service_id, number, digest, manifest, credit_template, created_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        values![service.0, number, &new.digest, &new.manifest, &new.credit_template, now.0],
    )?;
    Ok(Version {
        id: VersionId(id),
        number,
        digest: new.digest.clone(),
        manifest: new.manifest.clone(),
        credit_template: new.credit_template.clone(),
        created_at: now,
    })
}

fn set_active(db: Db<'_>, service: ServiceId, version: VersionId) -> Result<(), Error> {
    let sql = "UPDATE service SET active_version = ?2 WHERE id = ?1";
    db.execute(sql, values![service.0, version.0]).map(drop)
}
