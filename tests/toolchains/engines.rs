//! Components of interpreted languages, with WASI and without.

use std::fs;

use serde_json::{Value, json};

use crate::project::Project;

/// Whether a component that `check` has accepted imports anything of WASI.
fn has_wasi(project: &Project) -> bool {
    let checked = project.stokehold(&["check", ".", "--json"]).json();
    let imports = checked["imports"].as_array().expect("a list");
    imports.iter().any(|import| import.as_str().is_some_and(|name| name.starts_with("wasi:")))
}

#[test]
fn javascript_reaches_wasi_and_says_in_the_log_why_it_failed() {
    let project = Project::new("thrower", "javascript");
    project.edit("index.js", "JSON.stringify(", "JSON.stringifi(");
    project.stokehold(&["build"]).success();
    assert!(has_wasi(&project));
    let called = project.call(&json!({ "text": "" }));
    assert_eq!(called["outcome"], "trap", "{called}");
    assert!(called["log"].to_string().contains("not a function"), "{called}");
}

#[test]
fn javascript_knows_the_time() {
    let project = Project::new("clock", "javascript");
    project.edit("index.js", "JSON.stringify({ words:", "JSON.stringify({ now: Date.now(), words:");
    project.stokehold(&["build"]).success();
    let called = project.call(&json!({ "text": "" }));
    assert!(called["result"]["now"].as_f64().is_some_and(|ms| ms > 1.7e12), "{called}");
    assert_eq!(called["repeatable"], false);
}

#[test]
fn the_larger_engine_is_used_where_a_project_depends_on_it() {
    let project = Project::new("large", "javascript");
    let package = r#""@bytecodealliance/componentize-js": "0.23.0", "componentize-qjs""#;
    project.edit("package.json", r#""componentize-qjs""#, package);
    project.edit(
        "index.js",
        "credits: thousands * PRICE_MICROCREDITS",
        "credits: BigInt(thousands * PRICE_MICROCREDITS)",
    );
    project.stokehold(&["build"]).success();
    let size_bytes = fs::metadata(project.path("large.wasm")).expect("a component").len();
    assert!(size_bytes > 5_000_000, "{size_bytes}");
    let called = project.call(&json!({ "text": "a bigger fire" }));
    assert_eq!(called["result"], json!({ "words": 3, "characters": 13 }), "{called}");
    assert_eq!(called["credits_captured"], 0.01);
}

#[test]
fn python_prints_to_the_log_and_draws_new_random_numbers() {
    let project = Project::new("dice", "python");
    throw_dice(&project, "print('thrown')");
    let (one, other) = (thrown(&project), thrown(&project));
    assert_eq!(one["log"], json!(["thrown"]), "{one}");
    assert_ne!(one["result"], other["result"]);
    assert_eq!(one["repeatable"], false);
}

#[test]
fn python_without_wasi_imports_nothing_and_repeats_itself() {
    let project = Project::new("loaded-dice", "python");
    fs::write(project.path("pyproject.toml"), "[tool.stokehold]\nwasi = false\n").expect("a file");
    throw_dice(&project, "pass");
    assert!(!has_wasi(&project));
    let (one, other) = (thrown(&project), thrown(&project));
    assert_eq!(one["outcome"], "ok", "{one}");
    assert_eq!((&one["result"], &one["fuel"]), (&other["result"], &other["fuel"]));
    assert_eq!(one["repeatable"], true);
}

/// Has the service answer with a random number, and do something besides.
fn throw_dice(project: &Project, and: &str) {
    project.edit("app.py", "import re\n", "import random\nimport re\n");
    project.edit(
        "app.py",
        "        return json.dumps({\"words\":",
        &format!(
            "        {and}\n        return json.dumps({{\"dice\": random.random(), \"words\":"
        ),
    );
    project.stokehold(&["build"]).success();
}

fn thrown(project: &Project) -> Value {
    project.call(&json!({ "text": "" }))
}
