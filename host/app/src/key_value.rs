//! What services keep for themselves, in the store.
//!
//! A guest is not to slow the ledger, whatever it writes. So the writes of all guests wait here for
//! each other: one job at a time goes to the store, with at most [`WRITES_AT_ONCE`] of what waits,
//! and is durable before the next. Reads have turns of their own, so that others find one.

use std::sync::Arc;

use stokehold_ledger::ServiceId;
use stokehold_runtime::{KeyValue, KeyValueError, KeyValueFuture};
use stokehold_store::{Error as StoreError, KeyChange, KeyRefusal, KeyValueMax, KeyWrite, Store};
use tokio::sync::{Semaphore, mpsc, oneshot};

/// Writes of one job, which the ledger's operations wait for at the most once. Guests that do nothing
/// but write add 0.1 ms to the median of an authorize in SQLite, and 1 ms in PostgreSQL, where each
/// write is three round trips: see `bench isolation`.
const WRITES_AT_ONCE: usize = 16;
/// Reads at the same time: half of the connections that read in SQLite, a quarter in PostgreSQL.
const READS_AT_ONCE: usize = 2;

/// The keys and values of all services of a host.
pub struct KeyValues {
    store: Arc<Store>,
    writes: mpsc::Sender<Waiting>,
    reads: Arc<Semaphore>,
}

struct Waiting {
    write: KeyWrite,
    guest: oneshot::Sender<Result<u64, KeyValueError>>,
}

impl KeyValues {
    /// Keeps them in `store`, so much for each service. Has to be called on a Tokio runtime, where
    /// the writes are handed on.
    pub fn new(store: Arc<Store>, max: KeyValueMax) -> Self {
        let (writes, waiting) = mpsc::channel(WRITES_AT_ONCE);
        tokio::spawn(hand_on(store.clone(), max, waiting));
        Self { store, writes, reads: Arc::new(Semaphore::new(READS_AT_ONCE)) }
    }

    /// Those of one service.
    pub fn of(self: &Arc<Self>, service: ServiceId) -> Arc<dyn KeyValue> {
        Arc::new(OfService { all: self.clone(), service })
    }
}

/// Writes what waits, until nobody is left who could write.
async fn hand_on(store: Arc<Store>, max: KeyValueMax, mut waiting: mpsc::Receiver<Waiting>) {
    let mut taken = Vec::new();
    while waiting.recv_many(&mut taken, WRITES_AT_ONCE).await > 0 {
        let (writes, guests): (Vec<_>, Vec<_>) =
            taken.drain(..).map(|waiting| (waiting.write, waiting.guest)).unzip();
        // Whoever has gone away has written all the same.
        match store.change_keys(writes, max).await {
            Ok(written) => {
                for (guest, written) in guests.into_iter().zip(written) {
                    let _ = guest.send(written.map_err(|why: KeyRefusal| said(&why)));
                }
            }
            Err(error) => {
                let why = failed(&error);
                for guest in guests {
                    let _ = guest.send(Err(why.clone()));
                }
            }
        }
    }
}

/// The keys and values of one service.
struct OfService {
    all: Arc<KeyValues>,
    service: ServiceId,
}

impl OfService {
    async fn write(&self, key: String, change: KeyChange) -> Result<u64, KeyValueError> {
        let stopped = || failed(&StoreError::Stopped);
        let (guest, written) = oneshot::channel();
        let write = KeyWrite { service: self.service, key, change };
        let sent = self.all.writes.send(Waiting { write, guest }).await;
        sent.map_err(|_| stopped())?;
        written.await.map_err(|_| stopped())?
    }

    async fn read<T>(
        &self,
        reading: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, KeyValueError> {
        let turn = self.all.reads.acquire().await;
        let _turn = turn.map_err(|_| failed(&StoreError::Stopped))?;
        reading.await.map_err(|error| failed(&error))
    }
}

impl KeyValue for OfService {
    fn get(&self, key: String) -> KeyValueFuture<'_, Option<Vec<u8>>> {
        Box::pin(self.read(self.all.store.key_value(self.service, key)))
    }

    fn set(&self, key: String, value: Vec<u8>) -> KeyValueFuture<'_, ()> {
        Box::pin(async { self.write(key, KeyChange::Set(value)).await.map(drop) })
    }

    fn delete(&self, key: String) -> KeyValueFuture<'_, ()> {
        Box::pin(async { self.write(key, KeyChange::Delete).await.map(drop) })
    }

    fn increment(&self, key: String, delta: u64) -> KeyValueFuture<'_, u64> {
        Box::pin(self.write(key, KeyChange::Add(delta)))
    }

    fn keys(&self, skip: usize, count: usize) -> KeyValueFuture<'_, Vec<String>> {
        let number = |count| u32::try_from(count).unwrap_or(u32::MAX);
        Box::pin(self.read(self.all.store.keys(self.service, number(skip), number(count))))
    }
}

fn said(why: &impl ToString) -> KeyValueError {
    KeyValueError(why.to_string())
}

/// What a guest is told of a store that failed. What happened is for the operator.
fn failed(error: &StoreError) -> KeyValueError {
    match error {
        StoreError::OutcomeUnknown => {
            said(&"the store failed, and whether this was written is not known")
        }
        error => {
            tracing::warn!(%error, "a service's keys cannot be used");
            said(&"the store cannot be used now and nothing was written")
        }
    }
}
