//! The services as they stand, in memory: what every call looks up first.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, Weak};

use stokehold_ledger::{ServiceId, VersionId};
use stokehold_runtime::{Access, Network, Outbound};
use stokehold_store::{Error as StoreError, Service, ServiceStatus, Store, Version};
use subtle::ConstantTimeEq;
use tokio::sync::Mutex;

use crate::error::Error;
use crate::key_value::KeyValues;
use crate::manifest::Manifest;

/// A service with what calls run on.
pub(crate) struct Live {
    pub(crate) service: Service,
    pub(crate) active: Option<Arc<Active>>,
}

/// The active version of a service.
pub(crate) struct Active {
    pub(crate) version: Version,
    pub(crate) manifest: Manifest,
    /// What its calls may reach; their secrets are added to each.
    pub(crate) access: Access,
}

/// What the services of a host may reach.
pub(crate) struct Reach {
    network: Arc<Network>,
    key_values: Arc<KeyValues>,
}

impl Reach {
    pub(crate) fn new(network: Network, key_values: KeyValues) -> Self {
        Self { network: Arc::new(network), key_values: Arc::new(key_values) }
    }

    fn access(&self, service: ServiceId, manifest: &Manifest) -> Access {
        let outbound = || Outbound::new(self.network.clone(), manifest.outbound.clone());
        Access {
            config: Arc::new(manifest.config.clone()),
            secrets: Arc::default(),
            key_values: Some(self.key_values.of(service)),
            outbound: (!manifest.outbound.is_empty()).then(|| Arc::new(outbound())),
        }
    }
}

/// All services, by name and by the hash of their key.
pub(crate) struct Catalogue {
    services: RwLock<Index>,
    reach: Reach,
    /// Held while a service is read again after a change, so that an older reading never replaces
    /// a newer one.
    changing: Mutex<()>,
    /// Of the catalogue when it was last read as a whole; a stored one is never negative.
    version: AtomicI64,
    /// Versions that calls still wait for.
    waited_for: Mutex<HashMap<VersionId, Weak<Active>>>,
}

#[derive(Default)]
struct Index {
    by_name: HashMap<String, Arc<Live>>,
    by_key: HashMap<Handle, Arc<Live>>,
}

/// The first 16 bytes of a key's hash: no two keys share them, and they tell nothing of the key.
type Handle = [u8; 16];

fn handle(hash: &[u8; 32]) -> Handle {
    hash[..16].try_into().unwrap_or_default()
}

impl Catalogue {
    pub(crate) async fn load(store: &Store, reach: Reach) -> Result<Self, StoreError> {
        let catalogue = Self {
            services: RwLock::default(),
            reach,
            changing: Mutex::default(),
            version: AtomicI64::new(-1),
            waited_for: Mutex::default(),
        };
        if let Some(version) = catalogue.catch_up(store).await? {
            catalogue.caught_up(version);
        }
        Ok(catalogue)
    }

    /// Reads again what has changed, where anything has: another host may have done it. Answers the
    /// version that it has read then, which counts once [`Catalogue::caught_up`] is told it.
    pub(crate) async fn catch_up(&self, store: &Store) -> Result<Option<i64>, StoreError> {
        // What changes after this was read is read again the next time.
        let version = store.catalogue_version().await?;
        if self.version.load(Ordering::Relaxed) == version {
            return Ok(None);
        }
        let _changing = self.changing.lock().await;
        for service in store.services().await? {
            let known = self.by_name(&service.name);
            if known.as_ref().is_some_and(|known| known.service == service) {
                continue;
            }
            let active = known.and_then(|known| known.active.clone());
            self.insert(Arc::new(live(store, &self.reach, service, active).await?));
        }
        Ok(Some(version))
    }

    /// All that belongs to a version has been read, here and elsewhere.
    pub(crate) fn caught_up(&self, version: i64) {
        self.version.store(version, Ordering::Relaxed);
    }

    pub(crate) fn by_name(&self, name: &str) -> Option<Arc<Live>> {
        self.services.read().unwrap_or_else(PoisonError::into_inner).by_name.get(name).cloned()
    }

