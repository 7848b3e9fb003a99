//! The keys that a host signs with: made on its first start, kept in its store.

use std::sync::{Arc, PoisonError, RwLock};

use stokehold_store::{Error as StoreError, Store};

use crate::app::App;
use crate::caller::Caller;
use crate::error::Error;
use crate::jws::{Jwk, Jwks, JwsError, Signer};
use crate::secret::random_bytes;

/// The key that signs, and the public parts of all.
pub(crate) struct Keyring {
    keys: RwLock<Arc<Keys>>,
}

struct Keys {
    signer: Signer,
    public: Jwks,
}

impl Keyring {
    /// Reads the keys of a store; makes the first one. `seed` are 32 random bytes.
    pub(crate) async fn load(store: &Store, seed: [u8; 32]) -> Result<Self, StoreError> {
        if store.signing_keys().await?.is_empty() {
            add(store, seed, true).await?;
        }
        Ok(Self { keys: RwLock::new(Arc::new(read(store).await?)) })
    }

    /// Signs `payload`, which is of this type.
    pub(crate) fn sign(&self, typ: &'static str, payload: &[u8]) -> String {
        self.keys().signer.sign(typ, payload)
    }

    /// Checks a text that one of the keys has signed. One whose key is not known may be signed with
    /// a key that another host has made meanwhile.
    pub(crate) async fn open(
        &self,
        store: &Store,
        typ: &'static str,
        jws: &str,
    ) -> Result<Result<Vec<u8>, JwsError>, StoreError> {
        match self.keys().public.open(typ, jws) {
            Err(JwsError::UnknownKey(_)) => {
                self.refresh(store).await?;
                Ok(self.keys().public.open(typ, jws))
            }
            opened => Ok(opened),
        }
    }

    async fn refresh(&self, store: &Store) -> Result<(), StoreError> {
        let keys = Arc::new(read(store).await?);
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
        Ok(())
    }

    fn keys(&self) -> Arc<Keys> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn add(store: &Store, seed: [u8; 32], first: bool) -> Result<String, StoreError> {
    let signer = signer(&seed)?;
    let kid = signer.kid().to_owned();
    store.add_signing_key(kid.clone(), seed, signer.public(), first).await?;
    Ok(kid)
}

async fn read(store: &Store) -> Result<Keys, StoreError> {
    let keys = store.signing_keys().await?;
    let seed = keys.iter().find_map(|key| key.seed);
    let signer = signer(&seed.ok_or_else(|| broken("there is no key"))?)?;
    let keys = keys.into_iter().map(|key| Jwk::new(key.kid, &key.public)).collect();
    Ok(Keys { signer, public: Jwks { keys } })
}

fn signer(seed: &[u8; 32]) -> Result<Signer, StoreError> {
    Signer::new(seed).ok_or_else(|| broken("a key cannot be used"))
}

fn broken(what: &str) -> StoreError {
    StoreError::Corrupt(format!("signing keys: {what}"))
}

impl App {
    /// The public parts of all keys that receipts and quotes are, or were, signed with.
    pub async fn jwks(&self) -> Result<Jwks, Error> {
        self.keyring.refresh(&self.store).await?;
        Ok(self.keyring.keys().public.clone())
    }

    /// Makes a new key, which signs from now on, and answers its name. What the others have signed
    /// stays genuine; their private parts are dropped.
    pub async fn rotate_signing_key(&self, caller: Caller) -> Result<String, Error> {
        caller.check_operator()?;
        let seed = random_bytes().map_err(|error| Error::Host(error.to_string()))?;
        let kid = add(&self.store, seed, false).await?;
        self.keyring.refresh(&self.store).await?;
        tracing::info!(kid, "a new key signs receipts and quotes");
        Ok(kid)
    }
}
