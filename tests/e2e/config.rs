//! The configuration: its file, and the environment over it.

use std::fs;

use stokehold_tests::binary::{Ran, command, run};

use crate::{directory, text};

/// Runs `config print` on a file with this text, with variables in the environment.
fn config(task: &str, file: &str, variables: &[(&str, &str)]) -> Ran {
    let directory = directory();
    let path = directory.path().join("stokehold.toml");
    fs::write(&path, file).expect("it is written");
    let mut command = command(&["config", task, "--config", text(&path), "--json"]);
    let output = command.envs(variables.iter().copied()).output();
    Ran::new(output.expect("the program starts"))
}

#[test]
fn what_is_in_effect_is_shown() {
    let file = "[calls]\nrunning_max = 3\nwaiting_max = 4\n";
    let shown = config("print", file, &[("STOKEHOLD_CALLS_RUNNING_MAX", "7")]);
    let shown = shown.json();
    assert_eq!(shown["calls"]["running_max"], 7, "the environment is over the file");
    assert_eq!(shown["calls"]["waiting_max"], 4, "the file is over the default");
    assert_eq!(shown["server"]["listen"], "127.0.0.1:8070");
}

#[test]
fn what_is_shown_can_be_read_again() {
    let shown = run(&["config", "print"]).success();
    assert_eq!(config("check", &shown, &[]).json()["valid"], true);
    let again = config("print", &shown, &[]).json();
    assert_eq!(again, run(&["config", "print", "--json"]).json());
}

#[test]
fn faults_name_their_file_and_line() {
    let unknown = config("check", "[calls]\nrunning_max = 3\nruning_max = 4\n", &[]);
    unknown.failed(1, "stokehold.toml:3", "runing_max", "config print");
    let wrong = config("check", "[server]\n\ngrace_s = \"long\"\n", &[]);
    wrong.failed(1, "stokehold.toml:3", "invalid type", "config print");
    let range = config("check", "[calls]\nrunning_max = 0\n", &[]);
    range.failed(1, "configuration", "calls.running_max has to be at least 1", "config print");
    let range = config("check", "[store]\nrequests_max = 10\n", &[]);
    range.failed(1, "configuration", "store.requests_max has to be from 1000", "config print");
    let range = config("check", "[store]\naccounts_kept_max = 1\n", &[]);
    range.failed(1, "configuration", "store.accounts_kept_max has to be from 1000", "config print");
    let file = config("check", "[outbound]\nca_file = \"no/such.pem\"\n", &[]);
    file.failed(1, "configuration", "outbound.ca_file: no/such.pem: it cannot be read", "");
    let syntax = config("check", "[calls\n", &[]);
    syntax.failed(1, "stokehold.toml:1", "", "config print");
    let missing = run(&["config", "check", "--config", "no/such.toml"]);
    missing.failed(1, "no/such.toml cannot be read", "No such file", "");
}

#[test]
fn faults_of_the_environment_are_named() {
    for (name, value, why) in [
        ("STOKEHOLD_CALLS_RUNING_MAX", "4", "runing_max"),
        ("STOKEHOLD_SERVER_GRACE_S", "long", "invalid type"),
    ] {
        let refused = config("check", "[calls]\nwaiting_max = 4\n", &[(name, value)]);
        refused.failed(1, name, why, "config print");
    }
}
