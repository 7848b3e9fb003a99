//! What is PostgreSQL's own: many hosts on one database, and a server that goes away.

use std::collections::HashSet;
use std::sync::Arc;

use stokehold_ledger::{AccountToken, Credits, HoldId, Refusal, ServiceId};
use stokehold_store::{
    Address, Audit, CallStatus, DatabaseAddress, Error, NewHold, Store, WarningSettings,
};
use stokehold_tests::postgres::{Down, Postgres};
use tokio::task::JoinSet;

use crate::fixture::{
    assert_clean, connect, credits, give, hold, new_call, new_hold, once, service, token, version,
    view,
};
use crate::tamper::furnish;

/// Two hosts on one database, with one service that both know of.
async fn town(server: &Postgres) -> ([Arc<Store>; 2], ServiceId) {
    let one = Arc::new(connect(server).await);
    let service = service(&one, "coalroller").await;
    ([one, Arc::new(connect(server).await)], service)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn holds_on_two_hosts_at_once_fit_the_balance_exactly() {
    let server = Postgres::start();
    let (hosts, service) = town(&server).await;
    let anna = token("anna");
    give(&hosts[0], service, &anna, 50_000_000).await;
    let mut asked = JoinSet::new();
    for number in 0..200 {
        let (host, anna) = (hosts[number % 2].clone(), anna.clone());
        asked.spawn(async move { host.authorize(new_hold(service, &anna, 700_000)).await });
    }
    let answers = asked.join_all().await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 71);
    let (needed, available) = (credits(700_000), credits(300_000));
    let right = Refusal::InsufficientCredits { needed, available };
    for refused in answers.into_iter().filter_map(Result::err) {
        assert!(matches!(refused, Error::Refused(refusal) if refusal == right), "{refused}");
    }
    for host in &hosts {
        assert_eq!(view(host, service, &anna).await, Some([50_000_000, 49_700_000, 300_000]));
        assert_clean(host).await;
    }
}

/// Accounts in every order, captures and cancels of the same holds, one key from both hosts.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_hosts_behave_as_one() {
    let server = Postgres::start();
    let (hosts, service) = town(&server).await;
    let accounts = ["anna", "ben", "cleo", "dora"].map(token);
    for account in &accounts {
        give(&hosts[1], service, account, 1_000_000).await;
    }
    let mut holds = Vec::new();
    for number in 0..60 {
        holds.push(hold(&hosts[number % 2], service, &accounts[number % 4], 100).await);
    }
    let mut ending = JoinSet::new();
    for (number, hold) in holds.iter().copied().chain(holds.iter().rev().copied()).enumerate() {
        let host = hosts[number % 2].clone();
        ending.spawn(async move {
            match number % 3 {
                0 => host.cancel(service, hold).await.map(|()| 0),
                _ => host.capture(service, hold, None).await.map(Credits::micros),
            }
        });
    }
    ending.join_all().await;
    let mut keyed = JoinSet::new();
    for number in 0..80 {
        let (host, account) = (hosts[number % 2].clone(), accounts[0].clone());
        let once = Some(once(&format!("key {}", number % 5), ""));
        let new = NewHold { once, ..new_hold(service, &account, 7) };
        keyed.spawn(async move { host.authorize(new).await.expect("a hold") });
    }
    let keyed: HashSet<HoldId> = keyed.join_all().await.into_iter().collect();
    assert_eq!(keyed.len(), 5, "one hold a key, whichever host was asked");
    assert_clean(&hosts[0]).await;
    let held = server.sql("SELECT sum(held) FROM account");
    assert_eq!(held, "35", "all other holds have ended");
    let posted = server.sql("SELECT count(*) FROM posting WHERE kind = 3");
    let captured = server.sql("SELECT count(*) FROM hold WHERE state = 1");
    assert_eq!(posted, captured);
}

#[tokio::test]
async fn what_one_host_changes_of_a_service_the_others_hear_of() {
    let server = Postgres::start();
    let (hosts, service) = town(&server).await;
    let before = hosts[1].catalogue_version().await.expect("it is read");
    hosts[0].set_service_key(service, [9; 32]).await.expect("a key");
    assert!(hosts[1].catalogue_version().await.expect("it is read") > before);
    let found = hosts[1].service("coalroller".into()).await.expect("it is read");
    assert_eq!(found.expect("the service").key_hash, [9; 32]);
}

