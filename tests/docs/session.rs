//! A document's commands, pasted into a shell: they print what the document says they print.
//!
//! A block ```` ```sh server ```` starts the server, the blocks ```` ```sh tour ```` are one shell
//! session beside it. A ```` ```text ```` block after one of them is its output, in which `…`
//! stands for anything. A block whose fence names a file, as ```` ```rust hello/src/lib.rs ````
//! does, is what the reader writes into that file at this point of the session.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::markdown::{Block, split};
use crate::read;

/// The port that the server of a document listens on.
const PORT: &str = ":8070";

/// What each session begins with: it ends where a folder is missing that it would go on in, and
/// leaves nothing running.
const BEGIN: &str = "exec 2>&1\n\
    cd() { builtin cd \"$@\" || exit; }\n\
    trap 'kill $(jobs -p) 2> /dev/null' EXIT\n";

/// Stands between the outputs of two steps.
const NEXT: &str = "\n---- next step of the session ----\n";

/// A document, and what its session is to be run with.
pub(crate) struct Session<'a> {
    /// The document, from the root of the repository.
    pub(crate) document: &'a str,
    /// What stands in the document, and what stands in its place here.
    pub(crate) replaced: &'a [(&'a str, String)],
    /// Settings in the environment of all that is started.
    pub(crate) environment: &'a [(&'a str, String)],
    /// Where it all happens.
    pub(crate) folder: &'a Path,
}

/// A block that is run or written, and what it prints.
struct Step {
    block: Block,
    expected: String,
}

impl Session<'_> {
    /// Does everything that the document says, and compares. Answers how many steps there were.
    pub(crate) fn check(&self) -> usize {
        let steps = self.steps();
        let (servers, session): (Vec<_>, Vec<_>) =
            steps.iter().partition(|step| step.block.info == "sh server");
        assert_eq!(servers.len(), 1, "{} starts one server", self.document);
        let server = Server::start(self, servers[0]);
        let output = self.run(&session, &server.port);
        let outputs: Vec<_> = output.split(NEXT).collect();
        for (step, output) in session.iter().zip(&outputs) {
            self.compare(step, output, &server.port);
        }
        assert_eq!(outputs.len(), session.len() + 1, "{output}");
        session.len()
    }

    /// The blocks that have a part in the session. Others are to be looked at only.
    fn steps(&self) -> Vec<Step> {
        let document = read(self.document);
        let (blocks, _) = split(&document);
        let mut blocks = blocks.into_iter().peekable();
        let mut steps = Vec::new();
        while let Some(block) = blocks.next() {
            if matches!(&*block.info, "sh server" | "sh tour") || block.file().is_some() {
                let output = blocks.next_if(|next| next.info == "text");
                steps.push(Step { block, expected: output.map(|it| it.text).unwrap_or_default() });
            }
        }
        steps
    }

    /// A text of the document as it is here.
    fn here(&self, text: &str) -> String {
        let replace = |text: String, (there, here): &(&str, String)| text.replace(there, here);
        self.replaced.iter().fold(text.to_owned(), replace)
    }

    fn compare(&self, step: &Step, output: &str, port: &str) {
        let output = output.replace('\r', "");
        let expected = self.here(&step.expected).replace(PORT, port);
        assert!(
            is_like(output.trim(), expected.trim()),
            "{}:{}\n---- expected\n{expected}\n---- printed\n{output}",
            self.document,
            step.block.line
        );
    }

    /// Takes all steps in one shell, and answers everything that it printed.
    fn run(&self, steps: &[&Step], port: &str) -> String {
        let script = steps.iter().fold(BEGIN.to_owned(), |mut script, step| {
            let text = self.here(&step.block.text).replace(PORT, port);
            let done = match step.block.file() {
                None => write!(script, "{text}"),
                Some(file) => write!(script, "cat > {file} <<'END-OF-FILE'\n{text}END-OF-FILE\n"),
            };
            done.and_then(|()| writeln!(script, "printf '%s' '{NEXT}'")).expect("room");
            script
        });
        let file = self.folder.join("session.sh");
        fs::write(&file, script).expect("a script");
        let ran = self.shell().arg(&file).output().expect("a shell");
        String::from_utf8(ran.stdout).expect("text")
    }

    /// A shell that knows nothing of the settings of whoever runs the tests.
    fn shell(&self) -> Command {
        let mut shell = Command::new("bash");
        for (name, _) in std::env::vars() {
            let told = ["STOKEHOLD_", "CARGO_PKG_", "CARGO_MANIFEST_"];
            if told.iter().any(|prefix| name.starts_with(prefix)) {
                shell.env_remove(name);
            }
        }
        let environment = self.environment.iter().map(|(name, value)| (name, value));
        let cache = self.folder.join(".cache");
        shell.current_dir(self.folder).env("STOKEHOLD_CACHE", cache).envs(environment);
        shell
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

/// The server of a session. It is killed when this is dropped.
struct Server {
    process: Child,
    /// `:` and the port that it listens on.
    port: String,
}

impl Server {
    /// Starts it on a free port, and waits until it has printed what the document says.
    fn start(session: &Session<'_>, step: &Step) -> Self {
        let script = session.here(&step.block.text);
        // The process to be killed is to be the server and not its shell.
        let (before, command) = script.trim_end().rsplit_once('\n').expect("two lines");
        let mut process = session
            .shell()
            .args(["-c", &format!("{before}\nexec {command}")])
            .env("STOKEHOLD_SERVER_LISTEN", "127.0.0.1:0")
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
        session.compare(step, &printed, &server.port);
        server
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself, which the session has then noticed.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
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
