//! What an account may spend, in a call and in a day.

use serde_json::json;
use stokehold_tests::guest;
use stokehold_tests::server::{Server, assert_clean};

use crate::{call, directory, manifest, money, params, path, patient, sell};

#[test]
fn a_call_has_a_limit() {
    let data = directory();
    let server =
        Server::sandbox_with(data.path(), &[("STOKEHOLD_CALLS_CREDITS_PER_CALL_MAX", "2")]);
    for (name, price) in [("fair", "2"), ("dear", "2.000001")] {
        let manifest = manifest(name, "10_000_000", &format!("credits_per_call = {price}\n"));
        sell(&server, name, &manifest, &guest::echo());
    }
    call(&server, "fair").result();
    let quote = server.client().rpc(&format!("{}?quote", path("dear")), &params());
    for reply in [call(&server, "dear"), quote, patient(&server).rpc(&path("dear"), &params())] {
        let fault = reply.fault("UserError");
        assert_eq!(fault["outcome"], "spend-limit");
        let text = fault["message"].as_str().expect("a text");
        assert!(text.contains("2.000001 credits") && text.contains("allows 2 for one"), "{text}");
    }
    assert_eq!(money(&server, "dear"), (json!(10), json!(0)));
    assert_clean(data.path());
}

#[test]
fn a_day_has_a_limit_that_counts_what_was_captured() {
    let data = directory();
    let server = Server::sandbox_with(data.path(), &[("STOKEHOLD_CALLS_CREDITS_PER_DAY_MAX", "3")]);
    let lowering = guest::capture_at_most_then_answer(500_000);
    sell(&server, "cheap", &manifest("cheap", "10_000_000", ""), &lowering);
    // Each holds one credit and captures half of it: the sixth would hold more than is left.
    for _ in 0..5 {
        call(&server, "cheap").result();
    }
    let fault = call(&server, "cheap").fault("UserError");
    assert_eq!(fault["outcome"], "spend-limit");
    let text = fault["message"].as_str().expect("a text");
    assert!(text.contains("3 credits a day") && text.contains("2.5 are spent"), "{text}");
    let ben = json!({ "account_token": "ben" });
    server.grant("cheap", "ben", &json!(1));
    server.client().rpc(&path("cheap"), &ben).result();
    assert_eq!(money(&server, "cheap"), (json!(7.5), json!(0)));
    assert_clean(data.path());
}
