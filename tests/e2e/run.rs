//! `stokehold run`: one paid call here.

use serde_json::{Value, json};
use stokehold_tests::binary::{self, Ran};
use stokehold_tests::guest;
use stokehold_tests::server::Server;

use crate::{coal_roller, directory, text};

/// One hash of the coal roller, with room to spare.
const HASH_FUEL: u64 = 500_000_000;

fn roll(params: &Value, credits: &str) -> Ran {
    let params = params.to_string();
    let project = coal_roller();
    let arguments =
        ["run", text(&project), "roll", "--params", &params, "--credits", credits, "--json"];
    binary::run(&arguments)
}

fn fuel(params: &Value) -> u64 {
    let ran = roll(params, "10");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    ran.json()["fuel"].as_u64().expect("fuel")
}

#[test]
fn a_call_is_reported_in_full() {
    let ran = roll(&json!({ "credits": 0.05 }), "0.05");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let report = ran.json();
    let members: Vec<_> = report.as_object().expect("an object").keys().cloned().collect();
    assert_eq!(
        members,
        [
            "credits_authorized",
            "credits_captured",
            "duration_ms",
            "fuel",
            "host_calls",
            "log",
            "memory_peak_bytes",
            "outcome",
            "repeatable",
            "result"
        ]
    );
    assert_eq!((&report["credits_authorized"], &report["outcome"]), (&json!(0.05), &json!("ok")));
    assert_eq!(report["credits_captured"], 0.05);
    assert!(report["result"]["hashes"].as_u64().is_some_and(|hashes| hashes > 1));
    assert_eq!(report["repeatable"], true);
    let charge = &report["host_calls"][0];
    let calls = charge["calls"].as_u64().expect("a number");
    assert_eq!((&charge["name"], &charge["fuel"]), (&json!("charge"), &json!(calls * 2_500)));
    assert!(report["memory_peak_bytes"].as_u64().is_some_and(|bytes| bytes >= 1 << 16));
}

#[test]
fn the_same_call_burns_the_same_fuel_here_and_on_a_server() {
    let params = json!({ "credits": 0.02 });
    let here = fuel(&params);
    assert_eq!(here, fuel(&params));
    let data = directory();
    let server = Server::sandbox(data.path());
    server.grant("coalroller", "anna", &json!(1));
    let hosted = json!({ "account_token": "anna", "credits": 0.02 });
    for _ in 0..2 {
        let reply = server.client().rpc("/services/coalroller/roll", &hosted);
        assert_eq!(reply.header("stokehold-fuel"), here.to_string());
    }
}

#[test]
fn twice_the_credits_burn_twice_the_fuel() {
    let (once, twice) = (fuel(&json!({ "credits": 0.02 })), fuel(&json!({ "credits": 0.04 })));
    assert!(twice.abs_diff(2 * once) <= HASH_FUEL, "{once} and {twice}");
}

#[test]
fn wrong_values_are_usage_and_failed_calls_are_failures() {
    let project = coal_roller();
    let run = |more: &[&str]| binary::run(&[&["run", text(&project)], more].concat());
    run(&["roll", "--params", "{\"credits\":"]).failed(2, "--params", "EOF", "single quotes");
    run(&["roll", "--params", "[1]"]).failed(2, "--params", "object", "single quotes");
    run(&["roll", "--credits", "many"]).failed(2, "--credits many", "not a number", "0.05");
    run(&["roll", "--credits", "-1"]).failed(2, "--credits -1", "negative", "0.05");
    assert_eq!(run(&["roll", "--coal", "1"]).code, Some(2));
    assert_eq!(run(&[]).code, Some(2));

    let params = r#"{"credits":true}"#;
    run(&["roll", "--params", params]).failed(1, "user-error", "credits", "--params");
    run(&["burn"]).failed(1, "user-error", "roll", "route");
    let params = r#"{"credits":2}"#;
    run(&["roll", "--params", params, "--credits", "1"]).failed(
        1,
        "insufficient-credits",
        "2 credits",
        "--credits",
    );
    let params = r#"{"credits":0.01,"hashes":1000}"#;
    run(&["roll", "--params", params]).failed(1, "out-of-fuel", "1200000000 fuel", "quote more");
    binary::run(&["run", "no/such.wasm", "roll"]).failed(1, "no/such.wasm", "No such file", "");
}

#[test]
fn a_failed_call_is_reported_in_json_too() {
    let ran = roll(&json!({ "credits": 0.01, "hashes": 1000 }), "1");
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let report = ran.json();
    assert_eq!((&report["outcome"], &report["result"]), (&json!("out-of-fuel"), &Value::Null));
    assert_eq!(report["credits_captured"], 0);
    assert!(report["error"].as_str().is_some_and(|text| text.contains("1200000000 fuel")));
}

#[test]
fn a_component_runs_without_a_manifest() {
    let directory = directory();
    let path = directory.path().join("echo.wasm");
    std::fs::write(&path, guest::echo()).expect("it is written");
    let ran = binary::run(&["run", text(&path), "any", "--params", r#"{"a":[1.10]}"#]);
    assert_eq!(ran.success(), "{\"a\":[1.10]}\n");
}
