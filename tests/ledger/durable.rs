//! A store that is closed and opened again, and who may open it.

use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use stokehold_ledger::{Credits, HoldId, Refusal, Span, Timestamp};
use stokehold_store::{Audit, CallStatus, Mode, NewCall, NewHold, OpenError, Settlement};
use tempfile::tempdir;
use tokio::task::JoinSet;

use crate::fixture::{
    SEED, assert_clean, beside, buy, credits, give, hold, new_call, new_hold, open, pack, service,
    spent, statement, token, try_open, version, view,
};

#[tokio::test]
async fn a_store_that_is_opened_again_has_everything() {
    let directory = tempdir().expect("a directory");
    let (anna, end) = (token("anna"), Timestamp(i64::MAX));
    let store = open(directory.path());
    let service = service(&store, "coalroller").await;
    give(&store, service, &anna, 10_000_000).await;
    let open_hold = hold(&store, service, &anna, 2_000_000).await;
    let captured = hold(&store, service, &anna, 3_000_000).await;
    store.capture(service, captured, Some(credits(1))).await.expect("a capture");
    let lines = statement(&store, service, &anna, end).await;
    let now = store.now();
    drop(store);

    let other_seed = [8; 32];
    let store = try_open(directory.path(), Mode::Sandbox, other_seed).expect("it opens");
    assert_eq!(store.secret(), &SEED, "a store keeps its secret");
    assert!(store.now() > now, "time does not go back");
    assert_eq!(view(&store, service, &anna).await, Some([9_999_999, 2_000_000, 7_999_999]));
    assert_eq!(statement(&store, service, &anna, end).await, lines);
    let taken = store.capture(service, open_hold, None).await;
    assert_eq!(taken.expect("a capture"), credits(2_000_000));
    let again = store.capture(service, captured, None).await;
    assert_eq!(again.expect("it stays as it was"), credits(1));
    assert_clean(&store).await;
}

#[tokio::test]
async fn a_second_store_is_refused_until_the_first_is_closed() {
    let directory = tempdir().expect("a directory");
    let store = open(directory.path());
    let second = || try_open(directory.path(), Mode::Sandbox, SEED);
    assert!(matches!(second(), Err(OpenError::Locked { .. })));
    let audit = Audit::open(directory.path()).expect("an audit needs no lock");
    assert_eq!(audit.verify().expect("verify runs"), []);
    drop(store);
    assert!(second().is_ok());
}

#[test]
fn sandbox_and_production_do_not_mix() {
    for made in [Mode::Sandbox, Mode::Production] {
        let directory = tempdir().expect("a directory");
        for asked in [made, Mode::Sandbox, Mode::Production] {
            let opened = try_open(directory.path(), asked, SEED);
            if asked == made {
                assert_eq!(opened.map(|store| store.mode()).ok(), Some(made));
            } else {
                assert!(matches!(opened, Err(OpenError::OtherMode { .. })));
            }
        }
    }
}

/// A later program that is started in the wrong mode must not bring the tables up to date first.
#[test]
fn a_store_of_the_other_mode_is_left_as_it_is() {
    let directory = tempdir().expect("a directory");
    drop(open(directory.path()));
    let older = "DELETE FROM refinery_schema_history";
    assert!(beside(directory.path()).execute(older, []).expect("it is altered") > 0);
    let file = || std::fs::read(directory.path().join("stokehold.db")).expect("it is read");
    let before = file();
    let opened = try_open(directory.path(), Mode::Production, SEED);
    assert!(matches!(opened, Err(OpenError::OtherMode { .. })), "{:?}", opened.err());
    assert!(file() == before, "the file was altered");
}

#[test]
fn an_audit_makes_nothing() {
    let directory = tempdir().expect("a directory");
    assert!(matches!(Audit::open(directory.path()), Err(OpenError::Missing { .. })));
    assert_eq!(std::fs::read_dir(directory.path()).expect("it is read").count(), 0);
}

#[tokio::test]
async fn calls_that_were_cut_off_are_cancelled() {
    let directory = tempdir().expect("a directory");
    let anna = token("anna");
    let store = open(directory.path());
    let service = service(&store, "coalroller").await;
    let version = version(&store, service).await;
    give(&store, service, &anna, 10_000_000).await;
    let mut calls = Vec::new();
    for micros in [1_000_000, 2_000_000, 0, 3_000_000] {
        let new = new_call(service, version, &anna, micros);
        calls.push(new.id);
        store.begin_call(new).await.expect("the call begins");
    }
    let ended = calls.pop().expect("the last one");
    let whole = Settlement::Capture(credits(3_000_000));
    store.settle_call(ended, whole, spent("ok")).await.expect("it ends");
    drop(store);

    let store = open(directory.path());
    assert_eq!(view(&store, service, &anna).await, Some([7_000_000, 3_000_000, 4_000_000]));
    assert_eq!(store.recover_calls().await.expect("they are recovered"), 3);
    assert_eq!(store.recover_calls().await.expect("nothing is left"), 0);
    for call in calls {
        let record = store.call(call).await.expect("it is read").expect("there is one");
        assert_eq!(record.status, CallStatus::Cancelled);
        assert_eq!(record.outcome.as_deref(), Some("host-stopped"));
        assert_eq!(record.credits_captured, Credits::ZERO);
    }
    assert_eq!(view(&store, service, &anna).await, Some([7_000_000, 0, 7_000_000]));
    assert_clean(&store).await;
}

