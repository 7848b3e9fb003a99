//! Programs of the examples, run as a reader would run them.

use std::env;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use stokehold_tests::binary::{Ran, cargo, root};
use stokehold_tests::http::Client;

use crate::account::Till;

/// Python 3 in a folder of the repository.
pub(crate) fn python(folder: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("python3");
    command.args(arguments).current_dir(root().join(folder));
    // The tests leave nothing behind in the checkout.
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

/// Runs the unit tests in a folder, which find the helpers of `examples/python`.
#[track_caller]
pub(crate) fn unittest(folder: &str, till: Option<&Till>) {
    let mut command = python(folder, &["-m", "unittest", "--verbose"]);
    command.env("PYTHONPATH", root().join("examples/python"));
    command.envs(till.map(Till::environment).into_iter().flatten());
    let ran = run(command);
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    // Nobody finds out from its exit code that it has found no test.
    assert!(ran.stderr.contains(" ... ok"), "no test ran: {}", ran.stderr);
}

/// An example in Rust. All are built once.
pub(crate) fn example(name: &str) -> Command {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let test = env::current_exe().expect("this program has a path");
        let target = test.ancestors().nth(3).expect("target/release/deps/test");
        let status = cargo()
            // Of the workspace, with the features that a test of all of it has built already.
            .args(["build", "--locked", "--release", "--workspace", "--examples", "--target-dir"])
            .arg(target)
            .status()
            .expect("cargo runs");
        assert!(status.success(), "the examples cannot be built");
        target.join("release/examples")
    });
    Command::new(folder.join(name))
}

/// Runs a program to its end.
pub(crate) fn run(mut command: Command) -> Ran {
    Ran::new(command.output().unwrap_or_else(|error| panic!("{command:?}: {error}")))
}

/// A provider's server. It is killed when this is dropped.
pub(crate) struct Provider {
    child: Child,
    pub(crate) client: Client,
}

impl Provider {
    /// Starts it on a port of its own, and returns when it listens.
    #[track_caller]
    pub(crate) fn start(mut command: Command, till: &Till) -> Self {
        command.env("BROKER", &till.server.address).env("SERVICE_KEY", &till.key);
        command.env("LISTEN", "127.0.0.1:0").stdout(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let mut line = String::new();
        let stdout = child.stdout.take().expect("a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("it prints UTF-8");
        let address = line.trim().strip_prefix("listening on ").expect("it says where it is");
        Self { child, client: Client::new(address) }
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        // One that has ended already cannot be killed, and need not be.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
