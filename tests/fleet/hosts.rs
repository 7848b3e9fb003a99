//! Two hosts on one database behave as one.

use std::thread;

use serde_json::{Value, json};
use stokehold_tests::guest::{self, Guest};
use stokehold_tests::http::Client;
use stokehold_tests::poll;
use stokehold_tests::postgres::Postgres;
use stokehold_tests::server::Server;
use stokehold_tests::upload;
use tempfile::TempDir;

use crate::{assert_clean, directory, ledger};

/// More fuel than any test burns, for one credit.
const LONG: &str = "1_000_000_000_000_000";

/// Two hosts, their database, and what little stands beside it.
struct Fleet {
    one: Server,
    other: Server,
    postgres: Postgres,
    _beside: [TempDir; 2],
}

impl Fleet {
    /// Starts both at the same moment, on an empty database.
    fn start() -> Self {
        let postgres = Postgres::start();
        let beside = [directory(), directory()];
        let url = postgres.url();
        let [one, other] = thread::scope(|scope| {
            let starting = beside.each_ref().map(|data| {
                let url = &url;
                scope.spawn(move || Server::sandbox_on(url, data.path()))
            });
            starting.map(|started| started.join().expect("the host starts"))
        });
        Self { one, other, postgres, _beside: beside }
    }

    /// Puts a guest on sale at the first host, waits until the second knows it, and answers the
    /// service key. Anna has so many credits.
    fn sell(&self, name: &str, manifest: &str, component: &[u8], credits: u32) -> String {
        let key = self.one.register(name);
        upload::upload(&self.one.operator(), name, manifest, component).expect(201);
        self.one.grant(name, "anna", &json!(credits));
        poll::until("the other host knows the service", || {
            let path = format!("/api/v1/services/{name}");
            let shown = self.other.operator().get(&path);
            (shown.status == 200 && !shown.json()["active_version"].is_null()).then_some(())
        });
        key
    }
}

/// A component that answers with this digit.
fn saying(digit: char) -> Vec<u8> {
    let fields = format!("(data (i32.const 128) \"{digit}\")");
    let handle = "(call $answer (i32.const 128) (i32.const 1))";
    Guest { fields: &fields, handle, ..Guest::default() }.component()
}

/// Holds one credit of Anna's. The same `description` is the same request once more.
fn authorize(host: &Client, key: &str, description: &str) -> Result<String, Value> {
    let params = json!({ "key": key, "account_token": "anna", "credit": 1,
                         "description": description });
    let answer = host.rpc("/iap/1/authorize", &params).expect(200);
    let token = answer["result"].as_str().map(str::to_owned);
    token.ok_or_else(|| answer["error"]["data"].clone())
}

fn is(error: &Value, class: &str) -> bool {
    error["name"].as_str().expect("a class").ends_with(class)
}

