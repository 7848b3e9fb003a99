//! A server that is asked to stop in the middle of a call.

use std::thread::{self, JoinHandle};

use serde_json::json;
use stokehold_tests::http::Reply;
use stokehold_tests::server::{Server, assert_clean};

use crate::directory;

#[test]
fn a_call_may_finish_within_the_grace_time() {
    let data = directory();
    let mut server = Server::sandbox(data.path());
    let calling = call(&server, 0.3);
    server.terminate();
    let reply = calling.join().expect("the client");
    assert!(reply.result()["hashes"].is_u64());
    assert_eq!(server.stopped(), Some(0), "{}", server.output());

    let server = Server::sandbox(data.path());
    assert_eq!(server.account("coalroller", "anna")["balance"], 9.7);
    assert_eq!(server.record(&reply)["status"], "captured");
    assert_clean(data.path());
}

#[test]
fn a_call_that_takes_longer_than_the_grace_time_is_cancelled() {
    let data = directory();
    let mut server = Server::sandbox_with(data.path(), &[("STOKEHOLD_SERVER_GRACE_S", "0")]);
    let calling = call(&server, 8.0);
    server.terminate();
    let reply = calling.join().expect("the client");
    let fault = reply.fault("Unavailable");
    assert_eq!(fault["outcome"], "host-stopped");
    assert!(fault["message"].as_str().is_some_and(|text| text.contains("Nothing was charged")));
    assert_eq!(server.stopped(), Some(0), "{}", server.output());

    let server = Server::sandbox(data.path());
    let account = server.account("coalroller", "anna");
    assert_eq!((&account["balance"], &account["held"]), (&json!(10), &json!(0)));
    let record = server.record(&reply);
    assert_eq!(
        (&record["status"], &record["outcome"]),
        (&json!("cancelled"), &json!("host-stopped"))
    );
    assert_clean(data.path());
}

/// A call that runs: its hold exists.
fn call(server: &Server, credits: f64) -> JoinHandle<Reply> {
    server.grant("coalroller", "anna", &json!(10));
    let client = server.client();
    let calling = thread::spawn(move || {
        let params = json!({ "account_token": "anna", "credits": credits });
        client.rpc("/services/coalroller/roll", &params)
    });
    server.await_hold("coalroller", "anna");
    calling
}
