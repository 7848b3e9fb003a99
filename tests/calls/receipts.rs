//! Receipts: signed, complete, and checked with the host's public keys alone.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use stokehold_tests::binary::{self, Ran};
use stokehold_tests::server::Server;
use stokehold_tests::{guest, upload};

use crate::{call, directory, sell};

fn sha256(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn verify(receipt: &Path, keys: &[&str]) -> Ran {
    let file = receipt.to_str().expect("a path of text");
    binary::run(&[&["receipt", "verify", file], keys].concat())
}

#[test]
fn a_receipt_says_what_the_call_was_and_is_checked_without_the_host() {
    let data = directory();
    let server = Server::sandbox(data.path());
    sell(&server, "echo", &upload::manifest("echo", ""), &guest::echo());
    let reply = call(&server, "echo");
    let record = server.record(&reply);
    let receipt = data.path().join("receipt");
    fs::write(&receipt, record["receipt"].as_str().expect("a receipt")).expect("it is written");

    let asked = verify(&receipt, &["--server", &server.address, "--json"]);
    assert_eq!(asked.code, Some(0), "{asked:?}");
    let asked = asked.json();
    assert_eq!(asked["genuine"], true);
    let said = &asked["receipt"];
    for (field, expected) in [
        ("call", &record["id"]),
        ("service", &json!("echo")),
        ("version", &json!(1)),
        ("component_sha256", &record["digest"]),
        ("route", &json!("do")),
        ("outcome", &json!("ok")),
        ("credits_quoted", &json!(1)),
        ("credits_authorized", &json!(1)),
        ("credits_captured", &json!(1)),
        ("fuel_used", &record["fuel"]),
        ("fuel_bought", &record["fuel_bought"]),
        ("price_list", &record["price_list"]),
        ("memory_peak_bytes", &record["memory_peak_bytes"]),
        ("duration_ms", &record["duration_ms"]),
        ("host_calls", &record["host_calls"]),
        ("repeatable", &json!(true)),
        ("created_at", &record["created_at"]),
        ("ended_at", &record["ended_at"]),
        ("params_sha256", &json!(sha256("{\"n\":1}"))),
        ("result_sha256", &json!(sha256("{\"n\":1}"))),
    ] {
        assert_eq!(&said[field], expected, "{field}: {said}");
    }
    assert!(said["client"].as_str().is_some_and(|client| client != crate::ANNA), "{said}");

    let keys = data.path().join("jwks.json");
    let jwks = server.client().get("/.well-known/jwks.json");
    assert_eq!(jwks.header("content-type"), "application/jwk-set+json");
    assert!(jwks.json()["keys"][0].get("d").is_none(), "the private part stays");
    fs::write(&keys, &jwks.text).expect("it is written");
    server.stop();
    let keys = ["--jwks", keys.to_str().expect("a path of text")];
    let offline = verify(&receipt, &keys).success();
    assert!(offline.starts_with("genuine") && offline.contains("credits_captured"), "{offline}");
    // The call as the server shows it does as well.
    fs::write(&receipt, record.to_string()).expect("it is written");
    verify(&receipt, &keys).success();
}

#[test]
fn what_is_not_genuine_is_refused_with_its_reason() {
    let data = directory();
    let server = Server::sandbox(data.path());
    sell(&server, "echo", &upload::manifest("echo", ""), &guest::echo());
    let record = server.record(&call(&server, "echo"));
    let genuine = record["receipt"].as_str().expect("a receipt");
    let file = data.path().join("receipt");
    let keys = ["--server", server.address.as_str()];
    let refused = |text: &str, why: &str, hint: &str| {
        fs::write(&file, text).expect("it is written");
        verify(&file, &keys).failed(1, "the receipt is not genuine", why, hint);
    };
    let parts: Vec<_> = genuine.split('.').collect();
    let (header, payload, signature) = (parts[0], parts[1], parts[2]);
    let first = if payload.starts_with('A') { "B" } else { "A" };
    let altered = format!("{header}.{first}{}.{signature}", &payload[1..]);
    refused(&altered, "its signature does not fit", "ask the host");
    refused("nothing", "not a compact JWS", "GET /api/v1/calls/{id}");
    let quote = server.client().rpc("/services/echo/do?quote", &crate::params()).result();
    refused(quote["quote"].as_str().expect("a quote"), "stokehold-quote", "a quote is no receipt");

    let other = directory();
    let stranger = Server::sandbox(other.path());
    fs::write(&file, genuine).expect("it is written");
    verify(&file, &["--server", &stranger.address]).failed(
        1,
        "the receipt is not genuine",
        "is not among the known ones",
        "of the host that signed it",
    );
    let as_json = verify(&file, &["--server", &stranger.address, "--json"]);
    assert_eq!((as_json.code, &as_json.json()["genuine"]), (Some(1), &json!(false)));
}

#[test]
fn every_outcome_leaves_a_receipt_and_a_rotated_key_stays_known() {
    let data = directory();
    let server = Server::sandbox(data.path());
    sell(&server, "trapping", &upload::manifest("trapping", ""), &guest::trapping());
    let reply = call(&server, "trapping");
    let receipt = |server: &Server| server.record(&reply)["receipt"].as_str().map(str::to_owned);
    let before = receipt(&server).expect("a receipt");
    assert_eq!(receipt(&server).as_ref(), Some(&before), "it is the same each time");
    let kids = |server: &Server| -> Vec<Value> {
        let jwks = server.client().get("/.well-known/jwks.json").expect(200);
        jwks["keys"].as_array().expect("keys").iter().map(|key| key["kid"].clone()).collect()
    };
    let old = kids(&server);
    let made = server.operator().send("POST", "/api/v1/signing-keys", None).expect(201);
    assert_eq!(kids(&server), [made["kid"].clone(), old[0].clone()]);
    let after = receipt(&server).expect("a receipt");
    assert_ne!(before, after);
    drop(server);
    let server = Server::sandbox(data.path());
    assert_eq!(receipt(&server).as_ref(), Some(&after), "the new key signs after a restart");
    let file = data.path().join("receipt");
    for receipt in [before, after] {
        fs::write(&file, receipt).expect("it is written");
        let said = verify(&file, &["--server", &server.address, "--json"]).json();
        assert_eq!(said["receipt"]["outcome"], "trap");
        assert_eq!(said["receipt"]["credits_captured"], 0);
        assert_eq!(said["receipt"]["result_sha256"], Value::Null);
    }
}
