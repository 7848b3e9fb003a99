//! `run --repeat`: the same call burns the same fuel.

use serde_json::json;
use stokehold_tests::guest::{self, Guest};

use crate::project::Project;
use crate::run_project;

/// Works for longer or shorter, by what `seed` leaves on the stack.
fn varying(imports: &str, seed: &str) -> Vec<u8> {
    let handle = format!(
        "(local $left i64)
         (local.set $left (i64.and {seed} (i64.const 1023)))
         (loop $again
           (local.set $left (i64.sub (local.get $left) (i64.const 1)))
           (br_if $again (i64.gt_s (local.get $left) (i64.const 0))))
         (call $done)"
    );
    Guest { imports, handle: &handle, ..Guest::default() }.component()
}

#[test]
fn fuel_that_does_not_vary_is_said_so() {
    let project = Project::new(&guest::echo(), "");
    let ran = run_project(&project, &["any", "--repeat", "5", "--credits", "1"]);
    assert!(ran.stderr.contains("\n5 runs: ") && ran.stderr.contains(" fuel each\n"), "{ran:?}");
    assert_eq!(ran.success(), "{}\n", "the account is filled up again for each");

    let report = run_project(&project, &["any", "--repeat", "5", "--json"]).json();
    assert_eq!((&report["runs"], &report["equal"]), (&json!(5), &json!(true)));
    assert_eq!(report["fuel_min"], report["first"]["fuel"]);
    assert_eq!((&report["outcomes"], &report["changeable"]), (&json!(["ok"]), &json!([])));
}

#[test]
fn fuel_that_varies_without_a_reason_is_a_failure() {
    // The end of the call's id, which is another for each call.
    let seed = "(i64.load16_u (i32.sub (i32.add (local.get $call_id) (local.get $call_id_bytes))
      (i32.const 2)))";
    let project = Project::new(&varying("", seed), "");
    let ran = run_project(&project, &["any", "--repeat", "20"]);
    assert!(
        ran.stderr.contains(
            "
error: the fuel of this call varies: "
        ),
        "{ran:?}"
    );
    assert!(
        ran.stderr.ends_with(
            "from run to run
"
        ),
        "{ran:?}"
    );
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let report = run_project(&project, &["any", "--repeat", "20", "--json"]);
    assert_eq!((report.code, &report.json()["equal"]), (Some(1), &json!(false)), "{report:?}");
}

#[test]
fn fuel_that_varies_by_chance_is_named_and_no_failure() {
    let random = r#"
        (import "wasi:random/random@0.2.6" "get-random-u64" (func $number (result i64)))"#;
    let project = Project::new(&varying(random, "(call $number)"), "");
    let ran = run_project(&project, &["any", "--repeat", "20"]);
    assert!(ran.stderr.contains("fuel: it asked for wasi:random\n"), "{ran:?}");
    ran.success();
    let report = run_project(&project, &["any", "--repeat", "20", "--json"]).json();
    assert_eq!(
        (&report["repeatable"], &report["changeable"]),
        (&json!(false), &json!(["wasi:random"]))
    );
}

#[test]
fn a_call_that_fails_each_time_fails() {
    let project = Project::new(&guest::trapping(), "");
    let ran = run_project(&project, &["any", "--repeat", "12"]);
    ran.failed(1, "the call failed: trap", "unreachable", "the log");
    assert!(ran.stderr.contains("12 runs: "), "{ran:?}");
    assert_eq!(run_project(&project, &["any", "--repeat", "1"]).code, Some(2));
}
