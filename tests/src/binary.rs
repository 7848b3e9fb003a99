//! The real program, `stokehold`.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

/// Where the program is: `STOKEHOLD_BIN` says so, else it is built once beside the tests.
pub fn path() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| env::var_os("STOKEHOLD_BIN").map_or_else(build, PathBuf::from))
}

/// The target directory that this test was built into.
fn target() -> PathBuf {
    let test = env::current_exe().expect("this program has a path");
    test.ancestors().nth(3).expect("target/release/deps/test").to_owned()
}

/// Where `cargo xtask toolchains` installs.
pub fn toolchains() -> PathBuf {
    target().join("toolchains")
}

/// Builds the program beside this test.
fn build() -> PathBuf {
    let target = target();
    let status = cargo()
        // With the features of the whole workspace, as this test has: nothing is compiled twice.
        .args(["build", "--locked", "--release", "--workspace", "--bins", "--target-dir"])
        .arg(&target)
        .status()
        .expect("cargo runs");
    assert!(status.success(), "the program cannot be built");
    target.join("release/stokehold")
}

/// Cargo, in the folder of the repository, without what it has told this test of its own package:
/// build scripts that look at that would run again, and all that depends on them be compiled again.
pub fn cargo() -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root());
    for (name, _) in env::vars_os() {
        let told = name.to_string_lossy();
        if told.starts_with("CARGO_PKG_") || told.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(&name);
        }
    }
    cargo
}

/// The folder of the repository.
pub fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The program with these arguments, and nothing of this process's configuration.
pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(path());
    command.args(arguments).stdin(Stdio::null()).current_dir(root());
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("STOKEHOLD_") {
            command.env_remove(name);
        }
    }
    // Nor of what its commands keep for this user.
    command.env("STOKEHOLD_CACHE", "");
    command
}

/// Runs the program to its end.
pub fn run(arguments: &[&str]) -> Ran {
    Ran::new(command(arguments).output().expect("the program starts"))
}

/// What a run of the program came to.
#[derive(Debug)]
pub struct Ran {
    /// Its exit code; `None` where a signal ended it.
    pub code: Option<i32>,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl Ran {
    /// Takes what it has printed as text.
    pub fn new(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("it prints UTF-8");
        Ran { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// What it has printed, of a run that went well.
    #[track_caller]
    pub fn success(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.stdout
    }

    /// The JSON that it has printed.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Asserts that it failed with this exit code, and wrote what, why and a hint, in that order.
    #[track_caller]
    pub fn failed(&self, code: i32, what: &str, why: &str, hint: &str) {
        assert_eq!(self.code, Some(code), "{self:?}");
        let lines: Vec<_> = self.stderr.lines().collect();
        let starts = |line: &str, start: &str| line.strip_prefix(start).map(str::to_owned);
        let error = lines.first().and_then(|line| starts(line, "error: ")).unwrap_or_default();
        assert!(!error.is_empty() && error.contains(what), "no error of {what:?}: {self:?}");
        let mut because = lines.iter().filter_map(|line| starts(line, "  because: "));
        assert!(because.any(|text| text.contains(why)), "no {why:?}: {self:?}");
        let mut mend = lines.iter().filter_map(|line| starts(line, "hint: "));
        assert!(mend.any(|text| text.contains(hint)), "no hint of {hint:?}: {self:?}");
    }
}