    /// The service of a key, by the key's hash. The first bytes of the hash find it, the rest is
    /// compared in constant time.
    pub(crate) fn by_key(&self, hash: &[u8; 32]) -> Option<Arc<Live>> {
        let services = self.services.read().unwrap_or_else(PoisonError::into_inner);
        let live = services.by_key.get(&handle(hash))?;
        bool::from(live.service.key_hash.ct_eq(hash)).then(|| live.clone())
    }

    pub(crate) fn by_id(&self, id: ServiceId) -> Option<Arc<Live>> {
        let services = self.services.read().unwrap_or_else(PoisonError::into_inner);
        services.by_name.values().find(|live| live.service.id == id).cloned()
    }

    /// The services that may be used, by name.
    pub(crate) fn active(&self) -> Vec<Service> {
        let services = self.services.read().unwrap_or_else(PoisonError::into_inner);
        let all = services.by_name.values().map(|live| &live.service);
        let mut active: Vec<_> =
            all.filter(|service| service.status == ServiceStatus::Active).cloned().collect();
        active.sort_by(|one, other| one.name.cmp(&other.name));
        active
    }

    /// A version, active or not, for a call that was begun on it.
    pub(crate) async fn version(
        &self,
        store: &Store,
        service: ServiceId,
        id: VersionId,
    ) -> Result<Arc<Active>, StoreError> {
        if let Some(active) = self.active_version(id) {
            return Ok(active);
        }
        let mut waited_for = self.waited_for.lock().await;
        if let Some(known) = waited_for.get(&id).and_then(Weak::upgrade) {
            return Ok(known);
        }
        let active = Arc::new(active(store, &self.reach, service, id).await?);
        waited_for.retain(|_, known| known.strong_count() > 0);
        waited_for.insert(id, Arc::downgrade(&active));
        Ok(active)
    }

    fn active_version(&self, id: VersionId) -> Option<Arc<Active>> {
        let services = self.services.read().unwrap_or_else(PoisonError::into_inner);
        let mut active = services.by_name.values().filter_map(|live| live.active.as_ref());
        active.find(|active| active.version.id == id).cloned()
    }

    /// The number of the version that calls of a service run on.
    pub(crate) fn active_number(&self, name: &str) -> Option<u32> {
        self.by_name(name)?.active.as_ref().map(|active| active.version.number)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.services.read().unwrap_or_else(PoisonError::into_inner).by_name.is_empty()
    }

    /// Reads a service again after a change.
    pub(crate) async fn refresh(&self, store: &Store, name: &str) -> Result<Arc<Live>, Error> {
        let _changing = self.changing.lock().await;
        let service = store.service(name.to_owned()).await?.ok_or(Error::NotFound("service"))?;
        let known = self.by_name(name);
        let active = known.as_ref().and_then(|live| live.active.clone());
        let fresh = Arc::new(live(store, &self.reach, service, active).await?);
        self.insert(fresh.clone());
        Ok(fresh)
    }

    fn insert(&self, live: Arc<Live>) {
        let mut services = self.services.write().unwrap_or_else(PoisonError::into_inner);
        let known = services.by_name.insert(live.service.name.clone(), live.clone());
        if let Some(known) = known {
            services.by_key.remove(&handle(&known.service.key_hash));
        }
        services.by_key.insert(handle(&live.service.key_hash), live);
    }
}

/// A service with its active version; `known` is reused where it still is that version.
async fn live(
    store: &Store,
    reach: &Reach,
    service: Service,
    known: Option<Arc<Active>>,
) -> Result<Live, StoreError> {
    let active = match (service.active_version, known) {
        (Some(id), Some(known)) if known.version.id == id => Some(known),
        (Some(id), _) => Some(Arc::new(active(store, reach, service.id, id).await?)),
        (None, _) => None,
    };
    Ok(Live { service, active })
}

async fn active(
    store: &Store,
    reach: &Reach,
    service: ServiceId,
    id: VersionId,
) -> Result<Active, StoreError> {
    let versions = store.versions(service).await?;
    let version = versions.into_iter().find(|version| version.id == id);
    let version = version.ok_or(StoreError::NotFound("version"))?;
    let manifest = Manifest::parse(Manifest::FILE_NAME, &version.manifest)
        .map_err(|error| StoreError::Corrupt(error.to_string()))?;
    let access = reach.access(service, &manifest);
    Ok(Active { version, manifest, access })
}
