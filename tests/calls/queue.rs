//! Calls that wait without their clients.

use serde_json::{Value, json};
use stokehold_tests::server::{Server, assert_clean};
use stokehold_tests::{guest, upload};

use crate::{
    ANNA, LONG, anna, call, directory, manifest, money, params, path, patient, queue, sell,
    until_ended, until_status,
};

/// A server of one place, which the service `long` occupies for as long as it is let.
fn occupied(data: &std::path::Path, settings: &[(&str, &str)]) -> (Server, String) {
    let settings = [&[("STOKEHOLD_CALLS_RUNNING_MAX", "1")], settings].concat();
    let server = Server::sandbox_with(data, &settings);
    sell(&server, "long", &manifest("long", LONG, ""), &guest::looping());
    // Its price is fixed: no place is needed to ask for it.
    let fixed = manifest("echo", "10_000_000", "credits_per_call = 1\n");
    sell(&server, "echo", &fixed, &guest::echo());
    let running = queue(&server, "long");
    until_status(&server, &running, "running");
    (server, running)
}

fn cancel(server: &Server, location: &str) -> Value {
    anna(server).send("POST", &format!("{location}/cancel"), None).expect(200)
}

#[test]
fn a_queued_call_is_made_and_leaves_all_that_others_do() {
    let data = directory();
    let server = Server::sandbox(data.path());
    sell(&server, "echo", &upload::manifest("echo", ""), &guest::echo());
    let reply = patient(&server).rpc(&path("echo"), &params());
    let body = reply.expect(202);
    let location = reply.header("location");
    assert_eq!(reply.header("preference-applied"), "respond-async");
    assert_eq!(body["result"]["location"], location);
    assert_eq!(body["result"]["call"], reply.header("stokehold-call"));
    assert_eq!(body["id"], 1);
    let call = until_ended(&server, location);
    assert_eq!((&call["status"], &call["outcome"]), (&json!("captured"), &json!("ok")));
    assert_eq!((&call["result"], &call["credits_captured"]), (&json!({ "n": 1 }), &json!(1)));
    assert!(call["receipt"].is_string() && call["started_at"].is_string(), "{call}");
    assert_eq!(money(&server, "echo"), (json!(9), json!(0)));

    let poor = json!({ "account_token": "nobody", "n": 1 });
    patient(&server).rpc(&path("echo"), &poor).fault("InsufficientCreditError");
    patient(&server).rpc("/services/nothing/do", &params()).expect(404);
    assert_clean(data.path());
}

#[test]
fn one_key_makes_one_call_whether_its_client_waits_or_not() {
    let data = directory();
    let server = Server::sandbox(data.path());
    sell(&server, "echo", &upload::manifest("echo", ""), &guest::echo());
    let key = ("Idempotency-Key", "one");
    let first = patient(&server).with(key.0, key.1).rpc(&path("echo"), &params());
    let again = patient(&server).with(key.0, key.1).rpc(&path("echo"), &params());
    assert_eq!(first.header("location"), again.header("location"));
    let waited = server.client().with(key.0, key.1).rpc(&path("echo"), &params());
    assert_eq!(waited.result(), json!({ "n": 1 }));
    assert_eq!(waited.header("stokehold-call"), first.header("stokehold-call"));
    let other = json!({ "account_token": ANNA, "n": 2 });
    let conflict = patient(&server).with(key.0, key.1).rpc(&path("echo"), &other);
    assert!(
        conflict.fault("UserError")["message"]
            .as_str()
            .is_some_and(|text| text.contains("idempotency_conflict"))
    );
    let sync = server.client().with(key.0, "two").rpc(&path("echo"), &params());
    let later = patient(&server).with(key.0, "two").rpc(&path("echo"), &params());
    assert_eq!(later.header("stokehold-call"), sync.header("stokehold-call"));
    assert_eq!(money(&server, "echo").0, 8);
    assert_clean(data.path());
}

