//! Requests of an unmodified Odoo 17.0, replayed byte for byte but for their `Host`.

use std::fs;

use serde_json::{Value, json};
use stokehold_tests::raw;
use stokehold_tests::server::{Server, assert_clean};

use crate::answer::matches;
use crate::folder;

/// What each request is answered with, in their order: an HTTP status, and a result or an error.
///
/// The keys in them are nobody's here, so only the sandbox's magic tokens succeed.
const ANSWERS: [(u16, &str); 22] = [
    (200, "<text>"),
    (200, "<text>"),
    (200, "<error AccessError>"),
    (200, "<error AccessError>"),
    (200, "<error AccessError>"),
    (200, "<error AccessError>"),
    (200, "<error AccessError>"),
    (200, "<text>"),
    (200, "<error AccessError>"),
    (200, "<error AccessError>"),
    (200, "<text>"),
    // The token that always has enough works whatever the key.
    (200, "<text>"),
    (200, "<error AccessError>"),
    (200, "<error InsufficientCreditError>"),
    (200, "<error InsufficientCreditError>"),
    // Joined with a slash too many.
    (200, "<text>"),
    // The paths are at the site's root.
    (404, "<error NotFound>"),
    (200, "<number>"),
    (200, "<number>"),
    (404, "<error NotFound>"),
    // Nobody has bought anything: no account is known.
    (200, "[]"),
    (200, "true"),
];

#[test]
fn recorded_requests_are_answered_so_that_odoo_understands() {
    let data = tempfile::tempdir().expect("a directory");
    let server = Server::sandbox(data.path());
    let recorded = fs::read_to_string(folder().join("odoo-17.0-requests.jsonl"));
    let recorded = recorded.expect("the recorded requests");
    let requests: Vec<Value> =
        recorded.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(requests.len(), ANSWERS.len());
    for (request, (status, answer)) in requests.iter().zip(ANSWERS) {
        let (found_status, found) = replay(&server, request);
        let id = &sent(request)["id"];
        let member = if answer.starts_with("<error") { "error" } else { "result" };
        let answer = serde_json::from_str(answer).unwrap_or_else(|_| Value::from(answer));
        let expected = json!({ "jsonrpc": "2.0", "id": id, member: answer });
        // Where no such path is, nothing has read the id.
        let unread = json!({ "jsonrpc": "2.0", "id": null, member: answer });
        let expected = if status == 404 { unread } else { expected };
        assert_eq!(found_status, status, "{request}\n{found}");
        assert!(matches(&expected, &found), "{request}\n{found}");
    }
    assert_clean(data.path());
}

fn sent(request: &Value) -> Value {
    let body = request["body"].as_str().expect("a body");
    serde_json::from_str(body).expect("JSON")
}

/// Sends a recorded request, and reads the answer.
fn replay(server: &Server, request: &Value) -> (u16, Value) {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let mut head = text(&request["request_line"]);
    for (name, value) in request["headers"].as_object().expect("headers") {
        head.push_str(&format!("\n{name}: {}", text(value)));
    }
    let body = text(&request["body"]);
    let connection = raw::send(&server.address, &head, body.as_bytes());
    let (status, answer) = raw::receive(connection);
    (status, serde_json::from_str(&answer).expect("JSON"))
}
