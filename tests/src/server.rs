//! A server under test: the real program, on a port of its own.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::binary::{self, Ran};
use crate::http::{Client, Reply};
use crate::poll;

/// The operator's token of every server under test.
pub const ADMIN_TOKEN: &str = "operator-token-of-the-tests";

/// A server that runs. It is killed when this is dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    /// Its address, such as `http://127.0.0.1:40123`.
    pub address: String,
    /// The service key of the coal roller, where this start has made it.
    pub key: Option<String>,
    stdout: Printed,
    stderr: Printed,
}

/// What a program prints, collected on a thread of its own: it never waits for its reader.
#[derive(Debug)]
struct Printed {
    text: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts a sandbox on this data directory.
    pub fn sandbox(data: &Path) -> Self {
        Self::start(data, &["--sandbox"], &[])
    }

    /// Starts a sandbox with settings from the environment.
    pub fn sandbox_with(data: &Path, settings: &[(&str, &str)]) -> Self {
        Self::start(data, &["--sandbox"], settings)
    }

    /// Starts a server on this data directory, unless arguments or settings name another place, and
    /// returns when it listens.
    #[track_caller]
    pub fn start(data: &Path, arguments: &[&str], settings: &[(&str, &str)]) -> Self {
        let started = Self::try_start(data, arguments, settings);
        started.unwrap_or_else(|said| panic!("the server ended: {said}"))
    }

