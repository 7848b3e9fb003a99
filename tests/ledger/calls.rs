//! Calls and their holds: they begin in one step and end in one step.

use stokehold_ledger::{AccountToken, CallId, Credits, HoldId, Refusal, ServiceId, VersionId};
use stokehold_store::{CallStatus, Error, Settlement, Spent, Store};
use uuid::Uuid;

use crate::fixture::{assert_clean, credits, give, new_call, service, spent, token, version, view};
use crate::home::{Home, in_each_home};

in_each_home! {
    a_call_captures_no_more_than_its_hold_and_ends_all_the_same,
    the_hold_of_a_call_is_the_hosts_to_capture,
    a_call_whose_hold_was_released_captures_nothing,
    a_call_ends_once,
    a_call_that_claims_more_fuel_than_it_had_ends_all_the_same,
    a_call_that_is_refused_leaves_no_record,
    a_free_call_holds_nothing,
    a_call_begins_once,
}

/// A store with one service, its version, and 10 credits of one account.
async fn town(home: &Home) -> (Store, ServiceId, VersionId, AccountToken) {
    let store = home.open().await;
    let service = service(&store, "coalroller").await;
    let version = version(&store, service).await;
    let anna = token("anna");
    give(&store, service, &anna, 10_000_000).await;
    (store, service, version, anna)
}

async fn begin(store: &Store, place: (ServiceId, VersionId, &AccountToken), micros: i64) -> CallId {
    let new = new_call(place.0, place.1, place.2, micros);
    let id = new.id;
    store.begin_call(new).await.expect("the call begins");
    id
}

async fn status(store: &Store, call: CallId) -> CallStatus {
    store.call(call).await.expect("the call is read").expect("there is a call").status
}

async fn a_call_captures_no_more_than_its_hold_and_ends_all_the_same(home: Home) {
    let (store, service, version, anna) = town(&home).await;
    let call = begin(&store, (service, version, &anna), 1_000_000).await;
    let above = Settlement::Capture(credits(1_000_001));
    let (captured, refusal) = store.settle_call(call, above, spent("ok")).await.expect("an answer");
    assert_eq!(captured, Credits::ZERO);
    assert!(matches!(refusal, Some(Refusal::AboveHold { .. })), "{refusal:?}");
    assert_eq!(status(&store, call).await, CallStatus::Cancelled);
    assert_eq!(view(&store, service, &anna).await, Some([10_000_000, 0, 10_000_000]));
    assert_clean(&store).await;
}

async fn the_hold_of_a_call_is_the_hosts_to_capture(home: Home) {
    let (store, service, version, anna) = town(&home).await;
    let call = begin(&store, (service, version, &anna), 1_000_000).await;
    let captured = store.capture(service, HoldId(call.0), None).await;
    assert!(matches!(captured, Err(Error::Refused(Refusal::UnknownHold))), "{captured:?}");
    assert_clean(&store).await;
    let settled = store.settle_call(call, Settlement::Cancel, spent("trap")).await;
    assert_eq!(settled.expect("it ends"), (Credits::ZERO, None));
    assert_eq!(view(&store, service, &anna).await, Some([10_000_000, 0, 10_000_000]));
}

async fn a_call_whose_hold_was_released_captures_nothing(home: Home) {
    let (store, service, version, anna) = town(&home).await;
    let call = begin(&store, (service, version, &anna), 1_000_000).await;
    store.cancel(service, HoldId(call.0)).await.expect("it is released");
    let whole = Settlement::Capture(credits(1_000_000));
    let settled = store.settle_call(call, whole, spent("ok")).await.expect("an answer");
    assert_eq!(settled, (Credits::ZERO, Some(Refusal::AlreadyCancelled)));
    assert_eq!(status(&store, call).await, CallStatus::Cancelled);
    assert_clean(&store).await;
}

async fn a_call_ends_once(home: Home) {
    let (store, service, version, anna) = town(&home).await;
    let call = begin(&store, (service, version, &anna), 1_000_000).await;
    let part = Settlement::Capture(credits(400_000));
    let settled = store.settle_call(call, part, spent("ok")).await.expect("it ends");
    assert_eq!(settled, (credits(400_000), None));
    for again in [part, Settlement::Cancel, Settlement::Capture(credits(1))] {
        let settled = store.settle_call(call, again, spent("ok")).await;
        assert!(matches!(settled, Err(Error::NotFound("running call"))), "{settled:?}");
    }
    let record = store.call(call).await.expect("it is read").expect("there is one");
    assert_eq!(record.credits_authorized, credits(1_000_000));
    assert_eq!(record.credits_captured, credits(400_000));
    assert_eq!((record.outcome.as_deref(), record.fuel_used), (Some("ok"), 900));
    assert_eq!(view(&store, service, &anna).await, Some([9_600_000, 0, 9_600_000]));
}

async fn a_call_that_claims_more_fuel_than_it_had_ends_all_the_same(home: Home) {
    let (store, service, version, anna) = town(&home).await;
    let call = begin(&store, (service, version, &anna), 1_000_000).await;
    let spent = Spent { fuel_used: u64::MAX, ..spent("ok") };
    let settled = store.settle_call(call, Settlement::Capture(credits(1)), spent).await;
    assert_eq!(settled.expect("it ends"), (credits(1), None));
    let record = store.call(call).await.expect("it is read").expect("there is one");
    assert_eq!(record.fuel_used, record.fuel_bought);
    assert_clean(&store).await;
}

async fn a_call_that_is_refused_leaves_no_record(home: Home) {
    let (store, service, version, anna) = town(&home).await;
    for (micros, account) in [(10_000_001, &anna), (1, &token("anna+disabled")), (1, &token("ben"))]
    {
        let new = new_call(service, version, account, micros);
        let id = new.id;
        let begun = store.begin_call(new).await;
        assert!(matches!(begun, Err(Error::Refused(_))), "{begun:?}");
        assert!(store.call(id).await.expect("it is read").is_none());
    }
    let unknown = CallId(Uuid::now_v7());
    let settled = store.settle_call(unknown, Settlement::Cancel, spent("ok")).await;
    assert!(matches!(settled, Err(Error::NotFound("running call"))), "{settled:?}");
}

async fn a_free_call_holds_nothing(home: Home) {
    let (store, service, version, _) = town(&home).await;
    let nobody = token("nobody");
    let call = begin(&store, (service, version, &nobody), 0).await;
    let settled = store.settle_call(call, Settlement::Capture(Credits::ZERO), spent("ok")).await;
    assert_eq!(settled.expect("it ends"), (Credits::ZERO, None));
    assert_eq!(status(&store, call).await, CallStatus::Captured);
    assert_eq!(view(&store, service, &nobody).await, None);
    assert_clean(&store).await;
}

async fn a_call_begins_once(home: Home) {
    let (store, service, version, anna) = town(&home).await;
    let new = new_call(service, version, &anna, 4_000_000);
    store.begin_call(new.clone()).await.expect("the call begins");
    let twice = store.begin_call(new).await;
    assert!(matches!(twice, Err(Error::Taken(_))), "{twice:?}");
    assert_eq!(view(&store, service, &anna).await, Some([10_000_000, 4_000_000, 6_000_000]));
    assert_clean(&store).await;
}
