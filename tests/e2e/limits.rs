//! Limits of the host: who meets one is told when to come back, and nothing is held.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::{Value, json};
use stokehold_tests::http::Reply;
use stokehold_tests::server::{Server, assert_clean};
use stokehold_tests::{poll, raw};

use crate::directory;

const ROLL: &str = "/services/coalroller/roll";

fn start(data: &Path, settings: &[(&str, &str)]) -> Server {
    let server = Server::sandbox_with(data, settings);
    for account in ["anna", "ben", "cleo"] {
        server.grant("coalroller", account, &json!(10));
    }
    server
}

fn params(account: &str, credits: f64) -> Value {
    json!({ "account_token": account, "credits": credits })
}

/// A call that runs until the server is killed.
fn occupy(server: &Server, account: &'static str) {
    let client = server.client();
    thread::spawn(move || client.try_rpc(ROLL, &params(account, 9.0)));
    server.await_hold("coalroller", account);
}

/// A call that is refused, on a thread of its own.
fn call(server: &Server, account: &'static str) -> JoinHandle<Reply> {
    let client = server.client();
    thread::spawn(move || client.rpc(ROLL, &params(account, 0.01)))
}

fn assert_nothing_held(server: &Server, account: &str) {
    let account = server.account("coalroller", account);
    assert_eq!((&account["balance"], &account["held"]), (&json!(10), &json!(0)));
}

#[test]
fn a_full_queue_says_when_to_come_back() {
    let data = directory();
    let settings = [
        ("STOKEHOLD_CALLS_RUNNING_MAX", "1"),
        ("STOKEHOLD_CALLS_WAITING_MAX", "1"),
        ("STOKEHOLD_CALLS_WAIT_S_MAX", "2"),
    ];
    let server = start(data.path(), &settings);
    occupy(&server, "anna");
    // One of them waits, in vain; for the other there is no place to wait.
    let replies = ["ben", "cleo"].map(|account| call(&server, account));
    let mut messages = replies.map(|reply| {
        let reply = reply.join().expect("the client");
        assert_eq!(reply.header("retry-after"), "5", "{reply:?}");
        let fault = reply.fault("Unavailable");
        assert_eq!(fault["outcome"], "busy");
        fault["message"].as_str().expect("a text").to_owned()
    });
    messages.sort();
    assert!(messages[0].starts_with("as many calls wait as this host allows (1)"), "{messages:?}");
    assert!(messages[1].starts_with("no place came free in 2 s"), "{messages:?}");
    for account in ["ben", "cleo"] {
        assert_nothing_held(&server, account);
    }
    // The broker does not wait for calls.
    let key = server.key.as_deref().expect("the key of the first start");
    let hold = json!({ "key": key, "account_token": "ben", "credit": 1 });
    server.client().rpc("/iap/1/authorize", &hold).result();
}

#[test]
fn an_account_has_a_limit_of_its_own() {
    let data = directory();
    let server = start(data.path(), &[("STOKEHOLD_CALLS_PER_ACCOUNT_MAX", "1")]);
    occupy(&server, "anna");
    let reply = call(&server, "anna").join().expect("the client");
    assert_eq!(reply.header("retry-after"), "1", "{reply:?}");
    let fault = reply.fault("Unavailable");
    assert!(fault["message"].as_str().is_some_and(|text| text.contains("this account")), "{fault}");
    call(&server, "ben").join().expect("the client").result();
}

#[test]
fn a_body_can_be_too_long() {
    let data = directory();
    let server = start(data.path(), &[("STOKEHOLD_SERVER_BODY_BYTES_MAX", "1_000")]);
    let long = json!({ "account_token": "anna", "padding": "x".repeat(1_000) });
    for path in [ROLL, "/iap/1/authorize", "/iap/1/balance"] {
        let reply = server.client().rpc(path, &long);
        assert_eq!(reply.status, 413, "{reply:?}");
        assert_eq!(reply.json()["error"]["code"], 413);
        reply.fault("TooLarge");
    }
    server.operator().post("/api/v1/orders", &long).problem(413);
    assert_nothing_held(&server, "anna");
}

