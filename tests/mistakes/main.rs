//! Typical mistakes of those who write their first service, and what they are told.
//!
//! What the real program prints is compared with a file of `snapshots` letter for letter. Where a
//! change of it is meant, run `STOKEHOLD_UPDATE=1 cargo test --release --test mistakes`, and read the
//! difference aloud: could somebody act on it who has never seen WebAssembly?

mod project;

use std::env;
use std::fs;
use std::path::PathBuf;

use stokehold_tests::binary::{self, Ran};
use stokehold_tests::guest::{self, Guest};

use crate::project::Project;

/// A component as text.
fn component(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("valid text")
}

#[test]
fn a_program_is_no_service() {
    let command =
        component(r#"(component (instance $run) (export "wasi:cli/run@0.2.6" (instance $run)))"#);
    Project::new("", &command).expect("wrong-world", &["check", "."]);
}

#[test]
fn a_forgotten_export_is_named() {
    Project::new("", &component("(component)")).expect("no-export", &["check", "."]);
    let empty = component(
        r#"(component (instance $it) (export "stokehold:service/service@0.1.0" (instance $it)))"#,
    );
    Project::new("", &empty).expect("forgotten-function", &["check", "."]);
}

#[test]
fn a_forbidden_import_is_named() {
    let importing = component(
        r#"(component
          (import "acme:bank/vault@1.0.0" (instance))
          (import "wasi:nn/graph@0.2.0" (instance))
          (instance $it) (export "stokehold:service/service@0.1.0" (instance $it)))"#,
    );
    Project::new("", &importing).expect("forbidden-import", &["check", "."]);
}

#[test]
fn a_wrong_version_of_the_contract_is_named() {
    let newer = component(
        r#"(component
          (import "stokehold:service/charge@0.2.0" (instance))
          (instance $it) (export "stokehold:service/service@0.2.0" (instance $it)))"#,
    );
    Project::new("", &newer).expect("wrong-version", &["check", "."]);
}

#[test]
fn a_core_module_is_no_component() {
    let project = Project::new("", &component("(module)"));
    project.expect("core-module", &["check", "."]);
    project.expect("core-module-run", &["run", ".", "any"]);
}

#[test]
fn a_typo_in_the_manifest_is_shown() {
    let project = Project::new("", &guest::echo());
    project.change("label = \"Greeter\"", "label = Greeter");
    project.expect("manifest-typo", &["check", "."]);
    let project = Project::new("[limits]\nmemory_mib = 0\n", &guest::echo());
    project.change("\"it\"", "\"It!\"");
    project.change("10_000_000", "-1");
    project.expect("manifest-values", &["run", ".", "any"]);
}

#[test]
fn an_unknown_key_is_answered_with_the_one_that_was_meant() {
    let project = Project::new("", &guest::echo());
    project.change("fuel_per_credit", "fuel_per_credits");
    project.expect("unknown-key", &["check", "."]);
    let project = Project::new("[limit]\nmemory_mib = 8\n", &guest::echo());
    project.expect("unknown-section", &["check", "."]);
}

#[test]
fn a_missing_secret_is_asked_for() {
    let secrets = "[secrets]\nnames = [\"sms_api_key\"]\n";
    Project::new(secrets, &guest::echo()).expect("missing-secret", &["run", ".", "any"]);
}

#[test]
fn a_host_that_is_not_allowed_is_named() {
    let asking = guest::asking_host("api.example.com");
    let project = Project::new("", &asking);
    project.change("10_000_000", "1_000_000_000");
    project.expect("host-not-allowed", &["run", ".", "any"]);
    let outbound = "[outbound]\nhosts = [\"http://api.example.com\"]\n";
    let project = Project::new(outbound, &asking);
    fs::write(project.file("host.toml"), "").expect("it is written");
    project.expect("host-not-allowed-there", &["check", ".", "--config", "host.toml"]);
}

#[test]
fn a_panic_says_where() {
    let panicking = Guest {
        fields: "(func $greet (unreachable))",
        handle: "(call $greet) (call $done)",
        ..Guest::default()
    };
    Project::new("", &panicking.component()).expect("panic", &["run", ".", "any"]);
}

#[test]
fn what_is_no_json_is_said_so() {
    Project::new("", &guest::bad_json()).expect("bad-json", &["run", ".", "any"]);
}

#[test]
fn a_component_that_was_not_built_is_missed() {
    let project = Project::new("", &guest::echo());
    fs::remove_file(project.file("it.wasm")).expect("it was there");
    project.expect("not-built", &["check", "."]);
}

#[test]
fn every_snapshot_is_of_a_test() {
    let source = include_str!("main.rs");
    for entry in fs::read_dir(snapshots()).expect("a directory") {
        let name = entry.expect("an entry").file_name().into_string().expect("text");
        let name = name.strip_suffix(".txt").expect("a text file");
        assert!(source.contains(&format!("expect(\"{name}\"")), "no test has {name}");
    }
}

fn snapshots() -> PathBuf {
    binary::root().join("tests/mistakes/snapshots")
}

/// What was run and printed, without what differs from run to run.
fn shown(arguments: &[&str], ran: &Ran) -> String {
    let took = |text: &str| match text.rsplit_once(" KiB of memory, ") {
        Some((before, _)) => format!("{before} KiB of memory, … ms\n"),
        None => text.to_owned(),
    };
    let Ran { code, stdout, stderr } = ran;
    let code = code.expect("no signal ended it");
    format!("$ stokehold {}\n{stdout}{}exit status {code}\n", arguments.join(" "), took(stderr))
}

/// Compares with the snapshot, or writes it.
#[track_caller]
fn compare(name: &str, shown: &str) {
    let path = snapshots().join(format!("{name}.txt"));
    if env::var_os("STOKEHOLD_UPDATE").is_some() {
        fs::write(&path, shown).expect("the snapshot is written");
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(shown == committed, "{name}:\n{shown}\n---- was\n{committed}");
}
