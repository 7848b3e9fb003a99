//! `check` and uploads say the same of the same.

use serde_json::{Value, json};
use stokehold_tests::binary::{Ran, run};
use stokehold_tests::guest;
use stokehold_tests::server::Server;
use stokehold_tests::upload;

use crate::project::Project;

fn check(project: &Project, more: &[&str]) -> Ran {
    run(&[&["check", project.path(), "--json"], more].concat())
}

#[test]
fn the_same_faults_are_named_by_check_and_by_the_server() {
    let data = tempfile::tempdir().expect("a directory");
    let server = Server::sandbox(data.path());
    server.register("it");
    let good = upload::manifest("it", "");
    let module = wat::parse_str("(module)").expect("valid text");
    let cases = [
        (good.replace("label", "lable"), guest::echo(), 1),
        (good.replace("\"it\"", "\"It\"").replace("10_000_000", "0"), guest::echo(), 2),
        (good.replace("[tariff]", "[tariff"), guest::echo(), 1),
        (good.clone(), module, 1),
        (good.clone(), b"PK".to_vec(), 1),
    ];
    for (manifest, component, count) in cases {
        let reply = upload::upload(&server.operator(), "it", &manifest, &component);
        let refused = reply.problem(422)["errors"].clone();
        let project = Project::new(&component, "");
        project.write("service.toml", &manifest);
        let checked = check(&project, &[]);
        assert_eq!(checked.code, Some(1), "{checked:?}");
        assert_eq!(checked.json(), json!({ "valid": false, "errors": refused }), "{manifest}");
        assert_eq!(refused.as_array().map(Vec::len), Some(count), "{refused}");
    }
}

#[test]
fn what_a_host_does_not_give_is_noted_by_check_and_by_the_server() {
    let more = "[limits]\nmemory_mib = 512\n\
                [outbound]\nhosts = [\"a.example\", \"b.example\"]\n\
                [secrets]\nnames = [\"key1\"]\n";
    let project = Project::new(&guest::echo(), more);
    project.write("host.toml", "[outbound]\nhosts = [\"b.example\"]\n");
    let checked = check(&project, &["--config", &project.file("host.toml")]);
    assert_eq!(checked.code, Some(0), "notes are no faults: {checked:?}");
    let checked = checked.json();
    let notes = checked["notes"].as_array().expect("notes");
    let says = |note: &Value, text: &str| note["what"].as_str().is_some_and(|it| it.contains(text));
    assert!(notes.len() == 2 && says(&notes[0], "to a.example"), "{checked}");
    assert!(says(&notes[1], "memory_mib is 512, and calls get 256"), "{checked}");
    assert_eq!(checked["secrets"], json!(["key1"]));

    let data = tempfile::tempdir().expect("a directory");
    let allowed = [("STOKEHOLD_OUTBOUND_HOSTS", "[\"b.example\"]")];
    let server = Server::sandbox_with(data.path(), &allowed);
    server.register("it");
    let manifest = project.read("service.toml");
    let missing = upload::upload(&server.operator(), "it", &manifest, &guest::echo()).problem(422);
    assert!(says(&missing["errors"][0], "key1 has no value"), "{missing}");
    server
        .operator()
        .send("PUT", "/api/v1/services/it/secrets/key1", Some(b"x".to_vec()))
        .expect(204);
    let uploaded = upload::upload(&server.operator(), "it", &manifest, &guest::echo()).expect(201);
    assert_eq!(uploaded["notes"], checked["notes"]);

    let unknown = check(&project, &[]).json();
    let notes = unknown["notes"].as_array().expect("notes");
    assert!(notes.len() == 1 && unknown["hosts"] == json!(["a.example", "b.example"]), "{unknown}");
}

#[test]
fn a_component_that_needs_more_memory_than_its_calls_get_is_refused() {
    let project = Project::new(&guest::echo(), "[limits]\nmemory_mib = 1\n");
    assert_eq!(check(&project, &[]).code, Some(0));
    let jsonmill = stokehold_tests::binary::root().join("plugins/jsonmill/jsonmill.wasm");
    let project = Project::new(&std::fs::read(jsonmill).expect("it"), "[limits]\nmemory_mib = 1\n");
    run(&["check", project.path()]).failed(
        1,
        "it.wasm cannot be a service",
        "1114112 bytes of memory at the start; its calls get 1048576",
        "memory_mib",
    );
}
