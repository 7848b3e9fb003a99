//! Guests that are called over HTTP, put on sale on a server.

use serde_json::{Value, json};
use stokehold_tests::guest::{Guest, KEY_VALUES, OPEN};
use stokehold_tests::server::Server;
use stokehold_tests::upload;

/// What each account gets, in credits: more than any benchmark takes.
const CREDITS: u32 = 10_000_000;

/// Sets one key, again and again, until the fuel is used up but for what it takes to answer.
pub(crate) fn hammering() -> Vec<u8> {
    let handle = format!(
        "{OPEN}
         (loop $again
           (call $set (i32.load (i32.const 132)) (i32.const 64) (i32.const 4)
             (i32.const 1024) (i32.const 100) (i32.const 136))
           (br_if $again (i64.gt_u (call $fuel_remaining) (i64.const 20000000))))
         (call $done)"
    );
    Guest { imports: KEY_VALUES, handle: &handle, ..Guest::default() }.component()
}

/// Answers with its params, and is another component for each number.
pub(crate) fn echo_number(number: u32) -> Vec<u8> {
    let fields = format!("(data (i32.const 256) \"{number:08}\")");
    let handle = "(call $answer (local.get $params) (local.get $params_bytes))";
    Guest { fields: &fields, handle, ..Guest::default() }.component()
}

/// Puts a component on sale. Further lines of its manifest stand in `[tariff]`. Answers the key.
pub(crate) fn sell(server: &Server, name: &str, more: &str, component: &[u8]) -> String {
    let key = server.register(name);
    server.operator().send("POST", &format!("/api/v1/services/{name}/approve"), None).expect(200);
    upload::upload(&server.operator(), name, &manifest(name, more), component).expect(201);
    key
}

/// A manifest by which a credit buys a second of a core, or thereabouts.
pub(crate) fn manifest(name: &str, more: &str) -> String {
    upload::manifest(name, more).replace("10_000_000", "12_000_000_000")
}

/// Gives every account of a benchmark credits for a service.
pub(crate) fn grant(server: &Server, name: &str, accounts: u64) {
    for number in 0..accounts {
        server.grant(name, &account(number, accounts), &json!(CREDITS));
    }
}

/// The account that a request of this number is paid with.
pub(crate) fn account(number: u64, accounts: u64) -> String {
    format!("{:032x}", number % accounts)
}

/// The params of a call that this account pays.
pub(crate) fn params(account: &str) -> Value {
    json!({ "account_token": account, "hello": "world" })
}