#[test]
fn a_batch_can_be_too_long() {
    let data = directory();
    let server = start(data.path(), &[("STOKEHOLD_SERVER_BATCH_MAX", "2")]);
    let one = json!({ "jsonrpc": "2.0", "method": "call", "id": 1,
                      "params": { "account_token": "anna", "service_name": "coalroller" } });
    let two = server.client().post("/iap/1/balance", &json!([one, one])).expect(200);
    assert_eq!(two.as_array().map(Vec::len), Some(2));
    let reply = server.client().post("/iap/1/balance", &json!([one, one, one]));
    reply.expect(400);
    reply.fault("InvalidRequest");
    server.client().post(ROLL, &json!([one])).fault("InvalidRequest");
}

#[test]
fn a_client_that_never_ends_its_headers_is_hung_up_on() {
    let data = directory();
    let server = start(data.path(), &[("STOKEHOLD_SERVER_READ_S_MAX", "1")]);
    let mut slow = connect(&server);
    slow.write_all(b"POST /iap/1/authorize HTTP/1.1\r\nHost: a").expect("the request begins");
    // The connection ends, with or without a word.
    assert!(slow.read_to_end(&mut Vec::new()).is_ok());
}

#[test]
fn connections_above_their_limit_wait_to_be_accepted() {
    let data = directory();
    let server = Server::sandbox_with(data.path(), &[("STOKEHOLD_SERVER_CONNECTIONS_MAX", "1")]);
    let mut first = connect(&server);
    assert_eq!(alive(&mut first), Some(200));
    let mut second = connect(&server);
    second.set_read_timeout(Some(Duration::from_millis(300))).expect("a limit");
    assert_eq!(alive(&mut second), None);
    drop(first);
    second.set_read_timeout(Some(Duration::from_secs(20))).expect("a limit");
    assert_eq!(status(&mut second), Some(200));
}

fn connect(server: &Server) -> TcpStream {
    let address = server.address.strip_prefix("http://").expect("an address");
    let stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a limit");
    stream
}

/// Asks whether the server is alive; `None` where no answer comes in time.
fn alive(stream: &mut TcpStream) -> Option<u16> {
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").expect("the request goes out");
    status(stream)
}

fn status(stream: &mut TcpStream) -> Option<u16> {
    let mut answer = [0; 1024];
    let length = stream.read(&mut answer).ok()?;
    let answer = std::str::from_utf8(&answer[..length]).expect("text");
    answer.split(' ').nth(1)?.parse().ok()
}

#[test]
fn a_call_whose_client_went_away_is_settled() {
    let data = directory();
    let server = start(data.path(), &[]);
    let body =
        json!({ "jsonrpc": "2.0", "method": "call", "id": 1, "params": params("anna", 0.1) });
    let body = body.to_string();
    let head = format!(
        "POST {ROLL} HTTP/1.1\nContent-Type: application/json\nContent-Length: {}",
        body.len()
    );
    let connection = raw::send(&server.address, &head, body.as_bytes());
    server.await_hold("coalroller", "anna");
    drop(connection);
    let balance = poll::until("the settled call", || {
        let account = server.account("coalroller", "anna");
        (account["held"] == 0).then(|| account["balance"].clone())
    });
    assert_eq!(balance, 9.9);
    assert_clean(data.path());
}

#[test]
fn a_host_may_have_as_many_files_open_as_the_system_allows() {
    // What is lowered here the server inherits; one less is enough for everybody else.
    let limit = getrlimit(Resource::Nofile);
    let lower = limit.maximum.expect("a limit") - 1;
    setrlimit(Resource::Nofile, Rlimit { current: Some(lower), ..limit }).expect("it is lowered");
    let data = directory();
    let server = Server::sandbox(data.path());
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", server.pid()));
    let limits = limits.expect("its limits");
    let files = limits.lines().find(|line| line.starts_with("Max open files")).expect("a line");
    let numbers: Vec<_> = files.split_whitespace().skip(3).take(2).collect();
    assert_eq!(numbers[0], numbers[1], "{files}");
}