#[tokio::test]
async fn the_calls_of_a_host_that_is_gone_are_cancelled_by_another() {
    let server = Postgres::start();
    let ([gone, other], service) = town(&server).await;
    let (version, anna) = (version(&gone, service).await, token("anna"));
    give(&gone, service, &anna, 10).await;
    let [of_gone, of_other] = [&gone, &other].map(|host| {
        let new = new_call(service, version, &anna, 3);
        (new.id, host.begin_call(new))
    });
    of_gone.1.await.expect("a call");
    of_other.1.await.expect("a call");
    assert_eq!(other.recover_calls().await.expect("they are looked at"), 0, "both are alive");
    server.sql("UPDATE host SET lease_until = 0 WHERE id = (SELECT min(id) FROM host)");
    assert_eq!(other.recover_calls().await.expect("they are looked at"), 1);
    let status = async |call| other.call(call).await.expect("it is read").expect("one").status;
    assert_eq!(status(of_gone.0).await, CallStatus::Cancelled);
    assert_eq!(status(of_other.0).await, CallStatus::Running);
    assert_eq!(view(&other, service, &anna).await, Some([10, 3, 7]));
    assert_clean(&other).await;
}

#[tokio::test]
async fn a_mail_is_one_hosts_to_send_until_that_is_gone() {
    let server = Postgres::start();
    let ([gone, other], service) = town(&server).await;
    let anna = token("anna");
    warn(&gone, service, &anna).await;
    let claimed = gone.claim_warnings(9).await.expect("they are claimed");
    assert_eq!(claimed.len(), 1);
    assert_eq!(gone.claim_warnings(9).await.expect("still its own"), claimed);
    assert_eq!(other.claim_warnings(9).await.expect("nothing is left"), []);
    drop(gone);
    assert_eq!(other.claim_warnings(9).await.expect("they are claimed"), claimed);
}

/// The account falls to its threshold.
async fn warn(store: &Store, service: ServiceId, account: &AccountToken) {
    give(store, service, account, 10).await;
    let addresses = vec![Address { email: "anna@example.com".into(), lang: String::new() }];
    let change = WarningSettings { threshold: Some(credits(5)), addresses: Some(addresses) };
    store.set_warning(account.key(), change).await.expect("it is set");
    hold(store, service, account, 6).await;
}

/// What one task was told of its holds: those that are captured, and those whose end is not known.
#[derive(Default)]
struct Told {
    captured: Vec<HoldId>,
    uncertain: usize,
}

/// A server that is killed, or stopped without a checkpoint, and comes back, under load.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_comes_back_has_all_that_was_told() {
    let mut server = Postgres::start();
    let ([store, _], service) = town(&server).await;
    let anna = token("anna");
    give(&store, service, &anna, 1_000_000_000).await;
    let mut tasks = JoinSet::new();
    let (done, mut seen) = tokio::sync::mpsc::unbounded_channel();
    for _ in 0..16 {
        let (store, anna, done) = (store.clone(), anna.clone(), done.clone());
        tasks.spawn(async move {
            let mut told = Told::default();
            while !done.is_closed() {
                work(&store, service, &anna, &mut told).await;
                let _ = done.send(());
            }
            told
        });
    }
    for how in [Down::Kill, Down::Immediate, Down::Kill] {
        for _ in 0..200 {
            seen.recv().await.expect("somebody works");
        }
        server = tokio::task::spawn_blocking(move || {
            server.down(how);
            server.up();
            server
        })
        .await
        .expect("it comes back");
    }
    for _ in 0..200 {
        seen.recv().await.expect("somebody works");
    }
    drop(seen);
    let told = tasks.join_all().await;
    store.ping().await.expect("the store is well");
    assert_clean(&store).await;
    let captured: HashSet<String> = server
        .sql("SELECT encode(id, 'hex') FROM hold WHERE state = 1")
        .lines()
        .map(str::to_owned)
        .collect();
    let acknowledged: Vec<_> = told.iter().flat_map(|told| &told.captured).collect();
    assert!(acknowledged.len() > 100);
    for hold in &acknowledged {
        assert!(captured.contains(&hold.to_string()), "hold {hold} was captured, and is lost");
    }
    let uncertain: usize = told.iter().map(|told| told.uncertain).sum();
    assert!(captured.len() <= acknowledged.len() + uncertain, "more than was asked for");
}

