//! Uploads that are refused: each fault is named with its mend, by the server and by `check`.

use std::fs;

use serde_json::Value;
use stokehold_tests::binary::run;
use stokehold_tests::http::Reply;
use stokehold_tests::server::Server;
use stokehold_tests::{guest, upload};

use crate::{coal_roller, directory, text};

const VERSIONS: &str = "/api/v1/services/strict/versions";

/// What is said of a fault, and of its mend.
type Said = (&'static str, &'static str);

/// Components that cannot be services, and what is said of each.
fn components() -> Vec<(Vec<u8>, Vec<Said>)> {
    let export = ("does not export stokehold:service/service@0.1.0", "paid-service");
    let parse = |text| wat::parse_str(text).expect("valid text");
    vec![
        (b"PK\x03\x04 junk".to_vec(), vec![("this is not WebAssembly", "built .wasm file")]),
        (Vec::new(), vec![("empty", "")]),
        (parse("(module)"), vec![("a core WebAssembly module", "")]),
        (parse("(component)"), vec![export]),
        (
            parse(
                r#"(component (import "wasi:nn/graph@0.2.0" (instance))
                     (import "acme:bank/vault@1.0.0" (instance)))"#,
            ),
            vec![
                ("imports wasi:nn/graph@0.2.0", "of WASI a service may import"),
                ("imports acme:bank/vault@1.0.0", "leave it out"),
                export,
            ],
        ),
    ]
}

/// The faults of a refused upload, each with its mend.
#[track_caller]
fn faults(reply: &Reply) -> Vec<Value> {
    let problem = reply.problem(422);
    let faults = problem["errors"].as_array().cloned().unwrap_or_default();
    assert!(!faults.is_empty(), "{problem}");
    for fault in &faults {
        for member in ["what", "mend"] {
            assert!(fault[member].as_str().is_some_and(|text| !text.is_empty()), "{problem}");
        }
    }
    faults
}

#[track_caller]
fn assert_named(faults: &[Value], expected: &[(&str, &str)]) {
    assert_eq!(faults.len(), expected.len(), "{faults:?}");
    for (what, mend) in expected {
        let says = |fault: &Value, member: &str, text: &str| {
            fault[member].as_str().is_some_and(|found| found.contains(text))
        };
        let named = faults.iter().any(|it| says(it, "what", what) && says(it, "mend", mend));
        assert!(named, "no {what:?} with {mend:?} in {faults:?}");
    }
}

#[test]
fn components_are_refused_by_the_server_and_by_check_in_the_same_words() {
    let data = directory();
    let server = Server::sandbox(data.path());
    server.register("strict");
    let manifest = upload::manifest("strict", "");
    for (component, expected) in components() {
        let reply = upload::upload(&server.operator(), "strict", &manifest, &component);
        let refused = faults(&reply);
        assert_named(&refused, &expected);

        let path = data.path().join("it.wasm");
        fs::write(&path, &component).expect("it is written");
        let checked = run(&["check", text(&path), "--json"]);
        assert_eq!(checked.code, Some(1), "{checked:?}");
        let report = checked.json();
        assert_eq!((&report["valid"], &report["errors"]), (&Value::Bool(false), &refused.into()));
        for (what, mend) in expected {
            run(&["check", text(&path)]).failed(1, "it.wasm cannot be a service", what, mend);
        }
    }
    let versions = server.operator().get(VERSIONS).expect(200);
    assert_eq!(versions["versions"].as_array().map(Vec::len), Some(0));
}

#[test]
fn manifests_and_parts_are_refused() {
    let data = directory();
    let server = Server::sandbox(data.path());
    server.register("strict");
    let (operator, echo) = (server.operator(), guest::echo());
    let upload = |manifest: &str| faults(&upload::upload(&operator, "strict", manifest, &echo));

    let other = upload(&upload::manifest("other", ""));
    assert_named(
        &other,
        &[("the manifest is of other, the service is strict", "name = \"strict\"")],
    );
    let manifest = upload::manifest("strict", "")
        .replace("[component]", "credit_template = \"none.html\"\n[component]");
    let template = upload(&manifest);
    assert_named(&template, &[("none.html is not in the upload", "files")]);
    let broken = upload("[service]\nname = \"strict\"\ncolour = \"red\"\n");
    assert!(broken[0]["what"].as_str().is_some_and(|what| what.contains("service.toml:3")));

    let manifest = upload::manifest("strict", "");
    let manifest = ("manifest", "service.toml", manifest.as_bytes());
    let component = ("component", "it.wasm", echo.as_slice());
    for (parts, what) in [
        (vec![manifest], "no part \"component\""),
        (vec![component], "no part \"manifest\""),
        (vec![manifest, component, ("colour", "", b"red")], "a part \"colour\""),
        (vec![component, ("manifest", "service.toml", b"\xff")], "\"manifest\" is not UTF-8"),
    ] {
        assert_named(&faults(&upload::send(&operator, VERSIONS, &parts)), &[(what, "")]);
    }
    let text = operator.with("Content-Type", "text/plain");
    text.send("POST", VERSIONS, Some(b"x".to_vec())).problem(400);
    operator.send("POST", &format!("{VERSIONS}?activate=maybe"), None).problem(400);
}

#[test]
fn an_upload_can_be_too_large() {
    let data = directory();
    let limit = [("STOKEHOLD_SERVER_UPLOAD_BYTES_MAX", "200_000")];
    let server = Server::sandbox_with(data.path(), &limit);
    server.register("strict");
    let manifest = upload::manifest("strict", "");
    // Waits for leave, as curl does with what is large.
    let client = server.operator().with("Expect", "100-continue");
    let large = vec![0; 1_000_000];
    let problem = upload::upload(&client, "strict", &manifest, &large).problem(413);
    assert!(problem["detail"].as_str().is_some_and(|text| text.contains("200000")), "{problem}");

    let path = coal_roller().join("coalroller.wasm");
    let mut padded = fs::read(path).expect("the component");
    padded.extend(vec![0; 200_000]);
    let project = directory();
    fs::write(project.path().join("service.toml"), manifest).expect("it is written");
    fs::write(project.path().join("it.wasm"), padded).expect("it is written");
    let key = server.operator().send("POST", "/api/v1/services/strict/key", None).expect(200);
    let key = key["key"].as_str().expect("a key");
    let publish = ["publish", text(project.path()), "--server", &server.address, "--key", key];
    run(&publish).failed(1, "strict was not published", "413", "smaller");
}

#[test]
fn a_sound_component_is_described() {
    let report = run(&["check", text(&coal_roller()), "--json"]);
    assert_eq!(report.code, Some(0), "{report:?}");
    let report = report.json();
    assert_eq!((&report["valid"], &report["service"]), (&Value::Bool(true), &"coalroller".into()));
    let missing = run(&["check", "no/such.wasm"]);
    missing.failed(1, "no/such.wasm cannot be read", "No such file", "service.toml");
}
