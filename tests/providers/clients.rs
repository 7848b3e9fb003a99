//! The clients of the hosted coal roller.

use std::process::Command;

use stokehold_tests::binary::{Ran, root};

use crate::account::{POOR, RICH, Till};
use crate::program::{example, python, run};

/// Runs a client for an account that rolls for 0.02 credits.
fn roll(mut command: Command, till: &Till, account_token: &str) -> Ran {
    command.arg("0.02").env("SERVER", &till.server.address).env("ACCOUNT_TOKEN", account_token);
    run(command)
}

/// The client rolls for 0.02 credits, and says where to buy some if it has none.
#[track_caller]
fn assert_rolls(client: impl Fn() -> Command) {
    let till = Till::of("coalroller");
    let said = roll(client(), &till, RICH).success();
    assert!(said.contains(" hashes for 0.02 credits") && said.contains("one of them: "), "{said}");
    till.assert_left(9.98);
    let refused = roll(client(), &till, POOR);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("buy credits at"), "{refused:?}");
    assert!(refused.stderr.contains("/iap/1/credit"), "{refused:?}");
    till.assert_left(9.98);
}

#[test]
fn the_client_in_python_rolls() {
    assert_rolls(|| python("examples/clients", &["client.py"]));
}

#[test]
fn the_client_in_rust_rolls() {
    assert_rolls(|| example("client-rust"));
}

#[test]
fn the_client_in_a_shell_rolls() {
    let till = Till::of("coalroller");
    let client = || {
        let mut command = Command::new("sh");
        command.arg(root().join("examples/clients/client.sh"));
        command
    };
    let said = roll(client(), &till, RICH).success();
    assert!(said.contains("stokehold-credits-captured: 0.02"), "{said}");
    assert!(said.contains("\"hashes\":"), "{said}");
    till.assert_left(9.98);
    let said = roll(client(), &till, POOR).success();
    assert!(said.contains("InsufficientCreditError"), "{said}");
    till.assert_left(9.98);
}
