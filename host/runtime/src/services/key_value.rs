//! `wasi:keyvalue`: a little state for each service.

use std::pin::Pin;
use std::sync::Arc;

use wasmtime::component::{HasData, Linker, Resource, ResourceTable};

use super::bindings::wasi::keyvalue::store::{Error, KeyResponse};
use super::bindings::wasi::keyvalue::{atomics, batch, store};
use crate::bill::Bill;
use crate::instance::State;
use crate::price_list::HostCall;

/// The longest key, in bytes: a path or a hash, not a document.
const KEY_BYTES_MAX: usize = 512;
/// The longest value, in bytes: state, not files.
const VALUE_BYTES_MAX: usize = 64 << 10;
/// Keys that are listed at a time, or come in one call of `batch`: a call is paid for when it
/// returns, so what one can do is bounded.
const KEYS_AT_ONCE_MAX: usize = 100;

/// What a key that is listed costs beside its own bytes, in bytes, and one that is passed on the way
/// to those: measured, see `bench prices`.
const LISTED_BYTES: usize = 500;
const PASSED_BYTES: usize = 16;

/// What a store of keys answers in the end.
pub type KeyValueFuture<'a, T> =
    Pin<Box<dyn Future<Output = Result<T, KeyValueError>> + Send + 'a>>;

/// Why a store of keys did not do as asked. Guests see the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct KeyValueError(pub String);

/// The keys and values of one service. Implementations bound how much they keep; a change is there
/// to stay once its future has ended.
pub trait KeyValue: Send + Sync {
    /// The value of a key.
    fn get(&self, key: String) -> KeyValueFuture<'_, Option<Vec<u8>>>;
    /// Sets the value of a key.
    fn set(&self, key: String, value: Vec<u8>) -> KeyValueFuture<'_, ()>;
    /// Removes a key; it need not exist.
    fn delete(&self, key: String) -> KeyValueFuture<'_, ()>;
    /// Adds to the decimal number that is a key's value, 0 where there is none, at once.
    fn increment(&self, key: String, delta: u64) -> KeyValueFuture<'_, u64>;
    /// Up to `count` keys in their order, without the first `skip`.
    fn keys(&self, skip: usize, count: usize) -> KeyValueFuture<'_, Vec<String>>;
}

/// A guest's handle to its service's keys.
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct Bucket(Arc<dyn KeyValue>);

struct HasKeyValues;

impl HasData for HasKeyValues {
    type Data<'a> = KeyValues<'a>;
}

struct KeyValues<'a> {
    table: &'a mut ResourceTable,
    values: Option<Arc<dyn KeyValue>>,
    bill: Bill,
}

fn key_values_of(state: &mut State) -> KeyValues<'_> {
    let (values, bill) = (state.access.key_values.clone(), state.bill.clone());
    KeyValues { table: &mut state.serve(HostCall::KeyValue).table, values, bill }
}

pub(super) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    store::add_to_linker::<_, HasKeyValues>(linker, key_values_of)?;
    atomics::add_to_linker::<_, HasKeyValues>(linker, key_values_of)?;
    batch::add_to_linker::<_, HasKeyValues>(linker, key_values_of)
}

type Answer<T> = wasmtime::Result<Result<T, Error>>;

impl From<KeyValueError> for Error {
    fn from(error: KeyValueError) -> Self {
        Error::Other(error.0)
    }
}

impl KeyValues<'_> {
    /// The bucket's store, once the key is known to be one.
    fn bucket(&self, bucket: &Resource<Bucket>) -> wasmtime::Result<Arc<dyn KeyValue>> {
        Ok(Arc::clone(&self.table.get(bucket)?.0))
    }

    /// Bills a key and its value, and refuses what is too long.
    fn check(&self, key: &str, value: &[u8]) -> Result<(), Error> {
        self.bill.add_units(HostCall::KeyValue, key.len().saturating_add(value.len()));
        for (what, bytes, max) in
            [("key", key.len(), KEY_BYTES_MAX), ("value", value.len(), VALUE_BYTES_MAX)]
        {
            if bytes > max {
                return Err(Error::Other(format!(
                    "the {what} has {bytes} bytes; the limit is {max}"
                )));
            }
        }
        Ok(())
    }

    async fn read(&mut self, bucket: &Resource<Bucket>, key: String) -> Answer<Option<Vec<u8>>> {
        let bucket = self.bucket(bucket)?;
        if let Err(error) = self.check(&key, &[]) {
            return Ok(Err(error));
        }
        let value = bucket.get(key).await;
        let bytes = value.as_ref().ok().and_then(Option::as_ref).map_or(0, Vec::len);
        self.bill.add_units(HostCall::KeyValue, bytes);
        Ok(value.map_err(Error::from))
    }

    async fn write(
        &mut self,
        bucket: &Resource<Bucket>,
        key: String,
        value: Vec<u8>,
    ) -> Answer<()> {
        let bucket = self.bucket(bucket)?;
        if let Err(error) = self.check(&key, &value) {
            return Ok(Err(error));
        }
        self.bill.add(HostCall::KeyValueWrite, key.len().saturating_add(value.len()));
        Ok(bucket.set(key, value).await.map_err(Error::from))
    }

    async fn remove(&mut self, bucket: &Resource<Bucket>, key: String) -> Answer<()> {
        let bucket = self.bucket(bucket)?;
        if let Err(error) = self.check(&key, &[]) {
            return Ok(Err(error));
        }
        self.bill.add(HostCall::KeyValueWrite, key.len());
        Ok(bucket.delete(key).await.map_err(Error::from))
    }
}

