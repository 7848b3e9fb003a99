//! The examples of providers with a server of their own.

use serde_json::{Value, json};
use stokehold_tests::http::Reply;

use crate::account::{POOR, RICH, Till};
use crate::program::{Provider, example, python};

/// Asks a provider for its one service.
fn ask(provider: &Provider, path: &str, account_token: &str, text: &str) -> Reply {
    provider.client.rpc(path, &json!({ "account_token": account_token, "text": text }))
}

/// What a client is told that has too few credits.
#[track_caller]
fn shortage(reply: &Reply) -> Value {
    let message = reply.fault("InsufficientCreditError")["message"].take();
    serde_json::from_str(message.as_str().expect("a text")).expect("JSON")
}

#[test]
fn the_provider_in_rust_charges_for_what_it_turned() {
    let till = Till::of("mirror");
    let provider = Provider::start(example("provider-rust"), &till);
    let turned = ask(&provider, "/reverse", RICH, "coal\t\tdust").result();
    assert_eq!(turned, json!({ "text": "tsudlaoc", "left_out": 2 }));
    till.assert_left(9.2);
    assert_eq!(till.last_description(), "A text, turned round");

    ask(&provider, "/reverse", RICH, "\t\t").fault("UserError");
    let short = shortage(&ask(&provider, "/reverse", POOR, "coal"));
    assert_eq!((&short["credit"], &short["service_name"]), (&json!(0.4), &json!("mirror")));
    assert!(short["body"].as_str().is_some_and(|html| html.contains("Out of mirrors")), "{short}");
    till.assert_left(9.2);
}

#[test]
fn the_provider_in_python_charges_for_what_it_counted() {
    let till = Till::of("counter");
    let command = python("examples/provider-python", &["provider.py"]);
    let provider = Provider::start(command, &till);
    let counted = ask(&provider, "/count", RICH, "coal on coal on fire").result();
    assert_eq!(counted, json!({ "words": 5, "most_common": "coal" }));
    till.assert_left(9.97);
    assert_eq!(till.last_description(), "Words, counted");

    ask(&provider, "/count", RICH, " ").fault("UserError");
    let short = shortage(&ask(&provider, "/count", POOR, "coal"));
    assert_eq!((&short["credit"], &short["service_name"]), (&json!(0.01), &json!("counter")));
    assert!(short["body"].as_str().is_some_and(|html| html.contains("Out of fingers")), "{short}");
    till.assert_left(9.97);
}
