//! The secrets of services: set by their providers, told to their guests, shown to nobody.
//!
//! In the database they are sealed with a key that is not there. In memory they are open, for the
//! next call; a change reaches all hosts with the catalogue.

mod seal;

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use stokehold_ledger::{ServiceId, Timestamp};
use stokehold_runtime::Access;
use stokehold_store::{Error as StoreError, SealedSecret, Store};

use self::seal::SealKey;
use crate::app::App;
use crate::caller::Caller;
use crate::catalogue::Active;
use crate::config::Config;
use crate::error::Error;
use crate::manifest::{Manifest, SECRET_NAME, is_secret_name};
use crate::outcome::CallFailure;
use crate::secret::{Secret, random_bytes};

/// Secrets of one service: it is a service, not a safe.
const SECRETS_MAX: u32 = 64;
/// The longest value, in bytes: the longest keys and certificates have a quarter of it.
const VALUE_BYTES_MAX: usize = 16 << 10;
/// The key file beside a database of SQLite's.
const KEY_FILE: &str = "secrets.key";

/// The secrets of all services.
pub(crate) struct Vault {
    place: KeyPlace,
    key: Mutex<Option<Arc<SealKey>>>,
    open: RwLock<HashMap<ServiceId, Arc<Values>>>,
    /// Held while they are read again, so that an older reading never replaces a newer one.
    reading: tokio::sync::Mutex<()>,
}

type Values = BTreeMap<String, String>;

/// Where the key is.
#[derive(Clone, Debug)]
pub(crate) enum KeyPlace {
    /// In memory, for as long as the host is there.
    Memory,
    /// In a file of its operator's.
    File(PathBuf),
    /// In a file that is made when it is first needed.
    Beside(PathBuf),
    /// Nobody has said where, and many hosts would need the same.
    Nowhere,
}

impl KeyPlace {
    /// Where the settings have the key of a host whose data stays.
    pub(crate) fn of(config: &Config) -> Self {
        match (&config.secrets.key_file, config.store.is_shared()) {
            (Some(path), _) => Self::File(path.clone()),
            (None, false) => Self::Beside(config.store.data.join(KEY_FILE)),
            (None, true) => Self::Nowhere,
        }
    }

    /// The key, where there is one yet.
    fn key(&self) -> io::Result<Option<SealKey>> {
        match self {
            Self::Memory => Ok(random_bytes().ok().as_ref().and_then(SealKey::new)),
            Self::File(path) => SealKey::read(path).map(Some).map_err(|error| at(path, &error)),
            Self::Beside(path) if path.exists() => {
                SealKey::read(path).map(Some).map_err(|error| at(path, &error))
            }
            Self::Beside(_) | Self::Nowhere => Ok(None),
        }
    }
}

fn at(path: &std::path::Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("the key of the secrets, {}: {error}", path.display()))
}

impl Vault {
    /// Reads the key, and opens what is stored. An error says why this host cannot have secrets.
    pub(crate) async fn load(store: &Store, place: KeyPlace) -> Result<Self, VaultError> {
        let key = place.key().map_err(VaultError::Key)?.map(Arc::new);
        let (open, reading) = (RwLock::default(), tokio::sync::Mutex::default());
        let vault = Self { place, key: Mutex::new(key), open, reading };
        let count = vault.refresh(store).await?;
        if count > 0 && matches!(vault.place, KeyPlace::Nowhere) {
            return Err(VaultError::Nowhere);
        }
        Ok(vault)
    }

    /// Reads the secrets again after a change. Answers how many there are.
    pub(crate) async fn refresh(&self, store: &Store) -> Result<usize, StoreError> {
        let _reading = self.reading.lock().await;
        let sealed = store.sealed_secrets().await?;
        let key = self.known_key();
        let mut open: HashMap<ServiceId, Values> = HashMap::new();
        for SealedSecret { service, name, sealed, .. } in &sealed {
            let Some(value) = key.as_ref().and_then(|key| key.open(*service, name, sealed)) else {
                tracing::error!(
                    service = service.0,
                    secret = name,
                    "a secret was sealed with another key: bring that, or set the secret again"
                );
                continue;
            };
            open.entry(*service).or_default().insert(name.clone(), value);
        }
        let open = open.into_iter().map(|(service, values)| (service, Arc::new(values))).collect();
        *self.open.write().unwrap_or_else(PoisonError::into_inner) = open;
        Ok(sealed.len())
    }

