//! The same component and request burn the same fuel in `run` and in a call on a server, to the unit.

use std::fs;

use serde_json::{Value, json};
use stokehold_tests::guest::Guest;
use stokehold_tests::server::Server;
use stokehold_tests::{binary, upload};

use crate::project::Project;
use crate::run_project;

/// Prints to standard output and asks for random bytes: what WASI takes for that is billed by its
/// bytes, which are as many each time.
fn using_wasi() -> Vec<u8> {
    let imports = r#"
        (import "wasi:cli/stdout@0.2.6" "get-stdout" (func $stdout (result i32)))
        (import "wasi:io/streams@0.2.6" "[method]output-stream.blocking-write-and-flush"
          (func $write (param i32 i32 i32 i32)))
        (import "wasi:random/random@0.2.6" "get-random-bytes" (func $random (param i64 i32)))"#;
    let handle = "(call $random (i64.const 100) (i32.const 192))
        (call $write (call $stdout) (i32.const 64) (i32.const 4) (i32.const 256))
        (call $done)";
    Guest { imports, handle, ..Guest::default() }.component()
}

/// A plugin of this repository, as a project of its own.
fn plugin(name: &str) -> (Project, Vec<u8>) {
    let folder = binary::root().join("plugins").join(name);
    let component = fs::read(folder.join(format!("{name}.wasm"))).expect("a component");
    let project = Project::new(&component, "");
    let text = project.read("service.toml").replace("10_000_000", "120_000_000_000");
    project.write("service.toml", text);
    (project, component)
}

/// The fuel of a call in `run`, and of the same call on a server.
fn fuel(project: &Project, component: &[u8], route: &str, params: &Value) -> [u64; 2] {
    let text = params.to_string();
    let arguments = ["run", project.path(), route, "--params", &text, "--credits", "9", "--json"];
    let ran = binary::run(&arguments);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let here = ran.json()["fuel"].as_u64().expect("fuel");

    let data = tempfile::tempdir().expect("a directory");
    let server = Server::sandbox(data.path());
    server.register("it");
    upload::upload(&server.operator(), "it", &project.read("service.toml"), component).expect(201);
    server.grant("it", "anna", &json!(9));
    let mut params = params.clone();
    params["account_token"] = "anna".into();
    let reply = server.client().rpc(&format!("/services/it/{route}"), &params);
    reply.result();
    [here, reply.header("stokehold-fuel").parse().expect("a number")]
}

#[test]
fn a_call_burns_here_what_it_burns_on_a_server() {
    let (roller, rolling) = plugin("coalroller");
    let (mill, milling) = plugin("jsonmill");
    let wasi = using_wasi();
    for (project, component, route, params) in [
        (roller, rolling, "roll", json!({ "credits": 0.02 })),
        (mill, milling, "mill", json!({ "a": [1, { "b": "text" }], "c": null })),
        (Project::new(&wasi, ""), wasi, "any", json!({ "a": 1 })),
    ] {
        let [here, hosted] = fuel(&project, &component, route, &params);
        assert!(here > 1_000 && here == hosted, "{route}: {here} here, {hosted} on a server");
    }
}

#[test]
fn what_depends_on_the_request_alone_is_the_same_again() {
    let (mill, _) = plugin("jsonmill");
    let ran = run_project(&mill, &["mill", "--credits", "9", "--repeat", "10", "--json"]);
    assert_eq!((ran.code, &ran.json()["equal"]), (Some(0), &json!(true)), "{ran:?}");
}
