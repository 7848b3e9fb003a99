//! A few cycles of the crash loop; `cargo xtask crash` runs as many as one likes.

use std::process::Command;

/// So many take some ten seconds.
const CYCLES: &str = "10";

#[track_caller]
fn nothing_is_lost(options: &[&str]) {
    let mut crash = Command::new(env!("CARGO_BIN_EXE_stokehold-crash"));
    crash.args(["--cycles", CYCLES]).args(options);
    let output = crash.env("STOKEHOLD_BIN", stokehold_tests::binary::path()).output();
    let output = output.expect("it starts");
    let said = String::from_utf8_lossy(&output.stdout);
    let failed = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{failed}");
    assert!(said.contains("violations 0"), "{said}");
}

#[test]
fn nothing_is_lost_or_made_up_in_a_few_crashes() {
    nothing_is_lost(&[]);
}

#[test]
fn nothing_is_lost_or_made_up_on_postgresql_where_it_crashes_too() {
    nothing_is_lost(&["--store", "postgres", "--kill-database"]);
}