#[tokio::test]
async fn one_hold_that_was_altered_does_not_stop_the_ledger() {
    let directory = tempdir().expect("a directory");
    let anna = token("anna");
    let store = open(directory.path());
    let service = service(&store, "coalroller").await;
    give(&store, service, &anna, 10_000_000).await;
    let ttl = Span::from_micros(0).expect("a span");
    let due = NewHold { ttl, ..new_hold(service, &anna, 2_000_000) };
    store.authorize(due).await.expect("a hold");
    let sql = "UPDATE account_balance SET held = 1";
    beside(directory.path()).execute(sql, []).expect("it is altered");
    give(&store, service, &anna, 1).await;
    assert!(!store.verify().await.expect("verify runs").is_empty());
}

#[tokio::test]
async fn what_was_written_once_is_not_altered() {
    let directory = tempdir().expect("a directory");
    let anna = token("anna");
    let store = open(directory.path());
    let service = service(&store, "coalroller").await;
    let pack = pack(&store, service, 10_000_000, 500).await;
    buy(&store, &anna, &pack).await;
    let ended = hold(&store, service, &anna, 2).await;
    let open_hold = hold(&store, service, &anna, 3).await;
    store.capture(service, ended, None).await.expect("a capture");
    drop(store);

    let db = beside(directory.path());
    for (sql, why) in [
        ("UPDATE posting SET earned = earned + 1", "postings are immutable"),
        ("UPDATE posting SET reason = 'another'", "postings are immutable"),
        ("DELETE FROM posting", "postings are immutable"),
        ("UPDATE purchase SET price_cents = price_cents + 1", "an order keeps its terms"),
        ("DELETE FROM purchase", "orders are kept"),
        ("UPDATE hold SET amount = amount + 1 WHERE state = 0", "a hold keeps its terms"),
        ("UPDATE hold SET state = 2, captured = 0 WHERE state = 1", "a hold ends once"),
        ("DELETE FROM hold", "holds are kept"),
    ] {
        let error = db.execute(sql, []).expect_err(sql);
        assert_eq!(error.to_string(), why, "{sql}");
    }
    assert_eq!(state(&db, open_hold), 0);
}

fn state(db: &Connection, hold: HoldId) -> i64 {
    let sql = "SELECT state FROM hold WHERE id = ?1";
    db.query_row(sql, [hold.0.as_bytes()], |row| row.get(0)).expect("a hold")
}

/// More holds than are expired before one write; they are available all the same.
#[tokio::test]
async fn holds_that_are_due_set_nothing_aside_however_many_they_are() {
    let directory = tempdir().expect("a directory");
    let anna = token("anna");
    let store = Arc::new(open(directory.path()));
    let service = service(&store, "coalroller").await;
    let version = version(&store, service).await;
    give(&store, service, &anna, 1_200).await;
    let ttl = Span::from_micros(3_600_000_000).expect("a span");
    let mut tasks = JoinSet::new();
    for _ in 0..1_100 {
        let (store, new) = (store.clone(), NewHold { ttl, ..new_hold(service, &anna, 1) });
        tasks.spawn(async move { store.authorize(new).await });
    }
    assert!(tasks.join_all().await.iter().all(Result::is_ok));
    let call = NewCall { ttl, ..new_call(service, version, &anna, 100) };
    let id = call.id;
    store.begin_call(call).await.expect("the call begins");
    drop(Arc::into_inner(store).expect("nobody else has it"));
    two_hours_pass(directory.path());

    let store = open(directory.path());
    assert_eq!(view(&store, service, &anna).await, Some([1_200, 0, 1_200]));
    // The call's hold was made last, and is not among those that this write expires first.
    let settled = store.settle_call(id, Settlement::Capture(credits(100)), spent("ok")).await;
    assert_eq!(settled.expect("an answer"), (Credits::ZERO, Some(Refusal::Expired)));
    assert_clean(&store).await;
    hold(&store, service, &anna, 1_200).await;
    assert_eq!(view(&store, service, &anna).await, Some([1_200, 1_200, 0]));
    assert_clean(&store).await;
}

#[tokio::test]
async fn an_order_is_taken_back_however_many_holds_are_due() {
    let directory = tempdir().expect("a directory");
    let anna = token("anna");
    let store = open(directory.path());
    let service = service(&store, "coalroller").await;
    let order = buy(&store, &anna, &pack(&store, service, 1_200, 500).await).await;
    let ttl = Span::from_micros(3_600_000_000).expect("a span");
    let store = Arc::new(store);
    let mut tasks = JoinSet::new();
    for _ in 0..600 {
        let (store, new) = (store.clone(), NewHold { ttl, ..new_hold(service, &anna, 2) });
        tasks.spawn(async move { store.authorize(new).await });
    }
    assert!(tasks.join_all().await.iter().all(Result::is_ok));
    drop(Arc::into_inner(store).expect("nobody else has it"));
    two_hours_pass(directory.path());

    let store = open(directory.path());
    store.refund_order(order.id, "unused".into()).await.expect("nothing of it is held");
    assert_eq!(view(&store, service, &anna).await, Some([0, 0, 0]));
    assert_clean(&store).await;
}

fn two_hours_pass(directory: &Path) {
    let sql = "UPDATE instance SET last_instant = last_instant + 2 * 3600000000";
    beside(directory).execute(sql, []).expect("two hours pass");
}
