//! A service in each language that `stokehold new` knows, from nothing to a call that is paid for;
//! what `build` does where something is missing or wrong.
//!
//! `cargo xtask toolchains` installs the compilers.

mod engines;
mod project;
mod refusals;

use std::collections::BTreeSet;
use std::fmt::Write;
use std::time::Instant;

use serde_json::{Value, json};
use stokehold_tests::binary;
use stokehold_tests::server::{self, Server};

use crate::project::{Project, copy};

const LANGUAGES: [&str; 4] = ["rust", "javascript", "python", "c"];

#[test]
fn in_each_language_a_service_is_made_built_checked_run_published_and_paid_for() {
    let data = tempfile::tempdir().expect("a folder");
    let server = Server::sandbox(data.path());
    let mut table = "language    build s  check s  run s  publish s  call ms  bytes\n".to_owned();
    for language in LANGUAGES {
        let project = Project::new(&format!("words-{language}"), language);
        let (build_s, built) = timed(|| project.stokehold(&["build", "--json"]).json());
        let (check_s, checked) = timed(|| project.stokehold(&["check", ".", "--json"]).json());
        assert_eq!(checked["valid"], true, "{language}: {checked}");
        assert_eq!(
            (&checked["digest"], &checked["size"]),
            (&built["digest"], &built["size"]),
            "{language}"
        );
        let (_, request) = &project.recorded()[0];
        let (run_s, called) = timed(|| project.call(&request["params"]));
        assert_eq!(called["result"], request["expect"]["result"], "{language}: {called}");
        let (publish_s, ()) = timed(|| publish(&project, &server));
        let (call_s, ()) = timed(|| pay(&project, &server));
        let (call_ms, bytes) = (call_s * 1000.0 / 3.0, &built["size"]);
        writeln!(
            table,
            "{language:10} {build_s:8.1} {check_s:8.1} {run_s:6.1} {publish_s:10.1} {call_ms:8.1}  {bytes}"
        )
        .expect("a string takes all");
    }
    println!("{table}");
    server.stop();
    server::assert_clean(data.path());
}

fn publish(project: &Project, server: &Server) {
    let key = server.register(&project.name);
    let arguments = ["publish", ".", "--server", &server.address, "--key", &key];
    project.stokehold(&arguments).success();
}

/// Makes every recorded call over HTTP: each has the recorded answer, at the recorded price.
fn pay(project: &Project, server: &Server) {
    let (name, token) = (&project.name, "token-of-a-client");
    server.grant(name, token, &json!(1));
    let recorded = project.recorded();
    assert_eq!(recorded.len(), 3);
    for (file, request) in recorded {
        let (expect, mut params) = (&request["expect"], request["params"].clone());
        params["account_token"] = token.into();
        let reply = server.client().rpc(&format!("/services/{name}/count"), &params);
        let answer: Value = serde_json::from_str(&reply.text).expect("JSON");
        let message = &answer["error"]["data"]["message"];
        assert_eq!(answer["result"], expect["result"], "{name} {file}: {answer}");
        assert_eq!(*message, expect["error"], "{name} {file}: {answer}");
        if message.is_null() {
            let captured = server.record(&reply)["credits_captured"].to_string();
            assert_eq!(captured, expect["credits_captured"], "{name} {file}");
        }
    }
    assert_eq!(server.account(name, token)["balance"].to_string(), "0.97", "{name}");
}

#[test]
fn a_changed_line_of_rust_is_built_and_run_with_its_new_price() {
    let project = Project::new("again", "rust");
    let made = locked(&project);
    project.stokehold(&["build"]).success();
    // The versions that recorded prices were recorded with; the order of the names is Cargo's.
    assert_eq!(locked(&project), made, "`cargo update --workspace` in examples/wordcount/rust");
    let text = json!({ "text": "coal" });
    assert_eq!(project.call(&text)["credits_captured"], 0.01);
    project.edit(
        "src/lib.rs",
        "PRICE_MICROCREDITS: u64 = 10_000",
        "PRICE_MICROCREDITS: u64 = 30_000",
    );
    let (again_s, called) = timed(|| {
        project.stokehold(&["build"]).success();
        project.call(&text)
    });
    println!("build and run after a changed line of Rust: {again_s:.1} s");
    assert_eq!(called["credits_captured"], 0.03);
}

#[test]
fn a_service_of_a_workspace_is_built_to_where_its_manifest_says() {
    let folder = tempfile::tempdir().expect("a folder");
    for part in ["plugins", "wit"] {
        copy(&binary::root().join(part), &folder.path().join(part));
    }
    let roller = folder.path().join("plugins/coalroller");
    let before = std::fs::read(roller.join("coalroller.wasm")).expect("it is committed");
    std::fs::remove_file(roller.join("coalroller.wasm")).expect("it is there");
    let path = roller.to_str().expect("text");
    let built = project::run(&mut project::command(&["build", path])).success();
    assert!(built.contains(&format!("next: stokehold check {path}")), "{built}");
    let after = std::fs::read(roller.join("coalroller.wasm")).expect("it is built");
    // Paths of this machine are in it, which the committed one is without: no more differs.
    assert!(after.len().abs_diff(before.len()) < 2_000, "{} {}", after.len(), before.len());
    let call = ["run", path, "roll", "--params", r#"{"credits":0.05,"hashes":1}"#, "--json"];
    assert_eq!(binary::run(&call).json()["result"]["hashes"], 1);
}

/// What a project in Rust is pinned to.
fn locked(project: &Project) -> BTreeSet<String> {
    let text = std::fs::read_to_string(project.path("Cargo.lock")).expect("a lock file");
    text.split("[[package]]").map(|package| package.trim().to_owned()).collect()
}

/// How long something takes, in seconds.
fn timed<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let start = Instant::now();
    let result = work();
    (start.elapsed().as_secs_f64(), result)
}