/// A hold and its capture; an answer that nothing was written, or that nobody knows, is one.
async fn work(store: &Store, service: ServiceId, account: &AccountToken, told: &mut Told) {
    let uncertain = |error: &Error| matches!(error, Error::NotWritten | Error::OutcomeUnknown);
    let hold = match store.authorize(new_hold(service, account, 1)).await {
        Ok(hold) => hold,
        Err(error) => return assert!(uncertain(&error), "{error}"),
    };
    match store.capture(service, hold, None).await {
        Ok(_) => told.captured.push(hold),
        Err(error) => {
            assert!(uncertain(&error), "{error}");
            told.uncertain += 1;
        }
    }
}

/// One micro-credit, or one reference, of one row, with everything off that would stop it.
const TAMPERED: &[&str] = &[
    "UPDATE account SET balance = balance + 1 WHERE id = 1",
    "UPDATE account SET held = held - 1 WHERE id = 1",
    "UPDATE hold SET amount = amount + 1 WHERE state = 0 AND amount = 700000",
    "UPDATE hold SET amount = amount + 1 WHERE state = 1 AND amount = 700000",
    "UPDATE hold SET amount = amount - 1 WHERE state = 2 AND amount = 700000",
    "UPDATE hold SET captured = captured + 1 WHERE state = 1 AND amount = 700000",
    "UPDATE hold SET description = 'Gold' WHERE description = 'Coal'",
    "UPDATE entry SET amount = amount + 1 WHERE posting_id = 1 AND book = 0",
    "UPDATE entry SET amount = amount + 1 WHERE posting_id = 1 AND book = 1",
    "UPDATE entry SET amount = amount + CASE book WHEN 0 THEN -1 ELSE 1 END WHERE posting_id = 1",
    "UPDATE purchase SET credits = credits + 1 WHERE status = 'pending'",
    "UPDATE purchase SET price_cents = price_cents - 1 WHERE status = 'paid'",
    "UPDATE outbox SET available = available + 1",
    "UPDATE call SET credits = credits + 1 WHERE credits > 0",
    "UPDATE posting SET account_id = 9 WHERE id = 1",
    "UPDATE posting SET hold_id = '\\x00' WHERE kind = 3",
    "DELETE FROM entry WHERE posting_id = 1",
    "DELETE FROM hold WHERE state = 2",
    "DELETE FROM trial",
];

#[tokio::test]
async fn verify_finds_what_was_altered() {
    let server = Postgres::start();
    furnish(&connect(&server).await).await;
    let address: DatabaseAddress = server.url().parse().expect("an address");
    let findings = move || {
        let audit = Audit::connect(&address).expect("it opens");
        audit.verify().expect("verify runs")
    };
    let findings = async || {
        let findings = findings.clone();
        tokio::task::spawn_blocking(findings).await.expect("no panic")
    };
    assert_eq!(findings().await, [], "before anything is altered");
    let mut missed = Vec::new();
    // What was altered is altered back by a copy of the tables.
    let tables = ["account", "hold", "entry", "purchase", "outbox", "call", "posting", "trial"];
    let off = "SET session_replication_role = replica;";
    for table in tables {
        server.sql(&format!("CREATE TABLE kept_{table} AS TABLE {table}"));
    }
    for sql in TAMPERED {
        server.sql(&format!("{off} {sql}"));
        if findings().await.is_empty() {
            missed.push(*sql);
        }
        for table in tables {
            let back = format!("DELETE FROM {table}; INSERT INTO {table} TABLE kept_{table};");
            server.sql(&format!("{off} {back}"));
        }
    }
    assert_eq!(missed, [""; 0]);
    assert_eq!(findings().await, [], "when all is back");
}
