//! Secrets: shown once, stored as hashes, and never logged.

use std::fs;
use std::path::Path;

use serde_json::json;
use stokehold_tests::server::{ADMIN_TOKEN, Server};
use stokehold_tests::{guest, upload};

use crate::directory;

const HOUR_S: u32 = 3_600;

#[test]
fn no_secret_is_stored_or_logged() {
    let data = directory();
    let server = Server::sandbox_with(data.path(), &[("STOKEHOLD_LOG", "debug")]);
    let key = server.key.clone().expect("the key of the first start");
    let token = server.operator().post("/api/v1/tokens", &json!({"role": "provider", "name": "p"}));
    let token = token.expect(201)["token"].as_str().expect("a token").to_owned();
    traffic(&server, &key, &token);
    let reset = server.operator().send("POST", "/api/v1/services/coalroller/key", None).expect(200);
    let new_key = reset["key"].as_str().expect("a key").to_owned();
    let hold = json!({ "key": key, "account_token": "anna", "credit": 1 });
    server.client().rpc("/iap/1/authorize", &hold).fault("AccessError");
    let hold = json!({ "key": new_key, "account_token": "anna", "credit": 1 });
    server.client().rpc("/iap/1/authorize", &hold).result();

    let while_running = stored_in(data.path());
    let printed = server.stop();
    let stored = [while_running, stored_in(data.path())].concat();
    for (secret, shown) in [(&*key, 1), (&new_key, 0), (&token, 0), (ADMIN_TOKEN, 0)] {
        assert_eq!(printed.matches(secret).count(), shown, "printed {printed}");
        let found = stored.windows(secret.len()).any(|bytes| bytes == secret.as_bytes());
        assert!(!found, "a secret is stored");
    }
}

/// Requests that carry the secrets everywhere they may stand, good ones and bad ones.
fn traffic(server: &Server, key: &str, token: &str) {
    server.grant("coalroller", "anna", &json!(10));
    let hold = json!({ "key": key, "account_token": "anna", "credit": 1, "description": "d" });
    let held = server.client().rpc("/iap/1/authorize", &hold).result();
    server.client().rpc("/iap/1/capture", &json!({ "key": key, "token": held })).result();
    // An hour's worth, at one request a second.
    for second in 0..HOUR_S / 2 {
        let description = format!("second {second}");
        let hold = json!({
            "key": key, "account_token": "anna", "credit": 0.001, "description": description,
        });
        let held = server.client().rpc("/iap/1/authorize", &hold).result();
        server.client().rpc("/iap/1/capture", &json!({ "key": key, "token": held })).result();
    }
    let wrong = json!({ "key": key, "account_token": "anna", "credit": "1" });
    server.client().rpc("/iap/1/authorize", &wrong).fault("TypeError");
    let call = json!({ "account_token": "anna", "credits": 0.01, "hashes": 1, "key": key });
    server.client().rpc("/services/coalroller/roll", &call).fault("UserError");
    let by_key = server.client().with("X-Service-Key", key);
    upload::upload(&by_key, "coalroller", "not a manifest", &guest::echo()).problem(422);
    server.client().bearer(token).get("/api/v1/services").expect(200);
    server.client().bearer(&format!("{token}x")).get("/api/v1/services").problem(401);
}

/// The bytes of every file in a directory.
fn stored_in(directory: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            bytes.extend(stored_in(&path));
        } else {
            bytes.extend(fs::read(&path).expect("a file"));
        }
    }
    assert!(!bytes.is_empty());
    bytes
}
