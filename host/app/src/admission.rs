//! Admission: which calls may run now, which wait, and which have to come back later.
//!
//! It comes before any money and before any instance. Places are given to one service after the
//! other, however many calls each has waiting, so that a busy service does not starve another. Of one
//! service, a call whose client waits goes before one of the durable queue, but every fourth place
//! is the queue's. What runs and what waits is bounded, in all, for each service and for each account.

mod lanes;

use std::collections::HashMap;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use stokehold_ledger::ServiceId;
use tokio::sync::{Notify, oneshot};

use self::lanes::{Lane, Lanes};
use crate::config::Calls;

/// An account, as far as admission is concerned.
type Account = (ServiceId, String);

/// Gives places to calls.
pub(crate) struct Admission {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    limits: Limits,
    /// Told when nothing is under way any more.
    idle: Notify,
    /// Told when nothing more is admitted.
    closed: Notify,
}

/// The most there may be of each.
struct Limits {
    waiting: usize,
    waiting_per_service: usize,
    per_account: usize,
    running_per_service: u32,
    wait: Duration,
}

struct State {
    is_closed: bool,
    /// Calls that run or wait, those of the durable queue once they run.
    under_way: usize,
    accounts: HashMap<Account, usize>,
    lanes: Lanes,
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
    /// As many calls of the service wait as may.
    Service {
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

/// The place of one call. It is free again when this is dropped.
pub(crate) struct Admitted {
    shared: Arc<Shared>,
    service: ServiceId,
    account: Option<Account>,
    /// False while it waits, and once its guest has ended.
    has_place: bool,
}

/// A call that waits for its place. Dropped before it has one, it waits no longer.
struct Waiting {
    granted: oneshot::Receiver<()>,
    /// None once the place is taken.
    place: Option<Admitted>,
    lane: Lane,
}

impl Admission {
    pub(crate) fn new(calls: &Calls) -> Self {
        let limits = Limits {
            waiting: size(calls.waiting_max),
            waiting_per_service: size(calls.waiting_per_service_max),
            per_account: size(calls.per_account_max),
            running_per_service: calls.running_per_service_max.min(calls.running_max),
            wait: Duration::from_secs(calls.wait_s_max),
        };
        let state = State {
            is_closed: false,
            under_way: 0,
            accounts: HashMap::new(),
            lanes: Lanes::new(calls.running_max),
        };
        let state = Mutex::new(state);
        let (idle, closed) = (Notify::new(), Notify::new());
        Self { shared: Arc::new(Shared { state, limits, idle, closed }) }
    }

    /// Takes the place of one call, of a service that runs `concurrency` at once. Waits for it, but
    /// not for ever.
    pub(crate) async fn enter(
        &self,
        service: ServiceId,
        concurrency: u32,
        account: &str,
    ) -> Result<Admitted, Full> {
        let account = (service, account.to_owned());
        let mut waiting = self.join(service, concurrency, Lane::Waited, Some(account))?;
        let wait_max = self.shared.limits.wait;
        match tokio::time::timeout(wait_max, waiting.place()).await {
            Ok(admitted) => admitted,
            Err(_) => Err(Full::Wait { waited: wait_max }),
        }
    }

    /// Takes the place of a call of the durable queue. Waits for it until the host stops.
    pub(crate) async fn enter_patiently(
        &self,
        service: ServiceId,
        concurrency: u32,
    ) -> Result<Admitted, Full> {
        self.join(service, concurrency, Lane::Queued, None)?.place().await
    }

    /// Admits nothing more but what waits with its client. What waits in the durable queue does so
    /// beyond the end of this host.
    pub(crate) fn close(&self) {
        let mut state = self.shared.lock();
        state.is_closed = true;
        state.lanes.close_queue();
        drop(state);
        self.shared.closed.notify_waiters();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.shared.lock().is_closed
    }

    /// Returns when nothing more is admitted.
    pub(crate) async fn closed(&self) {
        self.when(&self.shared.closed, |state| state.is_closed).await;
    }

    /// Returns when nothing is under way.
    pub(crate) async fn idle(&self) {
        self.when(&self.shared.idle, |state| state.under_way == 0).await;
    }

    async fn when(&self, told: &Notify, is_so: impl Fn(&State) -> bool) {
        loop {
            let told = told.notified();
            tokio::pin!(told);
            // From here on nothing is missed that is told.
            told.as_mut().enable();
            if is_so(&self.shared.lock()) {
                return;
            }
            told.await;
        }
    }

    fn join(
        &self,
        service: ServiceId,
        concurrency: u32,
        lane: Lane,
        account: Option<Account>,
    ) -> Result<Waiting, Full> {
        let limits = &self.shared.limits;
        let mut state = self.shared.lock();
        if state.is_closed {
            return Err(Full::Stopping);
        }
        let concurrency = concurrency.min(limits.running_per_service);
        state.lanes.set_concurrency(service, concurrency);
        if let Some(account) = &account {
            let under_way = state.accounts.get(account).copied().unwrap_or(0);
            if under_way >= limits.per_account {
                return Err(Full::Account { max: limits.per_account });
            }
            if !state.lanes.has_place(service) {
                limits.check_waiting(&state.lanes, service)?;
            }
            state.accounts.insert(account.clone(), under_way + 1);
        }
        state.under_way += 1;
        let granted = state.lanes.join(service, lane);
        let shared = self.shared.clone();
        let place = Admitted { shared, service, account, has_place: false };
        Ok(Waiting { granted, place: Some(place), lane })
    }
}

impl Limits {
    fn check_waiting(&self, lanes: &Lanes, service: ServiceId) -> Result<(), Full> {
        if lanes.waiting() >= self.waiting {
            return Err(Full::Queue { max: self.waiting });
        }
        if lanes.waiting_of(service) >= self.waiting_per_service {
            return Err(Full::Service { max: self.waiting_per_service });
        }
        Ok(())
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends what `place` is of: it had its place, or waited in vain.
    fn leave(&self, place: &Admitted) {
        let mut state = self.lock();
        if let Some(account) = &place.account
            && let Some(count) = state.accounts.get_mut(account)
        {
            *count -= 1;
            if *count == 0 {
                state.accounts.remove(account);
            }
        }
        state.under_way -= 1;
        if place.has_place {
            state.lanes.release(place.service);
        }
        let is_idle = state.under_way == 0;
        drop(state);
        if is_idle {
            self.idle.notify_waiters();
        }
    }
}

impl Waiting {
    /// Waits for the place.
    async fn place(&mut self) -> Result<Admitted, Full> {
        match (&mut self.granted).await {
            Ok(()) => {
                let mut place = self.place.take().ok_or(Full::Stopping)?;
                place.has_place = true;
                Ok(place)
            }
            Err(_) => Err(Full::Stopping),
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let Some(place) = &mut self.place else { return };
        let mut state = place.shared.lock();
        // Nobody can give it a place while the lock is held; somebody may have before.
        self.granted.close();
        let has_place = self.granted.try_recv().is_ok();
        if !has_place {
            state.lanes.forget(place.service, self.lane);
        }
        drop(state);
        place.has_place = has_place;
    }
}

impl Admitted {
    /// The guest has ended: the place is for the next one. The call stays under way, and its
    /// account's, until it is settled.
    pub(crate) fn vacate(&mut self) {
        if mem::take(&mut self.has_place) {
            self.shared.lock().lanes.release(self.service);
        }
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.shared.leave(self);
    }
}

fn size(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
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
        let running = admission.enter(SERVICE, 1, "a").await.expect("admitted");
        let waited = Duration::ZERO;
        assert_eq!(admission.enter(SERVICE, 1, "a").await.err(), Some(Full::Wait { waited }));
        assert!(admission.enter(ServiceId(2), 1, "a").await.is_ok());
        drop(running);
        assert!(admission.enter(SERVICE, 1, "a").await.is_ok(), "who gave up takes no place");
    }

    #[tokio::test]
    async fn who_is_settled_takes_no_place_and_is_still_under_way() {
        let admission = admission(1, 1, 1);
        let mut settled = admission.enter(SERVICE, 1, "a").await.expect("admitted");
        settled.vacate();
        let running = admission.enter(SERVICE, 1, "b").await.expect("admitted");
        assert_eq!(admission.enter(SERVICE, 1, "a").await.err(), Some(Full::Account { max: 1 }));
        drop(settled);
        let waited = Duration::ZERO;
        assert_eq!(admission.enter(SERVICE, 1, "a").await.err(), Some(Full::Wait { waited }));
        let mut idle = std::pin::pin!(admission.idle());
        assert!(is_pending(&mut idle).await, "one is under way");
        drop(running);
        idle.await;
    }

    #[tokio::test]
    async fn a_service_cannot_fill_the_queue() {
        let settings = Calls {
            running_max: 1,
            waiting_max: 3,
            waiting_per_service_max: 2,
            ..Calls::default()
        };
        let admission = Admission::new(&settings);
        let _running = admission.enter(SERVICE, 1, "a").await.expect("admitted");
        let join =
            |service| admission.join(ServiceId(service), 1, Lane::Waited, Some(account(service)));
        let _two = [join(1).expect("it waits"), join(1).expect("it waits")];
        assert_eq!(join(1).err(), Some(Full::Service { max: 2 }));
        let _other = join(2).expect("it waits");
        assert_eq!(join(3).err(), Some(Full::Queue { max: 3 }));
    }

    #[tokio::test]
    async fn draining_waits_for_what_is_under_way() {
        let admission = admission(1, 2, 2);
        let running = admission.enter(SERVICE, 2, "a").await.expect("admitted");
        let mut waits =
            admission.join(SERVICE, 2, Lane::Waited, Some(account(1))).expect("it waits");
        let mut queued = admission.join(SERVICE, 2, Lane::Queued, None).expect("it waits");
        admission.close();
        admission.closed().await;
        assert_eq!(admission.enter(SERVICE, 2, "b").await.err(), Some(Full::Stopping));
        assert_eq!(queued.place().await.err(), Some(Full::Stopping), "it waits for the next start");
        drop(queued);
        let mut idle = std::pin::pin!(admission.idle());
        assert!(is_pending(&mut idle).await, "two calls are under way");
        drop(running);
        drop(waits.place().await.expect("it has its place still"));
        idle.await;
    }

    fn account(service: i64) -> Account {
        (ServiceId(service), "a".to_owned())
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
