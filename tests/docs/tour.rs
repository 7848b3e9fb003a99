//! The README's tour, pasted into a shell: it prints what the README says it prints.
//!
//! A block ```` ```sh server ```` starts the server, the blocks ```` ```sh tour ```` are one shell
//! session beside it. A ```` ```text ```` block after one of them is its output, in which `…`
//! stands for anything.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use stokehold_tests::binary;
use stokehold_tests::postgres::Postgres;

use crate::markdown::{Block, split};
use crate::read;

/// How the README starts the binary, and the port that it listens on.
const RUN: &str = "cargo run --release --";
const PORT: &str = ":8070";

/// Stands between the outputs of two blocks.
const NEXT: &str = "\n---- next block of the tour ----\n";

#[test]
fn the_tour_prints_what_it_says() {
    assert_tour(&[]);
}

#[test]
fn the_tour_is_the_same_on_postgresql() {
    let postgres = Postgres::start();
    assert_tour(&[("STOKEHOLD_STORE_DATABASE", &postgres.url())]);
    assert_eq!(postgres.sql("SELECT count(*) > 0 FROM posting"), "t");
}

/// Takes the tour, with settings in the environment of all that it starts.
fn assert_tour(settings: &[(&str, &str)]) {
    let folder = tempfile::tempdir().expect("a folder");
    symlink(binary::root().join("plugins"), folder.path().join("plugins")).expect("a link");
    let readme = read("README.md");
    let steps = steps(&readme);
    let (servers, tour): (Vec<_>, Vec<_>) =
        steps.iter().partition(|step| step.block.info == "sh server");
    assert!(servers.len() == 1 && tour.len() >= 9, "{} and {}", servers.len(), tour.len());

    let server = Server::start(servers[0], folder.path(), settings);
    let output = run(&tour, &server.port, folder.path(), settings);
    let outputs: Vec<_> = output.split(NEXT).collect();
    for (step, output) in tour.iter().zip(&outputs) {
        step.check(output, &server.port);
    }
    assert_eq!(outputs.len(), tour.len() + 1, "{output}");
}

/// A block that is run, and what it prints.
struct Step {
    block: Block,
    expected: String,
}

fn steps(readme: &str) -> Vec<Step> {
    let (blocks, _) = split(readme);
    let mut blocks = blocks.into_iter().peekable();
    let mut steps = Vec::new();
    while let Some(block) = blocks.next() {
        if matches!(block.info.as_str(), "sh server" | "sh tour") {
            let output = blocks.next_if(|next| next.info == "text");
            steps.push(Step { block, expected: output.map(|it| it.text).unwrap_or_default() });
        }
    }
    steps
}

impl Step {
    /// Its commands, for this binary.
    fn script(&self, run: &str) -> String {
        self.block.text.replace(RUN, run)
    }

    fn check(&self, output: &str, port: &str) {
        let output = output.replace('\r', "");
        let expected = self.expected.replace(PORT, port);
        assert!(
            is_like(output.trim(), expected.trim()),
            "README.md:{}\n---- expected\n{expected}\n---- printed\n{output}",
            self.block.line
        );
    }
}

/// Whether `text` is `pattern`, in which each `…` stands for anything.
fn is_like(text: &str, pattern: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('…') else { return text == pattern };
    let Some(mut text) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<_> = rest.split('…').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        let Some((_, after)) = text.split_once(part) else { return false };
        text = after;
    }
    text.ends_with(last)
}

/// The server of the tour. It is killed when this is dropped.
struct Server {
    process: Child,
    /// `:` and the port that it listens on.
    port: String,
}

impl Server {
    /// Starts it on a free port, and waits until it has printed what the README says.
    fn start(step: &Step, folder: &Path, settings: &[(&str, &str)]) -> Self {
        // `exec`, so that the process to be killed is the server and not its shell.
        let script = step.script(&format!("exec '{}'", binary::path().display()));
        let mut process = shell(folder)
            .args(["-c", &script])
            .env("STOKEHOLD_SERVER_LISTEN", "127.0.0.1:0")
            .envs(settings.iter().copied())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a server");
        let output = BufReader::new(process.stdout.take().expect("a pipe"));
        let mut server = Self { process, port: String::new() };
        let mut printed = String::new();
        for line in output.lines().take(step.expected.lines().count()) {
            let line = line.expect("text");
            if let Some((_, port)) = line.split_once("http://127.0.0.1:") {
                server.port = format!(":{}", port.split(' ').next().unwrap_or_default());
            }
            printed.extend([line.as_str(), "\n"]);
        }
        step.check(&printed, &server.port);
        server
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself, which the tour has then noticed.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A shell that knows nothing of the settings of whoever runs the tests.
fn shell(folder: &Path) -> Command {
    let mut shell = Command::new("bash");
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("STOKEHOLD_")) {
        shell.env_remove(name);
    }
    shell.current_dir(folder);
    shell
}

/// Runs the blocks in one shell, and answers everything that it printed.
fn run(tour: &[&Step], port: &str, folder: &Path, settings: &[(&str, &str)]) -> String {
    let run = format!("'{}'", binary::path().display());
    let script = tour.iter().fold("exec 2>&1\n".to_owned(), |mut script, step| {
        let commands = step.script(&run).replace(PORT, port);
        writeln!(script, "{commands}printf '%s' '{NEXT}'").expect("a string takes all");
        script
    });
    let file = folder.join("tour.sh");
    fs::write(&file, script).expect("a script");
    let ran = shell(folder).arg(&file).envs(settings.iter().copied()).output().expect("a shell");
    String::from_utf8(ran.stdout).expect("text")
}

#[test]
fn an_ellipsis_stands_for_anything() {
    for (text, pattern, like) in [
        ("abc", "abc", true),
        ("abc", "ab", false),
        ("abc", "a…c", true),
        ("abc", "…", true),
        ("abc", "a…", true),
        ("abcbd", "…b…b…d", true),
        ("abd", "…b…b…d", false),
        ("ab", "ab…b", false),
    ] {
        assert_eq!(is_like(text, pattern), like, "{text} {pattern}");
    }
}