/// Refuses a batch that is too long.
fn check_batch<T>(batch: &[T]) -> Result<(), Error> {
    let (keys, max) = (batch.len(), KEYS_AT_ONCE_MAX);
    if keys > max {
        return Err(Error::Other(format!("{keys} keys in one call; the limit is {max}")));
    }
    Ok(())
}

impl store::Host for KeyValues<'_> {
    /// A service has one bucket, and its name is empty or `default`.
    async fn open(&mut self, identifier: String) -> Answer<Resource<Bucket>> {
        let values = self.values.clone().filter(|_| matches!(identifier.as_str(), "" | "default"));
        match values {
            Some(values) => Ok(Ok(self.table.push(Bucket(values))?)),
            None => Ok(Err(Error::NoSuchStore)),
        }
    }
}

impl store::HostBucket for KeyValues<'_> {
    async fn get(&mut self, bucket: Resource<Bucket>, key: String) -> Answer<Option<Vec<u8>>> {
        self.read(&bucket, key).await
    }

    async fn set(&mut self, bucket: Resource<Bucket>, key: String, value: Vec<u8>) -> Answer<()> {
        self.write(&bucket, key, value).await
    }

    async fn delete(&mut self, bucket: Resource<Bucket>, key: String) -> Answer<()> {
        self.remove(&bucket, key).await
    }

    async fn exists(&mut self, bucket: Resource<Bucket>, key: String) -> Answer<bool> {
        Ok(self.read(&bucket, key).await?.map(|value| value.is_some()))
    }

    async fn list_keys(
        &mut self,
        bucket: Resource<Bucket>,
        cursor: Option<u64>,
    ) -> Answer<KeyResponse> {
        let bucket = self.bucket(&bucket)?;
        let skip = usize::try_from(cursor.unwrap_or(0)).unwrap_or(usize::MAX);
        let keys = match bucket.keys(skip, KEYS_AT_ONCE_MAX).await {
            Ok(keys) => keys,
            Err(error) => return Ok(Err(error.into())),
        };
        let next = u64::try_from(skip.saturating_add(keys.len())).ok();
        let cursor = next.filter(|_| keys.len() == KEYS_AT_ONCE_MAX);
        let listed: usize = keys.iter().map(|key| key.len() + LISTED_BYTES).sum();
        let passed = skip.saturating_mul(PASSED_BYTES);
        self.bill.add_units(HostCall::KeyValue, listed.saturating_add(passed));
        Ok(Ok(KeyResponse { keys, cursor }))
    }

    async fn drop(&mut self, bucket: Resource<Bucket>) -> wasmtime::Result<()> {
        self.table.delete(bucket)?;
        Ok(())
    }
}

impl atomics::Host for KeyValues<'_> {
    async fn increment(
        &mut self,
        bucket: Resource<Bucket>,
        key: String,
        delta: u64,
    ) -> Answer<u64> {
        let bucket = self.bucket(&bucket)?;
        if let Err(error) = self.check(&key, &[]) {
            return Ok(Err(error));
        }
        self.bill.add(HostCall::KeyValueWrite, key.len());
        Ok(bucket.increment(key, delta).await.map_err(Error::from))
    }
}

/// One after another; the first error ends a batch, and what came before stays done.
impl batch::Host for KeyValues<'_> {
    async fn get_many(
        &mut self,
        bucket: Resource<Bucket>,
        keys: Vec<String>,
    ) -> Answer<Vec<Option<(String, Vec<u8>)>>> {
        let mut values = Vec::new();
        if let Err(error) = check_batch(&keys) {
            return Ok(Err(error));
        }
        for key in keys {
            self.bill.add(HostCall::KeyValue, 0);
            match self.read(&bucket, key.clone()).await? {
                Ok(value) => values.push(value.map(|value| (key, value))),
                Err(error) => return Ok(Err(error)),
            }
        }
        Ok(Ok(values))
    }

    async fn set_many(
        &mut self,
        bucket: Resource<Bucket>,
        key_values: Vec<(String, Vec<u8>)>,
    ) -> Answer<()> {
        if let Err(error) = check_batch(&key_values) {
            return Ok(Err(error));
        }
        for (key, value) in key_values {
            self.bill.add(HostCall::KeyValue, 0);
            if let Err(error) = self.write(&bucket, key, value).await? {
                return Ok(Err(error));
            }
        }
        Ok(Ok(()))
    }

    async fn delete_many(&mut self, bucket: Resource<Bucket>, keys: Vec<String>) -> Answer<()> {
        if let Err(error) = check_batch(&keys) {
            return Ok(Err(error));
        }
        for key in keys {
            self.bill.add(HostCall::KeyValue, 0);
            if let Err(error) = self.remove(&bucket, key).await? {
                return Ok(Err(error));
            }
        }
        Ok(Ok(()))
    }
}
