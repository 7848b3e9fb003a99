//! The management API from the shell.

use serde_json::{Value, json};
use stokehold_tests::binary::{Ran, run};
use stokehold_tests::server::{ADMIN_TOKEN, Server};

fn ask(server: &Server, arguments: &[&str]) -> Ran {
    run(&[arguments, &["--server", &server.address, "--token", ADMIN_TOKEN]].concat())
}

fn json(server: &Server, arguments: &[&str]) -> Value {
    let ran = ask(server, &[arguments, &["--json"]].concat());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    ran.json()
}

#[test]
fn a_service_is_run_from_the_shell() {
    let data = tempfile::tempdir().expect("a directory");
    let server = Server::sandbox(data.path());
    let made =
        json(&server, &["service", "create", "teller", "--label", "Teller", "--unit", "Words"]);
    assert_eq!((&made["status"], &made["unit"]), (&json!("active"), &json!("Words")));
    let key = made["key"].as_str().expect("a key");
    let rotated = json(&server, &["key", "rotate", "teller"]);
    assert_ne!(rotated["key"], key);

    let packs = ["pack", "create", "teller", "Ten", "10.5", "1990"];
    assert_eq!(json(&server, &packs)["price_cents"], 1990);
    let table = ask(&server, &["pack", "list", "teller"]).success();
    assert!(table.contains("Ten") && table.contains("10.5"), "{table}");

    // A token is whatever a client invents.
    let account = "anna/of+acme";
    let granted =
        json(&server, &["account", "grant", "teller", account, "2.000001", "--reason", "a gift"]);
    assert_eq!(granted["balance"].to_string(), "2.000001");
    assert_eq!(
        json(&server, &["account", "show", "teller", account])["available"].to_string(),
        "2.000001"
    );

    assert_eq!(json(&server, &["service", "suspend", "teller"])["status"], "suspended");
    assert_eq!(json(&server, &["service", "approve", "teller"])["status"], "active");
    assert_eq!(json(&server, &["service", "show", "teller"])["label"], "Teller");
    let table = ask(&server, &["service", "list"]).success();
    assert!(table.contains("teller") && table.contains("coalroller"), "{table}");
}

#[test]
fn a_call_is_shown() {
    let data = tempfile::tempdir().expect("a directory");
    let server = Server::sandbox(data.path());
    server.grant("coalroller", "anna", &json!(1));
    let params = json!({ "account_token": "anna", "credits": 0.01 });
    let reply = server.client().rpc("/services/coalroller/roll", &params);
    let id = reply.header("stokehold-call");
    assert_eq!(json(&server, &["call", "show", id])["status"], "captured");
    let shown = ask(&server, &["call", "show", id]).success();
    assert!(shown.contains("captured") && !shown.contains("eyJ"), "{shown}");
    ask(&server, &["call", "show", "none"]).failed(
        1,
        "the call none was not found",
        "404",
        "yours",
    );
}

#[test]
fn what_is_refused_says_why() {
    let data = tempfile::tempdir().expect("a directory");
    let server = Server::sandbox(data.path());
    ask(&server, &["service", "show", "none"]).failed(
        1,
        "none was not found",
        "no such service",
        "",
    );
    let create = ["service", "create", "coalroller", "--label", "Another"];
    ask(&server, &create).failed(1, "coalroller was not registered", "already in use", "look at");
    let grant = ["account", "grant", "coalroller", "anna", "many", "--reason", "a gift"];
    ask(&server, &grant).failed(2, "many is not an amount", "not a number", "0.05");
    let wrong = ["service", "list", "--server", &server.address, "--token", "st_wrong"];
    run(&wrong).failed(1, "the services cannot be listed", "401", "token");
    let nobody = "the server is not told who asks";
    run(&["service", "list"]).failed(2, nobody, "no token", "--token or STOKEHOLD_TOKEN");
}
