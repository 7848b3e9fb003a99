//! What the figures were measured on.

use std::fs;
use std::process::Command;
use std::thread::available_parallelism;

use serde::Serialize;
use stokehold_tests::{binary, postgres};

/// What the figures were measured on, as a reader needs it to compare them.
#[derive(Serialize)]
pub(crate) struct Machine {
    pub(crate) date: String,
    pub(crate) cores: usize,
    pub(crate) cpu: String,
    pub(crate) kernel: String,
    /// Of the last 1, 5 and 15 minutes, before the first sample.
    pub(crate) load_average: String,
    pub(crate) stokehold: String,
    pub(crate) sqlite: String,
    pub(crate) postgres: String,
    pub(crate) durability: &'static str,
}

impl Machine {
    pub(crate) fn look() -> Self {
        let cpu = read("/proc/cpuinfo");
        let cpu = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        let load_average = read("/proc/loadavg");
        Self {
            date: date(),
            cores: available_parallelism().map_or(0, usize::from),
            cpu: cpu.map_or_else(|| "unknown".into(), |(_, name)| name.to_owned()),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            load_average: load_average.split(' ').take(3).collect::<Vec<_>>().join(" "),
            stokehold: format!("{} ({})", said(&mut binary::command(&["--version"])), commit()),
            sqlite: rusqlite::version().to_owned(),
            postgres: postgres::program("postgres").map_or_else(
                || "not installed".into(),
                |program| said(Command::new(program).arg("--version")),
            ),
            durability: "SQLite: WAL, synchronous=FULL; PostgreSQL: fsync=on, synchronous_commit=on",
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the date of a report is no time of the ledger")]
fn date() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// The commit that is checked out, marked where files differ from it.
fn commit() -> String {
    let mut git = Command::new("git");
    said(git.args(["describe", "--always", "--dirty"]).current_dir(binary::root()))
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// What a program prints; nothing where it cannot be started.
fn said(command: &mut Command) -> String {
    let printed = command.output().map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&printed).trim().to_owned()
}
