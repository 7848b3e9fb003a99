//! A mail server: a process of its own that takes what is sent and tells of it.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// Far longer than anything takes that is waited for.
const PATIENCE: Duration = Duration::from_mins(1);

const REQUIREMENTS: &str = include_str!("requirements.txt");

/// A mail server that runs. It is killed when this is dropped.
pub(crate) struct Mailbox {
    child: Child,
    events: Receiver<Value>,
    /// Where it listens.
    pub(crate) port: String,
}

impl Mailbox {
    /// Starts one that takes mail from anybody, without encryption.
    pub(crate) fn open() -> Self {
        Self::start(&[])
    }

    /// Starts one with options of `server.py`.
    #[track_caller]
    pub(crate) fn start(options: &[&str]) -> Self {
        let mut child = Command::new("python3")
            .args(["-W", "ignore"])
            .arg(folder().join("server.py"))
            .args(options)
            .env("PYTHONPATH", packages())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 starts");
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        let (sender, events) = channel();
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let event = serde_json::from_str(&line).expect("a line of JSON");
                if sender.send(event).is_err() {
                    break;
                }
            }
        });
        let mut mailbox = Mailbox { child, events, port: String::new() };
        mailbox.port = mailbox.next("listening")["port"].to_string();
        mailbox
    }

    /// What happens next, which has to be this.
    #[track_caller]
    pub(crate) fn next(&self, event: &str) -> Value {
        let next = self.events.recv_timeout(PATIENCE);
        let next = next.unwrap_or_else(|_| panic!("never came: {event}"));
        assert_eq!(next["event"], event, "{next:#}");
        next
    }

    /// The next mail, which has to be to this address.
    #[track_caller]
    pub(crate) fn mail(&self, to: &str) -> Value {
        let mail = self.next("mail");
        assert_eq!(mail["to"], to, "{mail:#}");
        mail
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        // One that has ended already cannot be killed, and need not be.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The header of a mail, or an empty text.
pub(crate) fn header<'a>(mail: &'a Value, name: &str) -> &'a str {
    let text = mail["text"].as_str().expect("a text");
    let head = text.split_once("\n\n").map_or(text, |(head, _)| head);
    let found = head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    found.unwrap_or_default()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("mail")
}

/// The packages that the mail server needs. They are fetched once, beside what Cargo has built.
fn packages() -> &'static Path {
    static PACKAGES: OnceLock<PathBuf> = OnceLock::new();
    PACKAGES.get_or_init(|| {
        let mut version = DefaultHasher::new();
        REQUIREMENTS.hash(&mut version);
        let kept = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let target = kept.join(format!("mail-server-{:016x}", version.finish()));
        if !target.exists() {
            let unfinished = tempfile::tempdir_in(kept).expect("a folder");
            install(unfinished.path());
            fs::rename(unfinished.keep(), &target).expect("it takes its place");
        }
        target
    })
}

fn install(target: &Path) {
    let status = Command::new("python3")
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"])
        .args(["--only-binary", ":all:", "--require-hashes", "--target"])
        .arg(target)
        .arg("--requirement")
        .arg(folder().join("requirements.txt"))
        .status()
        .expect("python3 starts");
    assert!(status.success(), "these tests need python3 with pip, and a registry of its packages");
}
