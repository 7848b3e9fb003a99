//! Services and their packs.

use stokehold_ledger::{
    BasisPoints, Cents, Credits, PackId, ServiceId, Timestamp, TokenId, VersionId,
};

use crate::db::{Db, Row, values};
use crate::error::Error;
use crate::row;
use crate::store::Store;

/// A service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Which service this is.
    pub id: ServiceId,
    /// Its unique technical name, such as `coalroller`.
    pub name: String,
    /// Its unique name for people.
    pub label: String,
    /// What one credit is called.
    pub unit: String,
    /// What it does, in words.
    pub description: String,
    /// Where its privacy policy stands.
    pub privacy_policy: String,
    /// What an eligible database gets on its first use.
    pub trial_credits: Credits,
    /// The operator's share of each sale.
    pub commission: BasisPoints,
    /// Whether it may be used.
    pub status: ServiceStatus,
    /// SHA-256 of the service key.
    pub key_hash: [u8; 32],
    /// The API token that made it.
    pub owner: Option<TokenId>,
    /// The version that calls run on.
    pub active_version: Option<VersionId>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Whether a service may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceStatus {
    /// It waits for the operator's approval.
    Pending,
    /// It may be used.
    Active,
    /// The operator has stopped it.
    Suspended,
}

impl ServiceStatus {
    /// The status's name in the API and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Suspended => "suspended",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        let all = [Self::Pending, Self::Active, Self::Suspended];
        all.into_iter().find(|status| status.as_str() == name)
    }
}

/// What a new service is made with.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the fields are those of `Service`")]
pub struct NewService {
    pub name: String,
    pub label: String,
    pub unit: String,
    pub description: String,
    pub privacy_policy: String,
    pub trial_credits: Credits,
    pub commission: BasisPoints,
    pub status: ServiceStatus,
    pub key_hash: [u8; 32],
    pub owner: Option<TokenId>,
}

/// What is to be changed about a service. `None` leaves a thing as it is.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "the fields are those of `Service`")]
pub struct ServiceChange {
    pub label: Option<String>,
    pub unit: Option<String>,
    pub description: Option<String>,
    pub privacy_policy: Option<String>,
    pub trial_credits: Option<Credits>,
    pub commission: Option<BasisPoints>,
}

/// Credits at a price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pack {
    /// Unique across all services.
    pub id: PackId,
    /// Whose credits it sells.
    pub service: ServiceId,
    /// Its name for people.
    pub name: String,
    /// What it is, in words.
    pub description: String,
    /// How many credits.
    pub credits: Credits,
    /// What they cost together.
    pub price: Cents,
}

/// What is to be changed about a pack. `None` leaves a thing as it is.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "the fields are those of `Pack`")]
pub struct PackChange {
    pub name: Option<String>,
    pub description: Option<String>,
    pub credits: Option<Credits>,
    pub price: Option<Cents>,
}

/// What a new pack is made with.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the fields are those of `Pack`")]
pub struct NewPack {
    pub name: String,
    pub description: String,
    pub credits: Credits,
    pub price: Cents,
}

impl Store {
    /// A number that rises with every change of what a host keeps of the catalogue in memory:
    /// services, their keys, and which version is active.
    pub async fn catalogue_version(&self) -> Result<i64, Error> {
        self.read(|db| db.one("SELECT catalogue FROM instance", &[], |row| row.get(0))).await
    }

