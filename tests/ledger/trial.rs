//! Trial credits: once for each service and database, and never in the way of what is bought.

use std::sync::Arc;

use stokehold_ledger::{AccountToken, Credits, HoldId, Refusal, ServiceId};
use stokehold_store::{Error, NewCall, NewHold, ServiceChange, Store};
use tokio::task::JoinSet;

use crate::fixture::{
    assert_clean, credits, give, new_call, new_hold, service_with_trial, token, version, view,
};
use crate::home::{Home, in_each_home};

in_each_home! {
    first_uses_at_once_are_granted_one_trial,
    a_trial_stays_where_the_hold_is_refused,
    a_request_that_can_never_be_held_takes_no_trial,
    a_trial_that_does_not_fit_waits_and_is_in_nobodys_way,
}

/// A store with a service of 3 micro-credits on trial and an eligible database.
async fn town(home: &Home) -> (Arc<Store>, ServiceId) {
    let store = home.open().await;
    let service = service_with_trial(&store, "coalroller", 3).await;
    store.set_eligible("db".into(), true).await.expect("the database is eligible");
    (Arc::new(store), service)
}

async fn hold_from(
    store: &Store,
    service: ServiceId,
    account: &AccountToken,
    micros: i64,
) -> Result<HoldId, Error> {
    let dbuuid = Some("db".into());
    store.authorize(NewHold { dbuuid, ..new_hold(service, account, micros) }).await
}

async fn first_uses_at_once_are_granted_one_trial(home: Home) {
    let (store, service) = town(&home).await;
    let version = version(&store, service).await;
    let mut tasks = JoinSet::new();
    for number in 0..50 {
        let (store, anna) = (store.clone(), token("anna"));
        tasks.spawn(async move {
            if number % 5 != 0 {
                return hold_from(&store, service, &anna, 1).await.map(drop);
            }
            let call = new_call(service, version, &anna, 1);
            store.begin_call(NewCall { dbuuid: Some("db".into()), ..call }).await
        });
    }
    let answers = tasks.join_all().await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 3, "{answers:?}");
    assert_eq!(view(&store, service, &token("anna")).await, Some([3, 3, 0]));
    // The database has had its trial, whichever account asks next.
    let next = hold_from(&store, service, &token("ben"), 1).await;
    assert!(matches!(next, Err(Error::Refused(Refusal::UnknownAccount))), "{next:?}");
    assert_clean(&store).await;
}

async fn a_trial_stays_where_the_hold_is_refused(home: Home) {
    let (store, service) = town(&home).await;
    let anna = token("anna");
    let refused = hold_from(&store, service, &anna, 4).await;
    let right = Refusal::InsufficientCredits { needed: credits(4), available: credits(3) };
    assert!(matches!(refused, Err(Error::Refused(why)) if why == right), "{refused:?}");
    assert_eq!(view(&store, service, &anna).await, Some([3, 0, 3]));
    assert_clean(&store).await;
}

async fn a_request_that_can_never_be_held_takes_no_trial(home: Home) {
    let (store, service) = town(&home).await;
    let (version, anna) = (version(&store, service).await, token("anna"));
    let above = Credits::OPERATION_MAX.micros() + 1;
    for micros in [0, above] {
        hold_from(&store, service, &anna, micros).await.expect_err("it is refused");
    }
    let call = NewCall { dbuuid: Some("db".into()), ..new_call(service, version, &anna, above) };
    store.begin_call(call).await.expect_err("it is refused");
    assert_eq!(view(&store, service, &anna).await, None);
}

async fn a_trial_that_does_not_fit_waits_and_is_in_nobodys_way(home: Home) {
    let (store, service) = town(&home).await;
    let anna = token("anna");
    let (most, full) = (Credits::OPERATION_MAX.micros(), Credits::ACCOUNT_MAX.micros());
    for _ in 0..4 {
        give(&store, service, &anna, most).await;
    }
    let hold = hold_from(&store, service, &anna, 3).await.expect("there are credits");
    assert_eq!(view(&store, service, &anna).await, Some([full, 3, full - 3]));
    store.capture(service, hold, None).await.expect("a capture");
    hold_from(&store, service, &anna, 1).await.expect("a hold");
    assert_eq!(view(&store, service, &anna).await, Some([full, 1, full - 1]));
    // Nor is one that is more than anybody may be given at once.
    let trial_credits = Some(credits(most + 1));
    let change = ServiceChange { trial_credits, ..ServiceChange::default() };
    store.change_service(service, change).await.expect("a change");
    store.set_eligible("db".into(), false).await.expect("it was eligible");
    store.set_eligible("db".into(), true).await.expect("it is again");
    hold_from(&store, service, &anna, 1).await.expect("a hold");
    assert_clean(&store).await;
}