    /// Those of one service.
    fn of(&self, service: ServiceId) -> Arc<Values> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        open.get(&service).cloned().unwrap_or_default()
    }

    fn known_key(&self) -> Option<Arc<SealKey>> {
        self.key.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The key; makes the first one where this host may.
    fn key(&self) -> Result<Arc<SealKey>, Error> {
        let mut key = self.key.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = &*key {
            return Ok(key.clone());
        }
        let KeyPlace::Beside(path) = &self.place else {
            return Err(Error::Conflict(NO_KEY.into()));
        };
        let made =
            SealKey::make(path).map_err(|error| Error::Host(at(path, &error).to_string()))?;
        tracing::info!(path = %path.display(), "made the key of the secrets: a backup needs it, too");
        Ok(key.insert(Arc::new(made)).clone())
    }
}

const NO_KEY: &str = "this host has no key to seal secrets with, and on PostgreSQL every host needs \
                      the same: its operator sets secrets.key_file";

/// Why the secrets of services cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// Its key cannot be read.
    #[error("{0}")]
    Key(io::Error),
    /// There are secrets, and nobody says where their key is.
    #[error("services have secrets, and {NO_KEY}")]
    Nowhere,
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl App {
    /// What a call of a version may reach, its secrets included as they are now.
    pub(crate) fn access(
        &self,
        service: ServiceId,
        active: &Active,
    ) -> Result<Access, CallFailure> {
        let mut access = active.access.clone();
        if !active.manifest.secrets.is_empty() {
            let values = self.vault.of(service);
            if let Some(name) = missing(&active.manifest, &values).next() {
                return Err(CallFailure::NoSecret(name.to_owned()));
            }
            let names = &active.manifest.secrets;
            let named = values.iter().filter(|(name, _)| names.contains(name));
            access.secrets =
                Arc::new(named.map(|(name, value)| (name.clone(), value.clone())).collect());
        }
        Ok(access)
    }

    /// The secrets that a manifest names and that have no value.
    pub(crate) fn missing_secrets(&self, service: ServiceId, manifest: &Manifest) -> Vec<String> {
        missing(manifest, &self.vault.of(service)).map(str::to_owned).collect()
    }

    /// The names of a service's secrets, and when each was set.
    pub async fn secrets(
        &self,
        caller: Caller,
        service: &str,
    ) -> Result<Vec<(String, Timestamp)>, Error> {
        let id = self.managed(caller, service)?.service.id;
        let all = self.store.sealed_secrets().await?.into_iter();
        let own = all.filter(|secret| secret.service == id);
        Ok(own.map(|secret| (secret.name, secret.set_at)).collect())
    }

    /// Sets a secret of a service. The next call is told it, on every host within a second.
    pub async fn set_secret(
        &self,
        caller: Caller,
        service: &str,
        name: &str,
        value: &Secret,
    ) -> Result<(), Error> {
        let id = self.managed(caller, service)?.service.id;
        check(name, value.reveal()).map_err(Error::invalid)?;
        let sealed = self.vault.key()?.seal(id, name, value.reveal());
        let sealed = sealed.ok_or_else(|| Error::Host("a secret cannot be sealed".into()))?;
        if !self.store.set_secret(id, name.to_owned(), sealed, SECRETS_MAX).await? {
            return Err(Error::Conflict(format!(
                "a service has {SECRETS_MAX} secrets at the most"
            )));
        }
        self.vault.refresh(&self.store).await?;
        tracing::info!(service, secret = name, "secret set");
        Ok(())
    }

    /// Drops a secret of a service.
    pub async fn delete_secret(
        &self,
        caller: Caller,
        service: &str,
        name: &str,
    ) -> Result<(), Error> {
        let id = self.managed(caller, service)?.service.id;
        self.store.delete_secret(id, name.to_owned()).await?;
        self.vault.refresh(&self.store).await?;
        tracing::info!(service, secret = name, "secret deleted");
        Ok(())
    }
}

fn missing<'a>(manifest: &'a Manifest, values: &Values) -> impl Iterator<Item = &'a str> {
    let names = manifest.secrets.iter();
    names.filter(|name| !values.contains_key(*name)).map(String::as_str)
}

/// What is wrong with a secret. The value is not quoted.
fn check(name: &str, value: &str) -> Result<(), String> {
    if !is_secret_name(name) {
        return Err(format!("the name of a secret has {SECRET_NAME}"));
    }
    if value.is_empty() || value.len() > VALUE_BYTES_MAX {
        return Err(format!("a secret has 1 to {VALUE_BYTES_MAX} bytes"));
    }
    Ok(())
}
