//! `stokehold demo`: the whole story in one command.

use serde_json::{Value, json};
use stokehold_tests::binary::run;

#[test]
fn the_demo_tells_the_whole_story() {
    let story = run(&["demo", "--json"]);
    assert_eq!(story.code, Some(0), "{story:?}");
    let told = story.json();
    assert_eq!(told["ledger_clean"], true);
    let told = &told["story"];
    let steps: Vec<_> = told["steps"].as_array().expect("steps").iter().map(told_of).collect();
    assert_eq!(
        steps,
        [
            ["service published", "-", "-", "0"],
            ["pack bought", "-", "-", "10"],
            ["paid call", "0.05", "0.05", "9.95"],
            ["too few credits", "-", "-", "9.95"],
            ["out of fuel", "0.01", "0", "9.95"],
            ["broker: authorize 2", "-", "-", "7.95"],
            ["broker: capture 1.5", "-", "-", "8.45"],
            ["broker: authorize, cancel", "-", "-", "8.45"],
        ]
    );
    for (step, outcome) in
        [(2, "captured"), (3, "InsufficientCreditError"), (4, "cancelled: out-of-fuel")]
    {
        let told = told["steps"][step]["outcome"].as_str().expect("an outcome");
        assert!(told.contains(outcome), "{told}");
    }
    let lines = told["statement"].as_array().expect("a statement").iter();
    let lines: Vec<_> = lines.map(|line| (line["kind"].clone(), line["credits"].clone())).collect();
    assert_eq!(
        lines,
        [
            (json!("order"), json!(10)),
            (json!("capture"), json!(-0.05)),
            (json!("capture"), json!(-1.5))
        ]
    );
    assert_eq!(told["balance"], 8.45);
}

#[test]
fn people_get_tables() {
    let printed = run(&["demo"]).success();
    for text in ["paid call", "InsufficientCreditError", "out-of-fuel", "ledger verify   clean"] {
        assert!(printed.contains(text), "no {text:?} in {printed}");
    }
}

fn told_of(step: &Value) -> [&str; 4] {
    ["what", "credits_held", "credits_captured", "balance"]
        .map(|member| step[member].as_str().expect("a text"))
}
