//! Calls that wait, what an account may spend in a day, and the sweep of results.

use std::sync::Arc;

use stokehold_ledger::{AccountToken, CallId, Credits, Refusal, ServiceId, Timestamp, VersionId};
use stokehold_store::{CallStatus, Error, NewCall, Settlement, Spent, Store};

use crate::fixture::{assert_clean, credits, give, new_call, service, spent, token, version, view};
use crate::home::{Home, in_each_home};

in_each_home! {
    a_call_that_waits_is_there_after_a_restart_and_starts_once,
    a_call_that_waits_can_be_cancelled_and_then_does_not_start,
    a_day_has_room_for_what_its_calls_did_not_capture,
    a_day_of_many_calls_at_once_never_exceeds_its_limit,
    results_are_swept_and_records_stay,
    not_enough_credits_leaves_nothing_in_the_queue,
}

struct Town {
    store: Arc<Store>,
    service: ServiceId,
    version: VersionId,
    anna: AccountToken,
    home: Home,
}

impl Town {
    /// One service, its version, and 10 credits of one account.
    async fn new(home: Home) -> Self {
        let store = home.open().await;
        let service = service(&store, "coalroller").await;
        let version = version(&store, service).await;
        let anna = token("anna");
        give(&store, service, &anna, 10_000_000).await;
        Self { store: Arc::new(store), service, version, anna, home }
    }

    fn call(&self, micros: i64) -> NewCall {
        new_call(self.service, self.version, &self.anna, micros)
    }

    fn queued(&self, micros: i64) -> NewCall {
        NewCall { queued: Some("{}".into()), ..self.call(micros) }
    }

    async fn begin(&self, new: NewCall) -> CallId {
        let id = new.id;
        self.store.begin_call(new).await.expect("the call begins");
        id
    }

    async fn status(&self, call: CallId) -> CallStatus {
        self.store.call(call).await.expect("it is read").expect("there is a call").status
    }

    async fn view(&self) -> [i64; 3] {
        view(&self.store, self.service, &self.anna).await.expect("an account")
    }

    async fn reopen(self) -> Self {
        let Self { store, service, version, anna, home } = self;
        drop(store);
        let store = Arc::new(home.open().await);
        Self { store, service, version, anna, home }
    }
}

async fn a_call_that_waits_is_there_after_a_restart_and_starts_once(home: Home) {
    let town = Town::new(home).await;
    let (waits, runs) = (town.begin(town.queued(1_000_000)).await, town.begin(town.call(5)).await);
    assert_eq!(town.view().await, [10_000_000, 1_000_005, 8_999_995]);
    let town = town.reopen().await;
    assert_eq!(town.store.recover_calls().await.expect("recovered"), 1);
    assert_eq!(town.status(runs).await, CallStatus::Cancelled);
    let queue = town.store.take_over_queued_calls().await.expect("the queue");
    assert_eq!(queue.iter().map(|call| call.id).collect::<Vec<_>>(), [waits]);
    let params = town.store.queued_params(waits).await.expect("its params");
    assert_eq!(params.as_deref(), Some("{}"));
    town.store.start_call(waits).await.expect("it starts");
    let twice = town.store.start_call(waits).await;
    assert!(matches!(twice, Err(Error::NotFound(_))), "{twice:?}");
    assert_eq!(town.store.queued_params(waits).await.expect("its params"), None);
    assert_eq!(town.status(waits).await, CallStatus::Running);
    assert_clean(&town.store).await;
    let captured = Settlement::Capture(credits(400_000));
    town.store.settle_call(waits, captured, spent("ok")).await.expect("it ends");
    assert_eq!(town.view().await, [9_600_000, 0, 9_600_000]);
    assert_clean(&town.store).await;
}

async fn a_call_that_waits_can_be_cancelled_and_then_does_not_start(home: Home) {
    let town = Town::new(home).await;
    let call = town.begin(town.queued(1_000_000)).await;
    town.store.settle_call(call, Settlement::Cancel, spent("cancelled")).await.expect("it ends");
    assert_eq!(town.view().await, [10_000_000, 0, 10_000_000]);
    assert!(town.store.start_call(call).await.is_err());
    assert_eq!(town.store.queued_params(call).await.expect("its params"), None);
    assert_clean(&town.store).await;
}