    /// Queues a cold write that changes what hosts keep of the catalogue in memory.
    pub(crate) async fn write_catalogue<F, T>(&self, mut work: F) -> Result<T, Error>
    where
        F: FnMut(Db<'_>, Timestamp) -> Result<T, Error> + Send + 'static,
        T: Send + 'static,
    {
        self.write(move |db, now| {
            let done = work(db, now)?;
            db.execute("UPDATE instance SET catalogue = catalogue + 1", &[])?;
            Ok(done)
        })
        .await
    }

    /// Adds a service. Its name and its label have to be unique.
    pub async fn create_service(&self, new: NewService) -> Result<Service, Error> {
        self.write_catalogue(move |db, now| {
            for (column, value) in [("name", &new.name), ("label", &new.label)] {
                let sql = format!("SELECT 1 FROM service WHERE {column} = ?1");
                if db.exists(&sql, values![value])? {
                    return Err(Error::Taken(if column == "name" { "name" } else { "label" }));
                }
            }
            db.execute(
                "INSERT INTO service (name, label, unit, description, privacy_policy, \
                 trial_credits, commission_bp, status, key_hash, owner_id, created_at) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
                values![
                    &new.name,
                    &new.label,
                    &new.unit,
                    &new.description,
                    &new.privacy_policy,
                    new.trial_credits.micros(),
                    new.commission.points(),
                    new.status.as_str(),
                    &new.key_hash,
                    new.owner.map(|owner| owner.0),
                    now.0
                ],
            )?;
            load_service(db, &new.name)?.ok_or(Error::NotFound("service"))
        })
        .await
    }

    /// The service of this name.
    pub async fn service(&self, name: String) -> Result<Option<Service>, Error> {
        self.read(move |db| load_service(db, &name)).await
    }

    /// All services, by name.
    pub async fn services(&self) -> Result<Vec<Service>, Error> {
        self.read(|db| {
            let sql = format!("SELECT {SERVICE} FROM service ORDER BY name");
            db.query(&sql, &[], service)
        })
        .await
    }

    /// Changes what a service says of itself. Orders and holds keep the terms they were made on.
    pub async fn change_service(&self, id: ServiceId, change: ServiceChange) -> Result<(), Error> {
        self.write_catalogue(move |db, _| {
            let taken = "SELECT 1 FROM service WHERE label = ?1 AND id <> ?2";
            if db.exists(taken, values![change.label.as_deref(), id.0])? {
                return Err(Error::Taken("label"));
            }
            changed(db.execute(
                "UPDATE service SET label = coalesce(?2, label), unit = coalesce(?3, unit), \
                 description = coalesce(?4, description), \
                 privacy_policy = coalesce(?5, privacy_policy), \
                 trial_credits = coalesce(?6, trial_credits), \
                 commission_bp = coalesce(?7, commission_bp) WHERE id = ?1",
                values![
                    id.0,
                    change.label.as_deref(),
                    change.unit.as_deref(),
                    change.description.as_deref(),
                    change.privacy_policy.as_deref(),
                    change.trial_credits.map(Credits::micros),
                    change.commission.map(BasisPoints::points)
                ],
            )?)
        })
        .await
    }

    /// Lets a service be used, or stops it.
    pub async fn set_service_status(
        &self,
        id: ServiceId,
        status: ServiceStatus,
    ) -> Result<(), Error> {
        self.write_catalogue(move |db, _| {
            let sql = "UPDATE service SET status = ?2 WHERE id = ?1";
            changed(db.execute(sql, values![id.0, status.as_str()])?)
        })
        .await
    }

    /// Replaces a service's key: the old one stops working at once. `hash` is the SHA-256 of the
    /// new one.
    pub async fn set_service_key(&self, id: ServiceId, hash: [u8; 32]) -> Result<(), Error> {
        self.write_catalogue(move |db, _| {
            let sql = "UPDATE service SET key_hash = ?2 WHERE id = ?1";
            changed(db.execute(sql, values![id.0, &hash])?)
        })
        .await
    }

    /// Adds a pack to a service.
    pub async fn create_pack(&self, id: ServiceId, new: NewPack) -> Result<Pack, Error> {
        self.write(move |db, now| {
            let micros = new.credits.micros();
            let pack = db.insert(
                "INSERT INTO pack (service_id, name, description, credits, price_cents, created_at) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                values![id.0, &new.name, &new.description, micros, new.price.0, now.0],
            )?;
            Ok(Pack {
                id: PackId(pack),
                service: id,
                name: new.name.clone(),
                description: new.description.clone(),
                credits: new.credits,
                price: new.price,
            })
        })
        .await
    }

    /// Changes a pack of a service. Orders keep the terms they were made on.
    pub async fn change_pack(
        &self,
        service: ServiceId,
        id: PackId,
        change: PackChange,
    ) -> Result<Pack, Error> {
        self.write(move |db, _| {
            db.execute(
                "UPDATE pack SET name = coalesce(?3, name), \
                 description = coalesce(?4, description), credits = coalesce(?5, credits), \
                 price_cents = coalesce(?6, price_cents) WHERE id = ?1 AND service_id = ?2",
                values![
                    id.0,
                    service.0,
                    change.name.as_deref(),
                    change.description.as_deref(),
                    change.credits.map(Credits::micros),
                    change.price.map(|price| price.0)
                ],
            )?;
            let pack = load_pack(db, id)?.filter(|pack| pack.service == service);
            pack.ok_or(Error::NotFound("pack"))
        })
        .await
    }

    /// Takes a pack out of sale.
    pub async fn delete_pack(&self, service: ServiceId, id: PackId) -> Result<(), Error> {
        self.write(move |db, _| {
            let sql = "DELETE FROM pack WHERE id = ?1 AND service_id = ?2";
            let deleted = db.execute(sql, values![id.0, service.0])?;
            if deleted == 0 { Err(Error::NotFound("pack")) } else { Ok(()) }
        })
        .await
    }

    /// The packs of a service, the oldest first.
    pub async fn packs(&self, id: ServiceId) -> Result<Vec<Pack>, Error> {
        self.read(move |db| {
            let sql = format!("SELECT {PACK} FROM pack WHERE service_id = ?1 ORDER BY id");
            db.query(&sql, values![id.0], pack)
        })
        .await
    }
}

fn changed(rows: usize) -> Result<(), Error> {
    if rows == 0 { Err(Error::NotFound("service")) } else { Ok(()) }
}

const SERVICE: &str = "id, name, label, unit, description, privacy_policy, trial_credits, \
                       commission_bp, status, key_hash, owner_id, active_version, created_at";

pub(crate) fn load_service(db: Db<'_>, name: &str) -> Result<Option<Service>, Error> {
    db.find(&format!("SELECT {SERVICE} FROM service WHERE name = ?1"), values![name], service)
}

fn service(row: Row<'_>) -> Result<Service, Error> {
    Ok(Service {
        id: ServiceId(row.get(0)?),
        name: row.get(1)?,
        label: row.get(2)?,
        unit: row.get(3)?,
        description: row.get(4)?,
        privacy_policy: row.get(5)?,
        trial_credits: row::credits(row, 6)?,
        commission: row::known(row.get(7)?, BasisPoints::new(row.get(7)?))?,
        status: row.known(8, ServiceStatus::parse)?,
        key_hash: row.get(9)?,
        owner: row.get::<Option<i64>>(10)?.map(TokenId),
        active_version: row.get::<Option<i64>>(11)?.map(VersionId),
        created_at: Timestamp(row.get(12)?),
    })
}

const PACK: &str = "id, service_id, name, description, credits, price_cents";

pub(crate) fn load_pack(db: Db<'_>, id: PackId) -> Result<Option<Pack>, Error> {
    db.find(&format!("SELECT {PACK} FROM pack WHERE id = ?1"), values![id.0], pack)
}

fn pack(row: Row<'_>) -> Result<Pack, Error> {
    Ok(Pack {
        id: PackId(row.get(0)?),
        service: ServiceId(row.get(1)?),
        name: row.get(2)?,
        description: row.get(3)?,
        credits: row::credits(row, 4)?,
        price: Cents(row.get(5)?),
    })
}