#[test]
fn a_client_cancels_what_runs_and_what_waits() {
    let data = directory();
    let (server, running) = occupied(data.path(), &[]);
    let waiting = queue(&server, "echo");
    assert_eq!(money(&server, "echo"), (json!(10), json!(1)));
    let listed = anna(&server).get(&waiting).expect(200);
    assert_eq!((&listed["status"], &listed["started_at"]), (&json!("queued"), &Value::Null));
    server.client().send("POST", &format!("{waiting}/cancel"), None).problem(401);
    let ben = server.client().with("X-Account-Token", "ben");
    ben.send("POST", &format!("{waiting}/cancel"), None).problem(404);
    for (location, service) in [(&waiting, "echo"), (&running, "long")] {
        let call = cancel(&server, location);
        assert_eq!((&call["status"], &call["outcome"]), (&json!("cancelled"), &json!("cancelled")));
        assert!(call["receipt"].is_string());
        assert_eq!(money(&server, service), (json!(10), json!(0)));
        anna(&server).send("POST", &format!("{location}/cancel"), None).problem(409);
    }
    // The place is free again.
    call(&server, "echo").result();
    assert_clean(data.path());
}

#[test]
fn the_queue_has_an_end_and_so_has_waiting() {
    let data = directory();
    let settings = [
        ("STOKEHOLD_CALLS_QUEUED_MAX", "4"),
        ("STOKEHOLD_CALLS_QUEUED_PER_ACCOUNT_MAX", "2"),
        ("STOKEHOLD_CALLS_QUEUED_S_MAX", "3"),
    ];
    let (server, running) = occupied(data.path(), &settings);
    let waiting = [queue(&server, "echo"), queue(&server, "echo")];
    let refused = |account: &str, why: &str| {
        let params = json!({ "account_token": account, "n": 1 });
        let reply = patient(&server).rpc(&path("echo"), &params);
        assert_eq!(reply.header("retry-after"), "30");
        let fault = reply.fault("Unavailable");
        assert!(fault["message"].as_str().is_some_and(|text| text.contains(why)), "{fault}");
    };
    refused(ANNA, "this account has as many calls in the queue as it may (2)");
    for account in ["ben", "cleo"] {
        server.grant("echo", account, &json!(1));
    }
    let ben = json!({ "account_token": "ben", "n": 1 });
    patient(&server).rpc(&path("echo"), &ben).expect(202);
    refused("cleo", "the queue is full (4 calls)");
    for location in &waiting {
        let call = until_ended(&server, location);
        assert_eq!((&call["status"], &call["outcome"]), (&json!("cancelled"), &json!("busy")));
        assert!(
            call["error"].as_str().is_some_and(|text| text.contains("no place came free in 3"))
        );
    }
    assert_eq!(money(&server, "echo"), (json!(10), json!(0)));
    cancel(&server, &running);
    assert_clean(data.path());
}

#[test]
fn a_service_that_was_suspended_meanwhile_is_not_called() {
    let data = directory();
    let (server, running) = occupied(data.path(), &[]);
    let waiting = queue(&server, "echo");
    server.operator().send("POST", "/api/v1/services/echo/suspend", None).expect(200);
    cancel(&server, &running);
    let call = until_ended(&server, &waiting);
    assert_eq!((&call["status"], &call["outcome"]), (&json!("cancelled"), &json!("no-service")));
    assert_eq!(money(&server, "echo"), (json!(10), json!(0)));
    assert_clean(data.path());
}

#[test]
fn a_call_runs_on_the_version_that_it_was_queued_for() {
    let data = directory();
    let (server, running) = occupied(data.path(), &[]);
    let waiting = queue(&server, "echo");
    upload::upload(&server.operator(), "echo", &upload::manifest("echo", ""), &guest::trapping())
        .expect(201);
    cancel(&server, &running);
    let call = until_ended(&server, &waiting);
    assert_eq!((&call["version"], &call["result"]), (&json!(1), &json!({ "n": 1 })));
    assert_clean(data.path());
}

#[test]
fn a_call_whose_client_waits_cannot_be_cancelled() {
    let data = directory();
    let mut server = Server::sandbox(data.path());
    sell(&server, "long", &manifest("long", LONG, ""), &guest::looping());
    let client = server.client();
    let waiting = std::thread::spawn(move || client.try_rpc(&path("long"), &params()));
    server.await_hold("long", ANNA);
    let holds = server.operator().get("/api/v1/services/long/holds").expect(200);
    let id = holds["holds"][0]["id"].as_str().expect("an id").to_owned();
    let refused = anna(&server).send("POST", &format!("/api/v1/calls/{id}/cancel"), None);
    assert!(refused.problem(409)["detail"].as_str().is_some_and(|text| text.contains("waits")));
    server.kill();
    assert!(waiting.join().expect("the client").is_err());
}
