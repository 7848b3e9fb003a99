//! Admission: which calls may run now, which wait, and which have to come back later.
//!
//! It comes before any money and before any instance. A call takes a place in all, one of its
//! service and one of its account; the places of an account and the queue are bounded, so one
//! client or one service cannot take them all.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use stokehold_ledger::ServiceId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::Calls;

/// An account, as far as admission is concerned.
type Account = (ServiceId, String);

/// Counts places.
pub(crate) struct Admission {
    running: Arc<Semaphore>,
    running_max: u32,
    waiting: Arc<AtomicUsize>,
    waiting_max: usize,
    wait_max: Duration,
    per_account_max: usize,
    services: Mutex<HashMap<ServiceId, Places>>,
    accounts: Arc<Mutex<HashMap<Account, usize>>>,
    /// Calls that were admitted and have not ended.
    admitted: Arc<Semaphore>,
    admitted_max: u32,
}

/// The places of one service, and how many of them its active version wants.
struct Places {
    permits: Arc<Semaphore>,
    size: u32,
}

/// Why a call is not admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Full {
    /// The host is stopping.
    Stopping,
    /// The account has as many calls under way as it may.
    Account {
        /// How many.
        max: usize,
    },
    /// As many calls wait as may.
    Queue {
        /// How many.
        max: usize,
    },
    /// No place came free in time.
    Wait {
        /// How long it waited.
        waited: Duration,
    },
}

/// Places of one call. They are free again when it is dropped.
#[derive(Debug)]
pub(crate) struct Admitted {
    _all: OwnedSemaphorePermit,
    _of_service: OwnedSemaphorePermit,
    _under_way: UnderWay,
}

/// A place of the account and one of the host, from before the wait until the end.
#[derive(Debug)]
struct UnderWay {
    accounts: Arc<Mutex<HashMap<Account, usize>>>,
    account: Account,
    _admitted: OwnedSemaphorePermit,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = accounts.get_mut(&self.account) {
            *count -= 1;
            if *count == 0 {
                accounts.remove(&self.account);
            }
        }
    }
}

impl Admission {
    pub(crate) fn new(calls: &Calls) -> Self {
        let admitted_max = calls.running_max.saturating_add(calls.waiting_max);
        Self {
            running: Arc::new(Semaphore::new(size(calls.running_max))),
            running_max: calls.running_max,
            waiting: Arc::default(),
            waiting_max: size(calls.waiting_max),
            wait_max: Duration::from_secs(calls.wait_s_max),
            per_account_max: size(calls.per_account_max),
            services: Mutex::default(),
            accounts: Arc::default(),
            admitted: Arc::new(Semaphore::new(size(admitted_max))),
            admitted_max,
        }
    }

    /// Takes the places of one call, of a service that runs `concurrency` at once. Waits for them,
    /// but not for ever.
    pub(crate) async fn enter(
        &self,
        service: ServiceId,
        concurrency: u32,
        account: &str,
    ) -> Result<Admitted, Full> {
        let under_way = self.count((service, account.to_owned()))?;
        let places = self.places(service, concurrency.min(self.running_max));
        let take = async {
            // The service's own place first: a busy service waits without a place of the others'.
            let of_service = places.acquire_owned().await.map_err(|_| Full::Stopping)?;
            let all = self.running.clone().acquire_owned().await.map_err(|_| Full::Stopping)?;
            Ok(Admitted { _all: all, _of_service: of_service, _under_way: under_way })
        };
        let _waiting = self.wait()?;
        match tokio::time::timeout(self.wait_max, take).await {
            Ok(admitted) => admitted,
            Err(_) => Err(Full::Wait { waited: self.wait_max }),
        }
    }

    /// Admits nothing more.
    pub(crate) fn close(&self) {
        self.running.close();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.running.is_closed()
    }

    /// Returns when nothing is under way.
    pub(crate) async fn idle(&self) {
        // This semaphore is never closed.
        let _all = self.admitted.acquire_many(self.admitted_max).await;
    }

    fn count(&self, account: Account) -> Result<UnderWay, Full> {
        if self.is_closed() {
            return Err(Full::Stopping);
        }
        let admitted = self.admitted.clone().try_acquire_owned();
        let admitted = admitted.map_err(|_| Full::Queue { max: self.waiting_max })?;
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = accounts.entry(account.clone()).or_insert(0);
        if *count >= self.per_account_max {
            return Err(Full::Account { max: self.per_account_max });
        }
        *count += 1;
        Ok(UnderWay { accounts: self.accounts.clone(), account, _admitted: admitted })
    }

    fn wait(&self) -> Result<Waiting, Full> {
        let waiting = Waiting(self.waiting.clone());
        if self.waiting.fetch_add(1, Ordering::AcqRel) >= self.waiting_max {
            return Err(Full::Queue { max: self.waiting_max });
        }
        Ok(waiting)
    }

    /// The places of a service. A version with another concurrency gets new ones: calls that run
    /// keep theirs.
    fn places(&self, service: ServiceId, concurrency: u32) -> Arc<Semaphore> {
        let mut services = self.services.lock().unwrap_or_else(PoisonError::into_inner);
        let new =
            || Places { permits: Arc::new(Semaphore::new(size(concurrency))), size: concurrency };
        let places = services.entry(service).or_insert_with(new);
        if places.size != concurrency {
            *places = new();
        }
        places.permits.clone()
    }
}

/// One call that waits.
struct Waiting(Arc<AtomicUsize>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

fn size(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVICE: ServiceId = ServiceId(1);

    fn admission(running: u32, waiting: u32, per_account: u32) -> Admission {
        Admission::new(&Calls {
            running_max: running,
            waiting_max: waiting,
            per_account_max: per_account,
            wait_s_max: 0,
            ..Calls::default()
        })
    }

    #[tokio::test]
    async fn an_account_cannot_take_every_place() {
        let admission = admission(10, 10, 2);
        let enter = |account| admission.enter(SERVICE, 10, account);
        let first = enter("a").await.expect("admitted");
        let _second = enter("a").await.expect("admitted");
        assert_eq!(enter("a").await.err(), Some(Full::Account { max: 2 }));
        let _other = enter("b").await.expect("admitted");
        drop(first);
        assert!(enter("a").await.is_ok());
    }

    #[tokio::test]
    async fn a_service_waits_for_its_own_places_only() {
        let admission = admission(10, 10, 10);
        let _running = admission.enter(SERVICE, 1, "a").await.expect("admitted");
        let waited = Duration::ZERO;
        assert_eq!(admission.enter(SERVICE, 1, "a").await.err(), Some(Full::Wait { waited }));
        assert!(admission.enter(ServiceId(2), 1, "a").await.is_ok());
    }

    #[tokio::test]
    async fn draining_waits_for_what_is_under_way() {
        let admission = admission(2, 2, 2);
        let running = admission.enter(SERVICE, 2, "a").await.expect("admitted");
        admission.close();
        assert_eq!(admission.enter(SERVICE, 2, "b").await.err(), Some(Full::Stopping));
        let mut idle = std::pin::pin!(admission.idle());
        assert!(is_pending(&mut idle).await, "a call is under way");
        drop(running);
        idle.await;
    }

    /// Whether the future is still pending.
    async fn is_pending(future: &mut (impl Future<Output = ()> + Unpin)) -> bool {
        tokio::select! {
            biased;
            () = future => false,
            () = tokio::task::yield_now() => true,
        }
    }
}
