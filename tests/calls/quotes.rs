//! Quotes: free, binding, and for one call only.

use serde_json::{Value, json};
use stokehold_tests::http::Reply;
use stokehold_tests::server::{Server, assert_clean};
use stokehold_tests::{guest, poll, upload};

use crate::{ANNA, directory, manifest, money, params, path, sell};

fn quote(server: &Server, params: &Value) -> Value {
    server.client().rpc(&format!("{}?quote", path("echo")), params).result()
}

fn call_with(server: &Server, quote: &Value, params: &Value) -> Reply {
    let client = server.client().with("Stokehold-Quote", quote["quote"].as_str().expect("a quote"));
    client.rpc(&path("echo"), params)
}

#[track_caller]
fn assert_refused(server: &Server, reply: &Reply, why: &str) {
    let fault = reply.fault("UserError");
    assert_eq!(fault["outcome"], "bad-quote");
    let message = fault["message"].as_str().expect("a text");
    assert!(message.contains(why) && message.ends_with("ask for another quote"), "{message}");
    assert_eq!(reply.header("stokehold-call"), "", "no call was made");
    assert_eq!(money(server, "echo").1, 0);
}

fn start(data: &std::path::Path, settings: &[(&str, &str)]) -> Server {
    let server = Server::sandbox_with(data, settings);
    sell(&server, "echo", &upload::manifest("echo", ""), &guest::echo());
    server
}

#[test]
fn a_quote_costs_nothing_and_holds_for_its_call() {
    let data = directory();
    let server = start(data.path(), &[]);
    let poor = json!({ "account_token": "nobody", "n": 1 });
    assert_eq!(quote(&server, &poor)["credits"], 1, "no credits are needed to ask");
    let quoted = quote(&server, &params());
    for (field, expected) in [
        ("credits", json!(1)),
        ("service", json!("echo")),
        ("version", json!(1)),
        ("fuel", json!(10_000_000)),
        ("settle", json!("authorized")),
        ("on", json!({ "user-error": "cancel", "out-of-fuel": "cancel", "deadline": "cancel" })),
    ] {
        assert_eq!(quoted[field], expected, "{quoted}");
    }
    assert_eq!(money(&server, "echo"), (json!(10), json!(0)));

    let reply = call_with(&server, &quoted, &params());
    assert_eq!(reply.result(), json!({ "n": 1 }), "the guest does not see the quote");
    assert_eq!(reply.header("stokehold-credits-captured"), "1");
    // Plain JSON-RPC clients send it among the params.
    let mut with_quote = params();
    with_quote["stokehold_quote"] = quoted["quote"].clone();
    assert_eq!(server.client().rpc(&path("echo"), &with_quote).result(), json!({ "n": 1 }));
    assert_eq!(money(&server, "echo"), (json!(8), json!(0)));
    assert_clean(data.path());
}

#[test]
fn a_quote_is_for_one_call_only() {
    let data = directory();
    let server = start(data.path(), &[]);
    let quoted = quote(&server, &params());
    let other = json!({ "account_token": ANNA, "n": 2 });
    assert_refused(&server, &call_with(&server, &quoted, &other), "for other params");
    let ben = json!({ "account_token": "ben", "n": 1 });
    assert_refused(&server, &call_with(&server, &quoted, &ben), "given to another account");
    let client =
        server.client().with("Stokehold-Quote", quoted["quote"].as_str().expect("a quote"));
    let reply = client.rpc("/services/echo/elsewhere", &params());
    assert_refused(&server, &reply, "for another route");
    assert_refused(&server, &client.rpc("/services/coalroller/do", &params()), "the service echo");
    let altered = json!({ "quote": "e30.e30.e30" });
    assert_refused(&server, &call_with(&server, &altered, &params()), "not a compact JWS");

    let dearer = manifest("echo", "10_000_000", "credits_per_call = 3\n");
    upload::upload(&server.operator(), "echo", &dearer, &guest::echo()).expect(201);
    let reply = call_with(&server, &quoted, &params());
    assert_refused(&server, &reply, "of version 1, and the service is at version 2");
    let fixed = quote(&server, &params());
    assert_eq!((&fixed["credits"], &fixed["version"]), (&json!(3), &json!(2)));
    let reply = call_with(&server, &fixed, &params());
    assert_eq!(reply.header("stokehold-credits-captured"), "3");
    assert_clean(data.path());
}

#[test]
fn a_quote_ends() {
    let data = directory();
    let server = start(data.path(), &[("STOKEHOLD_CALLS_QUOTE_VALID_S", "2")]);
    let quoted = quote(&server, &params());
    // For as long as it holds the call goes through, and costs what the account does not miss.
    server.grant("echo", ANNA, &json!(100_000));
    let refused = poll::until("the quote's end", || {
        let reply = call_with(&server, &quoted, &params());
        reply.json().get("error").is_some().then_some(reply)
    });
    assert_refused(&server, &refused, "it has expired at ");
}

#[test]
fn a_quote_that_fails_says_why() {
    let data = directory();
    let server = start(data.path(), &[]);
    let looping =
        guest::Guest { quote: "(loop $again (br $again)) (unreachable)", ..Default::default() };
    sell(&server, "slow", &upload::manifest("slow", ""), &looping.component());
    let fault = server.client().rpc("/services/slow/do?quote", &params()).fault("UserError");
    assert_eq!((&fault["outcome"], &fault["limit"]), (&json!("out-of-fuel"), &json!("fuel")));
    assert!(fault["message"].as_str().is_some_and(|text| text.ends_with("Nothing was charged.")));
}