async fn a_day_has_room_for_what_its_calls_did_not_capture(home: Home) {
    let town = Town::new(home).await;
    let limited = |micros| NewCall { day_max: Some(credits(3_000_000)), ..town.call(micros) };
    let first = town.begin(limited(2_000_000)).await;
    let over = town.store.begin_call(limited(1_000_001)).await;
    assert!(matches!(over, Err(Error::DayLimit { .. })), "{over:?}");
    assert_eq!(town.view().await, [10_000_000, 2_000_000, 8_000_000]);
    let settlement = Settlement::Capture(credits(500_000));
    town.store.settle_call(first, settlement, spent("ok")).await.expect("it ends");
    let second = town.begin(limited(2_500_000)).await;
    assert!(town.store.begin_call(limited(1)).await.is_err());
    // One that is not counted, because no limit held when it was made, changes nothing.
    town.begin(town.call(1)).await;
    assert_clean(&town.store).await;
    let town = town.reopen().await;
    assert_eq!(town.store.recover_calls().await.expect("recovered"), 2);
    assert_eq!(town.status(second).await, CallStatus::Cancelled);
    let limited = |micros| NewCall { day_max: Some(credits(3_000_000)), ..town.call(micros) };
    assert!(town.store.begin_call(limited(2_500_001)).await.is_err());
    town.begin(limited(2_500_000)).await;
    assert_clean(&town.store).await;
}

async fn a_day_of_many_calls_at_once_never_exceeds_its_limit(home: Home) {
    let town = Town::new(home).await;
    let limited = || NewCall { day_max: Some(credits(1_000_000)), ..town.call(100_000) };
    let begun = (0..30).map(|_| {
        let (store, call) = (town.store.clone(), limited());
        tokio::spawn(async move { store.begin_call(call).await.is_ok() })
    });
    let mut running = 0;
    for call in begun.collect::<Vec<_>>() {
        running += usize::from(call.await.expect("no panic"));
    }
    assert_eq!(running, 10);
    assert_eq!(town.view().await, [10_000_000, 1_000_000, 9_000_000]);
    assert_clean(&town.store).await;
}

async fn results_are_swept_and_records_stay(home: Home) {
    let town = Town::new(home).await;
    let mut calls = Vec::new();
    for _ in 0..3 {
        let call = town.begin(town.call(10)).await;
        let result = Spent { result: Some("1".into()), log: "said".into(), ..spent("ok") };
        let settlement = Settlement::Capture(credits(10));
        town.store.settle_call(call, settlement, result).await.expect("it ends");
        calls.push(call);
    }
    let open = town.begin(town.call(10)).await;
    let record = |id| town.store.call(id);
    let last = record(calls[2]).await.expect("it is read").expect("a record").ended_at;
    // Up to the last of them: that one stays, and so does what comes after it.
    assert!(!town.store.sweep_calls(last.expect("it has ended")).await.expect("a sweep"));
    for (call, kept) in [(calls[0], false), (calls[1], false), (calls[2], true)] {
        let record = record(call).await.expect("it is read").expect("a record");
        assert_eq!(record.result.is_some(), kept, "{record:?}");
        assert_eq!(record.log.is_empty(), !kept);
        assert_eq!(record.credits_captured, credits(10));
    }
    town.store.sweep_calls(Timestamp(i64::MAX)).await.expect("a sweep");
    let swept = record(calls[2]).await.expect("it is read").expect("a record");
    assert_eq!((swept.result, swept.status), (None, CallStatus::Captured));
    assert_eq!(town.status(open).await, CallStatus::Running);
    assert_clean(&town.store).await;
}

async fn not_enough_credits_leaves_nothing_in_the_queue(home: Home) {
    let town = Town::new(home).await;
    let refused = town.store.begin_call(town.queued(10_000_001)).await;
    assert!(matches!(refused, Err(Error::Refused(Refusal::InsufficientCredits { .. }))));
    assert!(town.store.take_over_queued_calls().await.expect("the queue").is_empty());
    assert_eq!(town.view().await, [10_000_000, 0, 10_000_000]);
    let free = town.begin(town.queued(0)).await;
    town.store.start_call(free).await.expect("it starts");
    let settled = Settlement::Capture(Credits::ZERO);
    town.store.settle_call(free, settled, spent("ok")).await.expect("it ends");
    assert_clean(&town.store).await;
}
