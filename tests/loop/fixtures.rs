//! `run --fixtures`: recorded requests, their results and their prices.

use serde_json::{Value, json};
use stokehold_tests::binary::Ran;
use stokehold_tests::guest;

use crate::project::Project;
use crate::run_project;

/// A project with these fixtures.
fn project(component: &[u8], fixtures: &[(&str, Value)]) -> Project {
    let project = Project::new(component, "settle = \"fuel\"\n");
    for (name, fixture) in fixtures {
        project.write(&format!("fixtures/{name}"), fixture.to_string());
    }
    project
}

fn play(project: &Project, more: &[&str]) -> Ran {
    run_project(project, &[&["--fixtures", &project.file("fixtures")], more].concat())
}

#[test]
fn recorded_requests_are_compared() {
    let project = project(
        &guest::echo(),
        &[
            (
                "a.json",
                json!({ "route": "say", "params": { "a": 1 }, "expect": { "result": { "a": 1 } } }),
            ),
            (
                "b.json",
                json!({ "route": "say", "credits": "0", "expect": { "outcome": "insufficient-credits" } }),
            ),
        ],
    );
    let table = play(&project, &[]).success();
    assert!(table.contains("a.json") && table.contains("passed"), "{table}");
    let played = play(&project, &["--json"]).json();
    let rows = played["fixtures"].as_array().expect("fixtures").clone();
    let statuses: Vec<_> = rows.iter().map(|row| &row["status"]).collect();
    assert_eq!(statuses, ["passed", "passed"], "{played}");
}

#[test]
fn every_difference_is_named_before_and_after() {
    let fixture = json!({
        "route": "say", "params": { "a": 1 },
        "expect": { "result": { "a": 2 }, "credits_captured": "0.5", "fuel": 7 },
    });
    let project = project(&guest::echo(), &[("a.json", fixture.clone()), ("b.json", fixture)]);
    let ran = play(&project, &[]);
    ran.failed(1, "2 of 2 fixtures", r#"a.json: result: {"a":2} → {"a":1}"#, "--record");
    ran.failed(1, "", "b.json: price: 0.5 credits → 0.", "");
    ran.failed(1, "", "b.json: fuel: 7 → ", "");
    let played = play(&project, &["--json"]);
    assert_eq!(
        (played.code, played.json()["fixtures"][0]["differences"].as_array().map(Vec::len)),
        (Some(1), Some(3))
    );
}

#[test]
fn what_happened_can_be_recorded() {
    let project = Project::new(&guest::echo(), "settle = \"fuel\"\n");
    project.write("fixtures/a.json", r#"{"route": "say", "params": {"a": 1.10}}"#);
    play(&project, &["--record"]).success();
    let recorded = project.read("fixtures/a.json");
    assert!(recorded.contains(r#"{"a": 1.10}"#), "as it was written: {recorded}");
    let recorded: Value = serde_json::from_str(&recorded).expect("JSON");
    assert_eq!(recorded["expect"]["outcome"], "ok");
    assert!(recorded["expect"]["fuel"].as_u64().is_some_and(|fuel| fuel > 50), "{recorded}");
    play(&project, &[]).success();

    // Twice the price: a credit buys half the fuel.
    let manifest = project.read("service.toml");
    project.write("service.toml", manifest.replace("10_000_000", "5_000_000"));
    let captured = recorded["expect"]["credits_captured"].as_str().expect("a text");
    let before = format!("a.json: price: {captured} credits → ");
    play(&project, &[]).failed(1, "1 of 1 fixtures", &before, "--record");
    let failing = Project::new(&guest::failing(0), "");
    failing.write("fixtures/a.json", r#"{"route": "any"}"#);
    play(&failing, &["--record"]).success();
    let recorded: Value = serde_json::from_str(&failing.read("fixtures/a.json")).expect("JSON");
    assert_eq!(
        (&recorded["expect"]["outcome"], &recorded["expect"]["error"]),
        (&json!("user-error"), &json!("no luck"))
    );
    play(&failing, &[]).success();
}

#[test]
fn fixtures_that_cannot_be_played_are_named_all_at_once() {
    let project = project(
        &guest::echo(),
        &[
            ("a.json", json!({ "route": "say", "expects": {} })),
            ("b.json", json!({ "params": {} })),
        ],
    );
    let ran = play(&project, &[]);
    ran.failed(
        1,
        "not valid",
        "a.json: unknown field `expects`, expected one of",
        "credits_captured",
    );
    ran.failed(1, "", "b.json: missing field `route`", "");
    project.write("empty/readme.txt", "");
    let ran = run_project(&project, &["--fixtures", &project.file("empty")]);
    ran.failed(1, "empty holds no fixture", ".json", "--record");
    let ran = run_project(&project, &["--fixtures", &project.file("none")]);
    ran.failed(1, "none cannot be read", "No such file", "directory");
    assert_eq!(
        run_project(&project, &["say", "--record"]).code,
        Some(2),
        "there is nothing to record"
    );
    assert_eq!(play(&project, &["say"]).code, Some(2), "each fixture names its route");
}

#[test]
fn fixtures_share_what_the_service_keeps() {
    let fixture = |count: u32| json!({ "route": "any", "expect": { "result": count } });
    let project = project(&guest::tallying(), &[("1.json", fixture(1)), ("2.json", fixture(2))]);
    project
        .write("service.toml", project.read("service.toml").replace("10_000_000", "1_000_000_000"));
    play(&project, &[]).success();
}
