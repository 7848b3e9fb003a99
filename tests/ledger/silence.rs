//! A PostgreSQL server that is there and says nothing: it was stopped, or the network swallows what is
//! sent. What it was sent before it may yet do, long after everybody has given it up.

use std::sync::Arc;

use stokehold_store::{Mode, OpenError};
use stokehold_tests::poll;
use stokehold_tests::postgres::Postgres;
use stokehold_tests::relay::{Cut, Relay};

use crate::fixture::{assert_clean, connect, give, new_hold, service, token, try_connect, view};

/// How many sessions wait for a lock that another has.
const WAITING: &str = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'";

/// The store gives up a commit and asks on a new session whether it took place, and only then does
/// the server hear of it: the answer is that it did, and nothing is done twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_commit_that_comes_after_it_was_given_up_is_waited_for() {
    let server = Postgres::forgetful();
    let (service, anna) = {
        let store = connect(&server).await;
        let (service, anna) = (service(&store, "coalroller").await, token("anna"));
        give(&store, service, &anna, 10).await;
        (service, anna)
    };
    let relay = Relay::start(server.address(), |commit| (commit == 0).then_some(Cut::Late));
    let url = Postgres::url_at(relay.address());
    let store = Arc::new(try_connect(&url, Mode::Sandbox).await.expect("a store"));
    let asking = {
        let (store, anna) = (store.clone(), anna.clone());
        tokio::spawn(async move { store.authorize(new_hold(service, &anna, 7)).await })
    };
    let asked = move || {
        poll::until("the fence is asked for", || (server.sql(WAITING) == "1").then_some(()));
        server
    };
    let server = tokio::task::spawn_blocking(asked).await.expect("somebody waits");
    assert_eq!(server.sql("SELECT count(*) FROM hold"), "0", "it has not committed yet");
    relay.release();
    let made = asking.await.expect("no panic").expect("a hold");
    assert_eq!(server.sql("SELECT encode(id, 'hex') FROM hold"), made.to_string());
    assert_eq!(view(&store, service, &anna).await, Some([10, 7, 3]));
    assert_clean(&store).await;
}

#[tokio::test]
async fn a_silent_server_cannot_be_opened() {
    let server = Postgres::forgetful();
    let frozen = server.freeze();
    let opened = try_connect(&server.url(), Mode::Sandbox).await;
    assert!(matches!(opened, Err(OpenError::NoAnswer(_))), "{:?}", opened.err());
    drop(frozen);
    assert_clean(&connect(&server).await).await;
}
