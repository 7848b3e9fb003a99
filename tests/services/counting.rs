//! Guests that count their calls, on a server.

use std::collections::BTreeSet;
use std::thread;

use serde_json::{Value, json};
use stokehold_tests::binary;
use stokehold_tests::guest::{Guest, KEY_VALUES, OPEN, tallying};
use stokehold_tests::http::{Client, Reply};
use stokehold_tests::poll;
use stokehold_tests::postgres::Postgres;
use stokehold_tests::server::{Server, assert_clean};
use stokehold_tests::upload;

use crate::directory;

/// Sets one key after the other to so many bytes until it is refused, and fails with what it is told.
fn hoarding(value_bytes: u32) -> Vec<u8> {
    let handle = format!(
        "{OPEN}
         (loop $again
           (i32.store (i32.const 64) (i32.add (i32.load (i32.const 64)) (i32.const 1)))
           (call $set (i32.load (i32.const 132)) (i32.const 64) (i32.const 4)
             (i32.const 1024) (i32.const {value_bytes}) (i32.const 136))
           (br_if $again (i32.eqz (i32.load8_u (i32.const 136)))))
         (call $fail (i32.const 0) (i32.load (i32.const 144)) (i32.load (i32.const 148)))"
    );
    // Keys are texts: four zero characters are one, and counting up from there stays ASCII for long.
    let fields = r#"(data (i32.const 64) "\00\00\00\00")
        (func $grow (drop (memory.grow (i32.const 2)))) (start $grow)"#;
    Guest { imports: KEY_VALUES, fields, handle: &handle, ..Guest::default() }.component()
}

fn sell(server: &Server, name: &str, component: &[u8]) {
    server.register(name);
    let manifest = upload::manifest(name, "").replace("10_000_000", "1_000_000_000");
    upload::upload(&server.operator(), name, &manifest, component).expect(201);
    server.grant(name, "anna", &json!(100));
}

fn call(client: &Client, service: &str) -> Reply {
    client.rpc(&format!("/services/{service}/count"), &json!({ "account_token": "anna" }))
}

#[test]
fn a_count_outlives_a_restart_and_a_crash() {
    let data = directory();
    let mut server = Server::sandbox(data.path());
    sell(&server, "one", &tallying());
    sell(&server, "two", &tallying());
    for count in 1..=3 {
        assert_eq!(call(&server.client(), "one").result(), count);
    }
    assert_eq!(call(&server.client(), "two").result(), 1, "services share nothing");
    server.kill();
    let server = Server::sandbox(data.path());
    assert_eq!(call(&server.client(), "one").result(), 4);
    server.stop();
    let server = Server::sandbox(data.path());
    let reply = call(&server.client(), "one");
    assert_eq!(reply.result(), 5);
    let record = server.record(&reply);
    assert_eq!(record["host_calls"]["wasi:keyvalue"]["calls"], 2, "{record}");
    assert_eq!(record["repeatable"], false, "{record}");
    let paid = json!({ "account_token": "anna", "credits": 0.01 });
    server.grant("coalroller", "anna", &json!(1));
    let rolled = server.record(&server.client().rpc("/services/coalroller/roll", &paid));
    assert_eq!(rolled["repeatable"], true, "{rolled}");
    server.stop();
    assert_clean(data.path());
}

#[test]
fn a_call_at_home_has_a_bucket_that_goes_with_it() {
    let project = directory();
    let file = project.path().join("tally.wasm");
    std::fs::write(&file, tallying()).expect("a component");
    for _ in 0..2 {
        let ran = binary::run(&["run", file.to_str().expect("text"), "count", "--json"]).json();
        assert_eq!((&ran["result"], &ran["repeatable"]), (&json!(1), &json!(false)), "{ran}");
    }
}

#[test]
fn two_hosts_count_together() {
    let (postgres, beside) = (Postgres::start(), [directory(), directory()]);
    let hosts = beside.each_ref().map(|data| Server::sandbox_on(&postgres.url(), data.path()));
    let [one, other] = &hosts;
    sell(one, "one", &tallying());
    poll::until("the other host knows the service", || {
        let shown = other.operator().get("/api/v1/services/one");
        (shown.status == 200 && !shown.json()["active_version"].is_null()).then_some(())
    });
    let counts: BTreeSet<i64> = thread::scope(|scope| {
        let calling: Vec<_> = [one, other, one, other, one, other, one, other]
            .map(|host| {
                let client = host.client();
                scope.spawn(move || call(&client, "one").result())
            })
            .into();
        let counts = calling.into_iter().map(|calling| calling.join().expect("a count"));
        counts.map(|count: Value| count.as_i64().expect("a number")).collect()
    });
    assert_eq!(counts, (1..=8).collect());
    assert_eq!(call(&other.client(), "one").result(), 9);
}

#[test]
fn who_keeps_too_much_is_told() {
    let settings =
        [("STOKEHOLD_CALLS_KEY_VALUE_MIB_MAX", "1"), ("STOKEHOLD_CALLS_KEY_VALUE_KEYS_MAX", "20")];
    let data = directory();
    let server = Server::sandbox_with(data.path(), &settings);
    sell(&server, "bytes", &hoarding(60_000));
    sell(&server, "keys", &hoarding(1));
    for (service, told) in [
        // 17 values of 60,000 bytes, with keys of 4, are below 1 MiB.
        ("bytes", "the store would have 1080072 bytes; the limit is 1048576"),
        ("keys", "the store would have 21 keys; the limit is 20"),
    ] {
        let fault = call(&server.client(), service).fault("UserError");
        let message = fault["message"].as_str().expect("a text").to_owned();
        assert!(message.contains(told), "{message}");
        assert_eq!(server.account(service, "anna")["balance"], 100);
    }
    sell(&server, "one", &tallying());
    assert_eq!(call(&server.client(), "one").result(), 1, "the others have room");
    server.stop();
    assert_clean(data.path());
}
