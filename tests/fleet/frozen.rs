//! A database server that is stopped where it is, under load, and goes on later: its connections are
//! open, and nothing is answered.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use stokehold_tests::http::Client;
use stokehold_tests::poll;
use stokehold_tests::postgres::Postgres;
use stokehold_tests::server::Server;
use stokehold_tests::{guest, upload};

use crate::{assert_clean, directory};

/// When clients of the protocol give up.
const PATIENCE: Duration = Duration::from_secs(15);

/// How many clients there are.
const CLIENTS: usize = 12;

/// How much each does before the server is stopped, and after it goes on.
const TIMES: usize = 20;

/// What the clients have seen so far, together.
#[derive(Default)]
struct Seen {
    captured: AtomicUsize,
    /// How many were told, since the server was stopped, that something is wrong.
    told: AtomicUsize,
    /// Whether they may end.
    is_over: AtomicBool,
}

/// Has the clients end, also where the test has failed.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Makes holds and captures them, each until it is done, and answers how many.
fn work(client: &Client, key: &str, number: usize, seen: &Seen) -> usize {
    let mut done = 0;
    let mut was_told = false;
    // What was not answered for sure is asked for again, until it is.
    let mut until_done = |path: &str, params: &Value| loop {
        let reply = client.try_rpc(path, params);
        let reply = reply.unwrap_or_else(|error| panic!("{path} has no answer in time: {error}"));
        assert_eq!(reply.status, 200, "{}", reply.text);
        let answer = reply.json();
        match answer.get("error") {
            None => return answer["result"].clone(),
            Some(error) => {
                assert!(!error["data"]["message"].as_str().expect("a text").is_empty(), "{error}");
                if !std::mem::replace(&mut was_told, true) {
                    seen.told.fetch_add(1, Ordering::SeqCst);
                }
            }
        }
    };
    while !seen.is_over.load(Ordering::SeqCst) {
        let description = format!("{number}-{done}");
        let hold = json!({ "key": key, "account_token": "anna", "credit": 1,
                           "description": description });
        let token = until_done("/iap/1/authorize", &hold);
        until_done("/iap/1/capture", &json!({ "key": key, "token": token }));
        done += 1;
        seen.captured.fetch_add(1, Ordering::SeqCst);
    }
    done
}

#[test]
fn a_server_that_is_stopped_where_it_is_keeps_nobody_waiting() {
    let postgres = Postgres::start();
    let data = directory();
    let host = Server::sandbox_on(&postgres.url(), data.path());
    let key = host.register("teller");
    host.grant("teller", "anna", &json!(1_000_000));
    let client = host.client().within(PATIENCE);
    let seen = Seen::default();
    let mut read = Vec::new();
    let is_ready = || client.get("/readyz").status == 200;
    let all_do = |what: &str| {
        let enough = seen.captured.load(Ordering::SeqCst) + CLIENTS * TIMES;
        poll::until(what, || (seen.captured.load(Ordering::SeqCst) >= enough).then_some(()));
    };
    let done: usize = thread::scope(|scope| {
        let over = Over(&seen.is_over);
        let (client, key, seen) = (&client, key.as_str(), &seen);
        let work = |number| scope.spawn(move || work(client, key, number, seen));
        let working: Vec<_> = (0..CLIENTS).map(work).collect();
        all_do("work before");
        let frozen = postgres.freeze();
        poll::until("readiness ends", || (!is_ready()).then_some(()));
        poll::until("each client is told", || {
            // What only reads is answered as well.
            let of = json!({ "service_name": "teller", "account_token": "anna" });
            read.push(client.try_rpc("/iap/1/balance", &of));
            (seen.told.load(Ordering::SeqCst) == CLIENTS).then_some(())
        });
        drop(frozen);
        poll::until("readiness comes back", || is_ready().then_some(()));
        all_do("work after");
        drop(over);
        working.into_iter().map(|client| client.join().expect("all is answered")).sum()
    });
    for reply in read {
        let reply = reply.expect("the balance has no answer in time");
        assert!(reply.json()["error"]["data"]["message"].is_string(), "{}", reply.text);
    }
    // Each hold exactly once, however often it was asked for, and captured.
    let count = postgres.sql("SELECT count(*), sum(captured) FROM hold WHERE state = 1");
    assert_eq!(count, format!("{done}|{}", done * 1_000_000));
    assert_eq!(postgres.sql("SELECT count(*) FROM hold"), done.to_string());
    assert_eq!(host.account("teller", "anna")["balance"], 1_000_000 - done);
    assert_clean(&postgres);
}

#[test]
fn a_call_that_ends_while_nothing_can_be_written_is_paid_once_that_is_possible() {
    let postgres = Postgres::start();
    let data = directory();
    let host = Server::sandbox_on(&postgres.url(), data.path());
    host.register("worker");
    let manifest = upload::manifest("worker", "credits_per_call = 1\n");
    let manifest = manifest.replace("10_000_000", "1_000_000_000_000");
    // A second or a few, so that it ends after the server was stopped.
    let component = guest::working(2_000_000_000);
    upload::upload(&host.operator(), "worker", &manifest, &component).expect(201);
    host.grant("worker", "anna", &json!(10));
    let client = host.client().with("Idempotency-Key", "once");
    let call = || client.try_rpc("/services/worker/do", &json!({ "account_token": "anna" }));
    let told = thread::scope(|scope| {
        let calling = scope.spawn(call);
        host.await_hold("worker", "anna");
        let _frozen = postgres.freeze();
        calling.join().expect("the client ends")
    });
    let told = told.expect("an answer").json();
    assert!(told["error"]["data"]["message"].is_string(), "nobody says it was paid: {told}");

    poll::until("the call is settled", || {
        (postgres.sql("SELECT status FROM call") == "captured").then_some(())
    });
    assert_eq!(host.account("worker", "anna")["balance"], 9);
    let again = call().expect("an answer").json();
    assert!(again.get("error").is_none(), "a repeat has the result: {again}");
    assert_eq!(host.account("worker", "anna")["balance"], 9);
    assert_eq!(postgres.sql("SELECT count(*) FROM call"), "1");
    assert_clean(&postgres);
}