    /// Starts a server, and returns when it listens; or what it has printed, where it ended before.
    pub fn try_start(
        data: &Path,
        arguments: &[&str],
        settings: &[(&str, &str)],
    ) -> Result<Self, String> {
        let mut command = binary::command(&["serve", "--listen", "127.0.0.1:0"]);
        if arguments.iter().any(|argument| ["--data", "--database"].contains(argument))
            || settings.iter().any(|(name, _)| name.starts_with("STOKEHOLD_STORE_DATABASE"))
        {
            // What little stands beside a database.
            command.env("STOKEHOLD_STORE_DATA", data);
        } else {
            command.arg("--data").arg(data);
        }
        command.args(arguments).env("STOKEHOLD_ADMIN_TOKEN", ADMIN_TOKEN);
        command.envs(settings.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let mut stderr = Printed::collect(child.stderr.take().expect("a pipe"), String::new());
        let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
        let (mut said, mut key) = (String::new(), None);
        let address = loop {
            let mut line = String::new();
            if output.read_line(&mut line).expect("it prints UTF-8") == 0 {
                child.wait().expect("it has ended");
                return Err(format!("{said}{}", stderr.whole()));
            }
            said.push_str(&line);
            if let Some(found) = line.strip_prefix("service key of coalroller, shown only now: ") {
                key = Some(found.trim().to_owned());
            }
            if let Some(found) = line.strip_prefix("listening on ") {
                break found.split_whitespace().next().expect("an address").to_owned();
            }
        };
        Ok(Server { child, address, key, stdout: Printed::collect(output, said), stderr })
    }

    /// Starts a sandbox on a PostgreSQL database, with what little stands beside it in `data`.
    #[track_caller]
    pub fn sandbox_on(database: &str, data: &Path) -> Self {
        Self::start(data, &["--sandbox", "--database", database], &[])
    }

    /// Runs a server that is expected to end by itself.
    pub fn refused(data: &Path, arguments: &[&str]) -> Ran {
        let mut command = binary::command(&["serve", "--listen", "127.0.0.1:0", "--data"]);
        let output = command.arg(data).args(arguments).output();
        Ran::new(output.expect("the program starts"))
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A client without credentials.
    pub fn client(&self) -> Client {
        Client::new(&self.address)
    }

    /// A client with the operator's token.
    pub fn operator(&self) -> Client {
        self.client().bearer(ADMIN_TOKEN)
    }

    /// A client with a new token of this role.
    #[track_caller]
    pub fn caller(&self, role: &str) -> Client {
        let new = json!({ "role": role, "name": format!("a {role}") });
        let made = self.operator().post("/api/v1/tokens", &new).expect(201);
        self.client().bearer(made["token"].as_str().expect("a token"))
    }

    /// Registers a service, and answers its key.
    #[track_caller]
    pub fn register(&self, name: &str) -> String {
        let new = json!({ "name": name, "label": format!("The {name}") });
        let made = self.operator().post("/api/v1/services", &new).expect(201);
        made["key"].as_str().expect("a key").to_owned()
    }

    /// Gives credits to an account.
    #[track_caller]
    pub fn grant(&self, service: &str, token: &str, credits: &Value) {
        let path = format!("/api/v1/services/{service}/accounts/{token}/grants");
        self.operator().post(&path, &json!({ "credits": credits, "reason": "a test" })).expect(201);
    }

    /// An account.
    #[track_caller]
    pub fn account(&self, service: &str, token: &str) -> Value {
        self.operator().get(&format!("/api/v1/services/{service}/accounts/{token}")).expect(200)
    }

    /// The record of the call that an answer is of.
    #[track_caller]
    pub fn record(&self, reply: &Reply) -> Value {
        let id = reply.header("stokehold-call");
        self.operator().get(&format!("/api/v1/calls/{id}")).expect(200)
    }

    /// Returns when the account has credits on hold.
    #[track_caller]
    pub fn await_hold(&self, service: &str, token: &str) {
        poll::until("a hold", || (self.account(service, token)["held"] != 0).then_some(()));
    }

    /// All that it has printed so far.
    pub fn output(&self) -> String {
        format!("{}{}", self.stdout.so_far(), self.stderr.so_far())
    }

    /// Ends it at once, as a power cut does.
    pub fn kill(&mut self) {
        self.child.kill().expect("it is killed");
        let status = self.child.wait().expect("it has ended");
        assert_eq!(status.code(), None, "it ended by itself: {}", self.output());
    }

    /// Asks it to stop.
    pub fn terminate(&self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).expect("it is asked to stop");
    }

    /// Waits until it has stopped, and answers its exit code.
    pub fn stopped(&mut self) -> Option<i32> {
        self.child.wait().expect("it has ended").code()
    }

    /// Asks it to stop, and returns when it has, with all that it has printed.
    #[track_caller]
    pub fn stop(mut self) -> String {
        self.terminate();
        let code = self.stopped();
        let printed = format!("{}{}", self.stdout.whole(), self.stderr.whole());
        assert_eq!(code, Some(0), "{printed}");
        printed
    }
}

impl Drop for Server {
    #[expect(clippy::print_stderr, reason = "it belongs to the report of the test that failed")]
    fn drop(&mut self) {
        // One that has ended already cannot be killed, and need not be.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("the server printed:\n{}", self.output());
        }
    }
}

impl Printed {
    fn collect(mut pipe: impl Read + Send + 'static, before: String) -> Self {
        let text = Arc::new(Mutex::new(before));
        let collected = text.clone();
        let reader = thread::spawn(move || {
            let mut part = [0; 4096];
            while let Ok(length @ 1..) = pipe.read(&mut part) {
                let mut collected = collected.lock().unwrap_or_else(PoisonError::into_inner);
                collected.push_str(&String::from_utf8_lossy(&part[..length]));
            }
        });
        Printed { text, reader: Some(reader) }
    }

    fn so_far(&self) -> String {
        self.text.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// All of it, once the program has ended.
    fn whole(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the reader does not panic");
        }
        self.so_far()
    }
}

/// Asserts that `stokehold ledger verify` finds nothing wrong in a data directory.
#[track_caller]
pub fn assert_clean(data: &Path) {
    let data = data.to_str().expect("a path of text");
    let verified = binary::run(&["ledger", "verify", "--data", data, "--json"]);
    assert_eq!(verified.code, Some(0), "{verified:?}");
    assert_eq!(verified.json()["clean"], true, "{verified:?}");
}
