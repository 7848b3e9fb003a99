//! What each outcome costs is the manifest's to say, within what was held.

use serde_json::{Value, json};
use stokehold_tests::server::{Server, assert_clean};
use stokehold_tests::{guest, upload};

use crate::{ANNA, call, directory, manifest, params, sell};

const ALL: &str = "on = { user-error = \"capture-used\", out-of-fuel = \"capture-used\", deadline = \"capture-used\" }\n";

/// Where a credit buys a million fuel, each costs a micro-credit.
#[track_caller]
fn assert_costs_its_fuel(record: &Value) {
    let captured = record["credits_captured"].as_f64().expect("credits");
    let fuel = record["fuel"].as_f64().expect("fuel");
    assert!((captured * 1_000_000.0 - fuel).abs() < 0.5, "{record}");
}

#[test]
fn failures_cost_what_the_manifest_says_and_traps_nothing() {
    let data = directory();
    let server = Server::sandbox(data.path());
    let looping = guest::looping();
    for (name, component, fuel, limits, outcome, is_charged) in [
        ("blaming", guest::failing(0), "1_000_000", "", "user-error", true),
        ("burning", looping.clone(), "1_000_000", "", "out-of-fuel", true),
        ("slow", looping, "1_000_000_000_000", "[limits]\ndeadline_s = 1\n", "deadline", true),
        ("refusing", guest::failing(1), "1_000_000", "", "access-error", false),
        ("delaying", guest::failing(2), "1_000_000", "", "unavailable", false),
        ("trapping", guest::trapping(), "1_000_000", "", "trap", false),
        ("mumbling", guest::bad_json(), "1_000_000", "", "bad-output", false),
        ("hoarding", guest::allocating(), "100_000_000", "", "memory", false),
    ] {
        for (declared, is_charged) in [("", false), (ALL, is_charged)] {
            let service = format!("{name}{}", declared.len().min(1));
            let manifest = manifest(&service, fuel, &format!("{declared}{limits}"));
            sell(&server, &service, &manifest, &component);
            let reply = call(&server, &service);
            let record = server.record(&reply);
            assert_eq!(record["outcome"], outcome, "{record}");
            let captured = &record["credits_captured"];
            assert_eq!(*captured != json!(0), is_charged, "{service}: {record}");
            assert_eq!(record["status"], if is_charged { "captured" } else { "cancelled" });
            assert_eq!(reply.header("stokehold-credits-captured"), captured.to_string());
            let told = &reply.json()["error"]["data"];
            assert_eq!(&told["credits_captured"], captured, "{told}");
            if fuel == "1_000_000" && is_charged {
                assert_costs_its_fuel(&record);
            }
            if matches!(outcome, "out-of-fuel" | "deadline") {
                let text = told["message"].as_str().expect("a text");
                let says =
                    if is_charged { "were charged for the fuel" } else { "Nothing was charged" };
                assert!(text.contains(says), "{text}");
            }
        }
    }
    assert_clean(data.path());
}

#[test]
fn a_service_that_settles_by_fuel_captures_what_was_used() {
    let data = directory();
    let server = Server::sandbox(data.path());
    let by_fuel = manifest("echo", "1_000_000", "settle = \"fuel\"\n");
    sell(&server, "echo", &by_fuel, &guest::echo());
    let reply = call(&server, "echo");
    let record = server.record(&reply);
    assert_eq!((&record["credits_authorized"], &record["outcome"]), (&json!(1), &json!("ok")));
    assert_costs_its_fuel(&record);
    let quote = server.client().rpc("/services/echo/do?quote", &params()).result();
    assert_eq!(quote["settle"], "fuel");
    assert_clean(data.path());
}

#[test]
fn a_reserve_lets_a_guest_end_well_that_uses_all_it_sees() {
    let data = directory();
    let server = Server::sandbox(data.path());
    let greedy = guest::using_up();
    sell(&server, "plain", &manifest("plain", "1_000_000", ""), &greedy);
    call(&server, "plain").fault("UserError");
    let with_reserve = manifest("careful", "1_000_000", "finish_reserve = 0.02\n");
    sell(&server, "careful", &with_reserve, &greedy);
    let reply = call(&server, "careful");
    assert_eq!(reply.result(), Value::Null);
    let fuel = server.record(&reply)["fuel"].as_u64().expect("fuel");
    assert!((980_000..1_000_000).contains(&fuel), "{fuel}");
}

#[test]
fn a_tariff_that_charges_for_traps_is_refused() {
    let data = directory();
    let server = Server::sandbox(data.path());
    server.register("greedy");
    let manifest = upload::manifest("greedy", "on = { trap = \"capture-used\" }\n");
    let refused = upload::upload(&server.operator(), "greedy", &manifest, &guest::echo());
    let problem = refused.problem(422);
    assert!(problem["errors"][0]["what"].as_str().is_some_and(|what| what.contains("trap")));
    server.grant("greedy", ANNA, &json!(1));
    call(&server, "greedy").fault("Unavailable");
}
