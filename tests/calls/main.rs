//! Paid calls at full strength, from outside: receipts, quotes, what outcomes cost, limits, the
//! queue, and a host that stops in the middle of it all.

mod breaker;
mod drain;
mod events;
mod fairness;
mod limits;
mod queue;
mod quotes;
mod receipts;
mod restart;
mod tariff;

use serde_json::{Value, json};
use stokehold_tests::http::{Client, Reply};
use stokehold_tests::server::Server;
use stokehold_tests::{poll, upload};
use tempfile::TempDir;

/// The account that pays.
const ANNA: &str = "anna";

/// More fuel than any test burns, for one credit.
const LONG: &str = "1_000_000_000_000_000";

fn directory() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

/// A manifest by which one credit buys this much fuel, with further lines after its tariff.
fn manifest(name: &str, fuel: &str, more: &str) -> String {
    upload::manifest(name, more).replace("10_000_000", fuel)
}

/// Puts a guest on sale, and ten credits on Anna's account.
fn sell(server: &Server, name: &str, manifest: &str, component: &[u8]) {
    server.register(name);
    upload::upload(&server.operator(), name, manifest, component).expect(201);
    server.grant(name, ANNA, &json!(10));
}

fn path(service: &str) -> String {
    format!("/services/{service}/do")
}

fn params() -> Value {
    json!({ "account_token": ANNA, "n": 1 })
}

/// Makes a call of Anna's.
fn call(server: &Server, service: &str) -> Reply {
    server.client().rpc(&path(service), &params())
}

/// A client whose calls wait in the queue.
fn patient(server: &Server) -> Client {
    server.client().with("Prefer", "respond-async")
}

/// Queues a call of Anna's, and answers where it is.
fn queue(server: &Server, service: &str) -> String {
    let reply = patient(server).rpc(&path(service), &params());
    reply.expect(202);
    reply.header("location").to_owned()
}

/// Anna, who looks at her calls.
fn anna(server: &Server) -> Client {
    server.client().with("X-Account-Token", ANNA)
}

/// Waits for a call to be in this state.
fn until_status(server: &Server, location: &str, status: &str) -> Value {
    poll::until(status, || {
        let call = anna(server).get(location).expect(200);
        (call["status"] == status).then_some(call)
    })
}

/// Waits for a call to end, and answers its record.
fn until_ended(server: &Server, location: &str) -> Value {
    poll::until("the end", || {
        let call = anna(server).get(location).expect(200);
        (!call["ended_at"].is_null()).then_some(call)
    })
}

/// Balance and held credits of Anna.
fn money(server: &Server, service: &str) -> (Value, Value) {
    let account = server.account(service, ANNA);
    (account["balance"].clone(), account["held"].clone())
}
