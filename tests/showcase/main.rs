//! The services in `plugins/`, from outside: the real program, real calls, and what clients see and
//! are charged when things go well and when they do not.

mod census;
mod clerk;
mod house;
mod postcard;
mod recorded;

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use stokehold_tests::binary;
use stokehold_tests::http::{Client, Reply};
use stokehold_tests::server::Server;
use tempfile::TempDir;

/// The account that pays.
const ANNA: &str = "anna";

fn directory() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

/// The folder of a service in `plugins/`.
fn plugin(name: &str) -> PathBuf {
    binary::root().join("plugins").join(name)
}

/// A service's manifest and component as `stokehold publish` reads them, with a changed manifest.
fn changed(name: &str, change: impl Fn(String) -> String) -> TempDir {
    let project = directory();
    let component = format!("{name}.wasm");
    fs::copy(plugin(name).join(&component), project.path().join(&component)).expect("a component");
    let manifest = fs::read_to_string(plugin(name).join("service.toml")).expect("a manifest");
    fs::write(project.path().join("service.toml"), change(manifest)).expect("a manifest");
    project
}

/// Publishes the project in a folder with the program itself.
fn publish(server: &Server, key: &str, folder: &std::path::Path) {
    let folder = folder.to_str().expect("a path of text");
    let server = ["--server", &server.address, "--key", key];
    binary::run(&[&["publish", folder], &server[..]].concat()).success();
}

/// Makes a call of Anna's.
fn call(client: &Client, path: &str, mut params: Value) -> Reply {
    params["account_token"] = ANNA.into();
    client.rpc(&format!("/services/{path}"), &params)
}

/// Credits that were held and captured for a call that was answered.
fn held_and_captured(reply: &Reply) -> (f64, f64) {
    let credits = |name: &str| reply.header(name).parse().expect("an amount");
    (credits("stokehold-credits-authorized"), credits("stokehold-credits-captured"))
}

/// What stands on Anna's statement: kind, credits, description.
fn statement(server: &Server, service: &str) -> Vec<(Value, Value, Value)> {
    let path = format!("/api/v1/services/{service}/accounts/{ANNA}/statement");
    let entries = server.operator().get(&path).expect(200);
    let line = |it: &Value| (it["kind"].clone(), it["credits"].clone(), it["description"].clone());
    entries["entries"].as_array().expect("entries").iter().map(line).collect()
}

/// Asserts that a call's receipt is genuine, and says that this was captured.
fn assert_receipt(server: &Server, reply: &Reply, outcome: &str, captured: &Value) {
    let record = server.record(reply);
    let folder = directory();
    let file = folder.path().join("receipt");
    fs::write(&file, record["receipt"].as_str().expect("a receipt")).expect("a file");
    let file = file.to_str().expect("a path of text");
    let verified = ["receipt", "verify", file, "--server", &server.address, "--json"];
    let receipt = binary::run(&verified).json();
    assert_eq!(receipt["genuine"], true, "{receipt}");
    assert_eq!(receipt["receipt"]["outcome"], outcome, "{receipt}");
    assert_eq!(&receipt["receipt"]["credits_captured"], captured, "{receipt}");
}

/// Balance and held credits of Anna.
fn money(server: &Server, service: &str) -> Value {
    let account = server.account(service, ANNA);
    json!([account["balance"], account["held"]])
}
