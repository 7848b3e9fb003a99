//! Machine code of a server: made at the upload, kept, and made again where it was lost.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;
use stokehold_tests::binary;
use stokehold_tests::server::Server;
use stokehold_tests::{guest, upload};

use crate::{directory, text};

/// The files of machine code.
fn files(data: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(data.join("cache")).expect("a cache");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    files
}

fn sell(server: &Server) {
    server.register("echo");
    let manifest = upload::manifest("echo", "");
    upload::upload(&server.operator(), "echo", &manifest, &guest::echo()).expect(201);
    server.grant("echo", "anna", &json!(100));
}

fn assert_answers(server: &Server) {
    let params = json!({ "account_token": "anna", "n": 1 });
    let reply = server.client().rpc("/services/echo/x", &params);
    assert_eq!(reply.result(), json!({ "n": 1 }));
}

#[test]
fn an_upload_compiles_and_a_call_does_not() {
    let data = directory();
    let server = Server::sandbox(data.path());
    let before = files(data.path()).len();
    sell(&server);
    let compiled = files(data.path());
    assert_eq!(compiled.len(), before + 1);
    assert_answers(&server);
    server.stop();
    // Neither the start nor the call makes code: what is there is mapped.
    let changed = |file: &PathBuf| fs::metadata(file).expect("a file").len();
    let sizes: Vec<_> = compiled.iter().map(changed).collect();
    let server = Server::sandbox(data.path());
    assert_answers(&server);
    assert_eq!(files(data.path()), compiled);
    assert_eq!(compiled.iter().map(changed).collect::<Vec<_>>(), sizes);
}

#[test]
fn lost_and_damaged_code_is_made_again() {
    let data = directory();
    let server = Server::sandbox(data.path());
    sell(&server);
    server.stop();
    for file in files(data.path()) {
        fs::write(file, "this is no machine code").expect("it is damaged");
    }
    let server = Server::sandbox(data.path());
    assert_answers(&server);
    server.stop();
    fs::remove_dir_all(data.path().join("cache")).expect("it is removed");
    let server = Server::sandbox(data.path());
    assert_answers(&server);
}

#[test]
fn a_compilation_beyond_its_limit_is_an_answer() {
    let data = directory();
    let server = Server::sandbox_with(data.path(), &[("STOKEHOLD_RUNTIME_COMPILE_MIB_MAX", "256")]);
    server.register("large");
    let work = "(drop (call $authorized))".repeat(2_000_000);
    let component = guest::component(&format!("{work} (call $done)"));
    let manifest = upload::manifest("large", "");
    let reply = upload::upload(&server.operator(), "large", &manifest, &component);
    reply.expect(422);
    assert!(reply.text.contains("the limit is 268435456 bytes"), "{}", reply.text);
}

#[test]
fn prices_are_printed() {
    let list = binary::run(&["price-list", "--json"]).json();
    assert_eq!(list["version"], "wasmtime-48/3");
    let names = list["host_calls"].as_array().expect("a list").iter().map(|row| &row["name"]);
    assert!(names.clone().any(|name| *name == "wasi:clocks"), "{list}");
    assert!(binary::run(&["price-list"]).stdout.contains("wasi:http request"));
}

#[test]
fn a_profile_is_drawn() {
    let data = directory();
    let (drawn, written) = (data.path().join("fuel.svg"), data.path().join("fuel.txt"));
    for path in [&drawn, &written] {
        let coal_roller = crate::coal_roller();
        let arguments = [
            "run",
            text(&coal_roller),
            "roll",
            "--params",
            r#"{"credits":0.01}"#,
            "--profile",
            text(path),
        ];
        let ran = binary::run(&arguments);
        assert_eq!(ran.code, Some(0), "{ran:?}");
    }
    let drawn = fs::read_to_string(drawn).expect("a drawing");
    assert!(drawn.contains("<svg") && drawn.contains("compress512"), "{drawn}");
    let written = fs::read_to_string(written).expect("stacks");
    assert!(written.contains(";host charge "), "{written}");
}
