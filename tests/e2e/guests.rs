//! Guests that misbehave, called by a client: it learns which limit was broken, it pays nothing,
//! and the server goes on.

use serde_json::{Value, json};
use stokehold_tests::guest::{self, Guest};
use stokehold_tests::http::Reply;
use stokehold_tests::server::{Server, assert_clean};
use stokehold_tests::upload;

use crate::directory;

const ACCOUNT: &str = "anna";

/// A tariff by which one credit buys this much fuel, and further lines of a manifest.
fn manifest(name: &str, fuel: &str, more: &str) -> String {
    upload::manifest(name, more).replace("10_000_000", fuel)
}

/// Puts a guest on sale, and some credits on the account.
fn sell(server: &Server, name: &str, manifest: &str, component: &[u8]) {
    server.register(name);
    upload::upload(&server.operator(), name, manifest, component).expect(201);
    server.grant(name, ACCOUNT, &json!(5));
}

fn call(server: &Server, service: &str, params: &Value) -> Reply {
    let mut params = params.clone();
    params["account_token"] = ACCOUNT.into();
    server.client().rpc(&format!("/services/{service}/any/route"), &params)
}

/// What a client is told of a guest, and what its record says.
struct Fault {
    service: &'static str,
    component: Vec<u8>,
    fuel: &'static str,
    limits: &'static str,
    class: &'static str,
    outcome: &'static str,
    /// The limit that was broken, and its value.
    limit: Option<(&'static str, u64)>,
    message: &'static str,
}

/// A guest that only fails.
fn fault(
    service: &'static str,
    component: Vec<u8>,
    [class, outcome, message]: [&'static str; 3],
) -> Fault {
    let (fuel, limits) = ("1_000_000_000", "");
    Fault { service, component, fuel, limits, class, outcome, limit: None, message }
}

/// Asks for timers and closes none.
fn hoarding() -> Vec<u8> {
    let guest = Guest {
        imports: r#"(import "wasi:clocks/monotonic-clock@0.2.6" "subscribe-duration"
            (func $subscribe (param i64) (result i32)))"#,
        handle: "(loop $again (drop (call $subscribe (i64.const 0))) (br $again)) (unreachable)",
        ..Guest::default()
    };
    guest.component()
}

fn faults() -> Vec<Fault> {
    let trap = guest::capture_at_most_then_trap(1);
    vec![
        Fault {
            fuel: "10_000_000",
            limit: Some(("fuel", 10_000_000)),
            ..fault("looping", guest::looping(), ["UserError", "out-of-fuel", "10000000 fuel"])
        },
        Fault {
            fuel: "1_000_000_000_000_000",
            limits: "[limits]\ndeadline_s = 1\n",
            limit: Some(("deadline_ms", 1_000)),
            ..fault("waiting", guest::looping(), ["UserError", "deadline", "1000 ms"])
        },
        Fault {
            limits: "[limits]\nmemory_mib = 4\n",
            limit: Some(("memory_bytes", 4 << 20)),
            ..fault("allocating", guest::allocating(), ["UserError", "memory", "4194304 bytes"])
        },
        Fault {
            limit: Some(("output_bytes", 1 << 20)),
            ..fault("writing", guest::big_output(2 << 20), ["UserError", "output", "1048576 bytes"])
        },
        Fault {
            limit: Some(("handles", 1_000)),
            ..fault("hoarding", hoarding(), ["ServiceFault", "handles", "limit is 1000"])
        },
        fault("trapping", guest::trapping(), ["ServiceFault", "trap", "unreachable"]),
        fault("recursing", guest::recursing(), ["ServiceFault", "trap", "stack"]),
        fault("mumbling", guest::bad_json(), ["ServiceFault", "bad-output", "not JSON"]),
        fault("lowering", trap, ["ServiceFault", "trap", "Nothing was charged"]),
        fault("blaming", guest::failing(0), ["UserError", "user-error", "no luck"]),
        fault("refusing", guest::failing(1), ["AccessError", "access-error", "no luck"]),
        fault("delaying", guest::failing(2), ["Unavailable", "unavailable", "no luck"]),
    ]
}

#[test]
fn each_fault_is_named_and_costs_nothing() {
    let data = directory();
    let server = Server::sandbox(data.path());
    sell(&server, "echo", &upload::manifest("echo", ""), &guest::echo());
    server.grant("echo", ACCOUNT, &json!(100));
    for fault in faults() {
        let manifest = manifest(fault.service, fault.fuel, fault.limits);
        sell(&server, fault.service, &manifest, &fault.component);
        let reply = call(&server, fault.service, &json!({}));
        assert_told(&fault, &reply);
        assert_cancelled(&server, &fault, &reply);
        let echoed = call(&server, "echo", &json!({ "still": "there" }));
        assert_eq!(echoed.result(), json!({ "still": "there" }), "after {}", fault.service);
    }
    assert_clean(data.path());
}

fn assert_told(fault: &Fault, reply: &Reply) {
    assert_eq!(reply.status, 200, "{reply:?}");
    let told = reply.fault(fault.class);
    assert_eq!(told["outcome"], fault.outcome, "{told}");
    assert_eq!(told["call"], reply.header("stokehold-call"), "{told}");
    assert!(told["message"].as_str().is_some_and(|text| text.contains(fault.message)), "{told}");
    assert_eq!(reply.header("stokehold-credits-authorized"), "1");
    assert_eq!(reply.header("stokehold-credits-captured"), "0");
    match fault.limit {
        None => assert!(told.get("limit").is_none(), "{told}"),
        Some((name, value)) => {
            assert_eq!((&told["limit"], &told["limit_value"]), (&json!(name), &json!(value)));
            let used = told["limit_used"].as_u64().expect("what was used");
            // Fuel alone is never used beyond its limit.
            assert!(if name == "fuel" { used <= value } else { used >= value }, "{told}");
            assert!(used > value / 2, "{told}");
        }
    }
}

fn assert_cancelled(server: &Server, fault: &Fault, reply: &Reply) {
    let account = server.account(fault.service, ACCOUNT);
    assert_eq!((&account["balance"], &account["held"]), (&json!(5), &json!(0)), "{account}");
    let record = server.record(reply);
    assert_eq!(record["status"], "cancelled", "{record}");
    assert_eq!(record["outcome"], fault.outcome, "{record}");
    assert_eq!(record["credits_captured"], 0, "{record}");
    assert_eq!(record["error"], reply.fault(fault.class)["message"], "{record}");
}

#[test]
fn a_quote_that_fails_makes_no_hold() {
    let data = directory();
    let server = Server::sandbox(data.path());
    let start = guest::looping_at_start();
    let refusing = Guest {
        fields: r#"(data (i32.const 128) "ask for less")"#,
        quote: "(call $refuse (i32.const 0) (i32.const 128) (i32.const 12))",
        ..Guest::default()
    };
    sell(&server, "starting", &upload::manifest("starting", ""), &start);
    sell(&server, "picky", &upload::manifest("picky", ""), &refusing.component());
    for (service, outcome, message) in
        [("starting", "out-of-fuel", "100000000 fuel"), ("picky", "user-error", "ask for less")]
    {
        let reply = call(&server, service, &json!({}));
        let told = reply.fault("UserError");
        assert_eq!(told["outcome"], outcome, "{told}");
        assert!(told["message"].as_str().is_some_and(|text| text.contains(message)), "{told}");
        assert_eq!(reply.header("stokehold-call"), "", "there was no call");
        let is_limit = outcome == "out-of-fuel";
        assert_eq!(told["limit_value"].as_u64(), is_limit.then_some(100_000_000), "{told}");
    }
    assert_eq!(holds(data.path()), 0);
}

#[test]
fn what_is_captured_is_what_the_guest_left_of_it() {
    let data = directory();
    let server = Server::sandbox(data.path());
    let lowered = guest::capture_at_most_then_answer(250_000);
    sell(&server, "modest", &upload::manifest("modest", ""), &lowered);
    let reply = call(&server, "modest", &json!({}));
    assert_eq!(reply.result(), Value::Null);
    assert_eq!(reply.header("stokehold-credits-authorized"), "1");
    assert_eq!(reply.header("stokehold-credits-captured"), "0.25");
    assert_eq!(server.account("modest", ACCOUNT)["available"], 4.75);

    let by_fuel = manifest("metered", "10_000_000", "settle = \"fuel\"\n");
    sell(&server, "metered", &by_fuel, &guest::echo());
    let reply = call(&server, "metered", &json!({}));
    let (fuel, captured) =
        (reply.header("stokehold-fuel"), reply.header("stokehold-credits-captured"));
    let fuel: f64 = fuel.parse().expect("fuel");
    let captured: f64 = captured.parse().expect("credits");
    assert!(captured > 0.0 && captured < 1.0, "{reply:?}");
    assert!((captured - fuel / 10_000_000.0).abs() <= 0.000_001, "{fuel} fuel for {captured}");
}

#[test]
fn a_free_call_needs_no_account_and_makes_no_hold() {
    let data = directory();
    let server = Server::sandbox(data.path());
    server.register("free");
    let component = guest::component_quoting(0, "(call $done)");
    upload::upload(&server.operator(), "free", &upload::manifest("free", ""), &component)
        .expect(201);
    let reply = call(&server, "free", &json!({}));
    assert_eq!(reply.result(), Value::Null);
    assert_eq!(reply.header("stokehold-credits-authorized"), "0");
    assert_eq!(server.record(&reply)["outcome"], "ok");
    assert_eq!(holds(data.path()), 0);
    server.operator().get("/api/v1/services/free/accounts/anna").problem(404);
}

#[test]
fn who_cannot_pay_is_told_what_it_takes() {
    let data = directory();
    let server = Server::sandbox(data.path());
    server.grant("coalroller", ACCOUNT, &json!(0.5));
    for token in ["anna", "anna+disabled", "nobody", "000000", "000111", "dummy_value"] {
        let params = json!({ "account_token": token, "credits": 0.75 });
        let told = server.client().rpc("/services/coalroller/roll", &params);
        let told = told.fault("InsufficientCreditError");
        assert_eq!(told["outcome"], "insufficient-credits");
        let message = told["message"].as_str().expect("a text");
        let message: Value = serde_json::from_str(message).expect("JSON in a text");
        assert_eq!(message["credit"], 0.75);
        assert_eq!(message["service_name"], "coalroller");
        assert_eq!(message["base_url"], format!("{}/iap/1/credit", server.address));
        assert_eq!(message["trial"], false);
        for member in ["title", "message", "body"] {
            assert!(message[member].as_str().is_some_and(|text| !text.is_empty()), "{message}");
        }
        assert!(message["body"].as_str().is_some_and(|body| body.contains("<p")), "{message}");
    }
    let plenty = json!({ "account_token": "111111", "credits": 0.01 });
    server.client().rpc("/services/coalroller/roll", &plenty).result();
    assert_eq!(holds(data.path()), 0);
    let shown = server.account("coalroller", "anna+disabled");
    assert_eq!((&shown["balance"], &shown["state"]), (&json!(0.5), &json!("disabled")));
}

/// How many holds were ever made.
fn holds(data: &std::path::Path) -> u64 {
    let data = crate::text(data);
    let verified = stokehold_tests::binary::run(&["ledger", "verify", "--data", data, "--json"]);
    verified.json()["holds"].as_u64().expect("a number")
}