#[test]
fn holds_of_both_hosts_fit_the_account_exactly() {
    let fleet = Fleet::start();
    let key = fleet.sell("teller", &upload::manifest("teller", ""), &saying('1'), 10);
    let answers: Vec<_> = thread::scope(|scope| {
        let asking: Vec<_> = [&fleet.one, &fleet.other]
            .into_iter()
            .cycle()
            .take(16)
            .enumerate()
            .map(|(number, host)| {
                let (client, key) = (host.client(), &key);
                scope.spawn(move || {
                    ["first", "second"]
                        .map(|turn| authorize(&client, key, &format!("{turn} {number}")))
                })
            })
            .collect();
        asking.into_iter().flat_map(|asked| asked.join().expect("it is answered")).collect()
    });
    let (held, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!((held.len(), refused.len()), (10, 22));
    for error in refused.into_iter().filter_map(Result::err) {
        assert!(is(&error, "InsufficientCreditError"), "{error}");
    }
    // What one host holds the other ends.
    for (number, token) in held.into_iter().flatten().enumerate() {
        let (host, path) = if number % 2 == 0 {
            (&fleet.one, "/iap/1/capture")
        } else {
            (&fleet.other, "/iap/1/cancel")
        };
        host.client().rpc(path, &json!({ "key": key, "token": token })).result();
    }
    for host in [&fleet.one, &fleet.other] {
        let account = host.account("teller", "anna");
        assert_eq!((&account["balance"], &account["held"]), (&json!(5), &json!(0)));
    }
    assert_clean(&fleet.postgres);
    let statement = ledger("statement", &["teller", "anna", "--json"], &fleet.postgres.url());
    assert_eq!(statement.json()["balance"], 5);
}

#[test]
fn a_repeat_at_the_other_host_gets_the_first_answer() {
    let fleet = Fleet::start();
    let key = fleet.sell("teller", &upload::manifest("teller", ""), &saying('1'), 10);
    let first = authorize(&fleet.one.client(), &key, "it").expect("a hold");
    assert_eq!(authorize(&fleet.other.client(), &key, "it"), Ok(first));
    let params = json!({ "account_token": "anna" });
    let calls = [&fleet.one, &fleet.other].map(|host| {
        let client = host.client().with("Idempotency-Key", "k");
        client.rpc("/services/teller/say", &params).header("stokehold-call").to_owned()
    });
    assert!(!calls[0].is_empty() && calls[0] == calls[1], "{calls:?}");
    assert_eq!(fleet.other.account("teller", "anna")["held"], 1);
    assert_clean(&fleet.postgres);
}

#[test]
fn what_one_host_changes_reaches_the_other() {
    let fleet = Fleet::start();
    let manifest = upload::manifest("teller", "");
    let key = fleet.sell("teller", &manifest, &saying('1'), 100_000);
    let params = json!({ "account_token": "anna" });
    let call = || fleet.other.client().rpc("/services/teller/say", &params);
    assert_eq!(call().result(), 1);
    upload::upload(&fleet.one.operator(), "teller", &manifest, &saying('2')).expect(201);
    poll::until("the new version", || (call().result() == 2).then_some(()));

    let path = "/api/v1/services/teller/key";
    let reset = fleet.one.operator().send("POST", path, None).expect(200);
    poll::until("the end of the old key", || {
        let error = authorize(&fleet.other.client(), &key, "old").err()?;
        is(&error, "AccessError").then_some(())
    });
    let new_key = reset["key"].as_str().expect("a key");
    authorize(&fleet.other.client(), new_key, "new").expect("a hold");

    fleet.one.operator().send("POST", "/api/v1/services/teller/suspend", None).expect(200);
    poll::until("the end of the service", || (call().json().get("error")).map(|_| ()));
    assert_clean(&fleet.postgres);
}

#[test]
fn a_zero_character_keeps_nobody_out() {
    let fleet = Fleet::start();
    let key = fleet.sell("teller", &upload::manifest("teller", ""), &saying('1'), 10);
    authorize(&fleet.one.client(), &key, "a\0b").expect("a hold");
    assert_eq!(fleet.postgres.sql("SELECT description FROM hold"), "a\u{FFFD}b");
    assert_clean(&fleet.postgres);
}

#[test]
fn what_a_killed_host_was_running_is_cancelled_by_the_other() {
    let mut fleet = Fleet::start();
    let manifest = upload::manifest("long", "").replace("10_000_000", LONG);
    fleet.sell("long", &manifest, &guest::looping(), 10);
    let client = fleet.one.client();
    let running = thread::spawn(move || {
        client.try_rpc("/services/long/do", &json!({ "account_token": "anna" })).is_err()
    });
    fleet.other.await_hold("long", "anna");
    fleet.one.kill();
    assert!(running.join().expect("the client ends"), "a killed host does not answer");
    poll::until("the hold is released", || {
        (fleet.other.account("long", "anna")["held"] == 0).then_some(())
    });
    assert_eq!(fleet.other.account("long", "anna")["balance"], 10);
    let outcome = fleet.postgres.sql("SELECT status, outcome FROM call");
    assert_eq!(outcome, "cancelled|host-stopped");
    assert_clean(&fleet.postgres);
}
