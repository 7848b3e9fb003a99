//! Requests that are sent again: they happen once, and are answered alike.

use std::collections::HashSet;
use std::sync::Arc;

use stokehold_ledger::{Refusal, ServiceId};
use stokehold_store::{Error, NewHold, Store};
use tempfile::tempdir;
use tokio::task::JoinSet;

use crate::fixture::{
    assert_clean, beside, credits, give, new_hold, once, open, service, token, view,
};
use crate::home::{Home, in_each_home};

in_each_home! {
    repeats_at_once_make_one_hold_and_are_told_the_same,
    a_refusal_is_repeated_word_for_word,
    a_key_of_the_providers_own_is_the_one_that_counts,
}

async fn town(home: &Home) -> (Arc<Store>, ServiceId) {
    let store = home.open().await;
    let service = service(&store, "coalroller").await;
    (Arc::new(store), service)
}

/// A hold of 7 for anna, under a key of the provider's own.
fn keyed(service: ServiceId, key: &str, fingerprint: &str) -> NewHold {
    NewHold { once: Some(once(key, fingerprint)), ..new_hold(service, &token("anna"), 7) }
}

async fn repeats_at_once_make_one_hold_and_are_told_the_same(home: Home) {
    let (store, service) = town(&home).await;
    give(&store, service, &token("anna"), 1_000).await;
    let by_key = keyed(service, "key", "1");
    let by_text = NewHold { request: Some([1; 32]), ..new_hold(service, &token("anna"), 7) };
    let mut tasks = JoinSet::new();
    for number in 0..100 {
        let new = if number % 2 == 0 { by_key.clone() } else { by_text.clone() };
        let store = store.clone();
        tasks.spawn(async move { store.authorize(new).await.expect("a hold") });
    }
    let holds: HashSet<_> = tasks.join_all().await.into_iter().collect();
    assert_eq!(holds.len(), 2, "one by the key, and one by the text");
    assert_eq!(view(&store, service, &token("anna")).await, Some([1_000, 14, 986]));
    assert_clean(&store).await;
}

async fn a_refusal_is_repeated_word_for_word(home: Home) {
    let (store, service) = town(&home).await;
    let anna = token("anna");
    let ask = async |key| match store.authorize(keyed(service, key, "1")).await {
        Err(Error::Refused(refusal)) => refusal,
        other => panic!("not refused: {other:?}"),
    };
    assert_eq!(ask("unknown").await, Refusal::UnknownAccount);
    give(&store, service, &anna, 5).await;
    let short = Refusal::InsufficientCredits { needed: credits(7), available: credits(5) };
    assert_eq!(ask("short").await, short);
    give(&store, service, &anna, 5).await;
    assert_eq!(ask("unknown").await, Refusal::UnknownAccount);
    assert_eq!(ask("short").await, short);
    // Without a key of its own a request that was refused may be tried again.
    let new = NewHold { request: Some([1; 32]), ..new_hold(service, &anna, 17) };
    store.authorize(new.clone()).await.expect_err("it is refused");
    give(&store, service, &anna, 10).await;
    store.authorize(new).await.expect("a hold");
}

async fn a_key_of_the_providers_own_is_the_one_that_counts(home: Home) {
    let (store, service) = town(&home).await;
    give(&store, service, &token("anna"), 100).await;
    let asked = |key| NewHold { request: Some([1; 32]), ..keyed(service, key, "1") };
    let first = store.authorize(asked("first")).await.expect("a hold");
    // Clients that number no messages send the same text for another hold; the key tells.
    let second = store.authorize(asked("second")).await.expect("a hold");
    assert_ne!(first, second);
    assert_eq!(store.authorize(asked("first")).await.expect("a repeat"), first);
    let other = store.authorize(keyed(service, "first", "2")).await;
    assert!(matches!(other, Err(Error::IdempotencyConflict)), "{other:?}");
    assert_eq!(view(&store, service, &token("anna")).await, Some([100, 14, 86]));
}

#[tokio::test]
async fn an_answer_is_forgotten_after_a_day() {
    let directory = tempdir().expect("a directory");
    let store = open(directory.path());
    let service = service(&store, "coalroller").await;
    give(&store, service, &token("anna"), 100).await;
    let first = store.authorize(keyed(service, "key", "1")).await.expect("a hold");
    let ages = [23 * 3_600, 24 * 3_600];
    let mut store = Some(store);
    let mut holds = Vec::new();
    for seconds in ages {
        drop(store.take());
        let sql = "UPDATE replay SET at = (SELECT last_instant FROM instance) - ?1 * 1000000, \
                   day = ((SELECT last_instant FROM instance) - ?1 * 1000000) / 86400000000";
        beside(directory.path()).execute(sql, [seconds]).expect("it is older");
        let again = store.insert(open(directory.path()));
        holds.push(again.authorize(keyed(service, "key", "1")).await.expect("a hold"));
    }
    assert_eq!(holds[0], first, "within a day");
    assert_ne!(holds[1], first, "after it");
    // Nor is it kept for nobody.
    let sql = "UPDATE replay SET at = 0, day = 0 WHERE day = (SELECT min(day) FROM replay)";
    assert_eq!(beside(directory.path()).execute(sql, []), Ok(1));
    let store = store.expect("it is open");
    store.expire_holds().await.expect("old answers are dropped");
    let sql = "SELECT count(*) FROM replay";
    let left = beside(directory.path()).query_row(sql, [], |row| row.get::<_, i64>(0));
    assert_eq!(left, Ok(1), "only the latest is left");
}
