//! A PostgreSQL server for tests: real, in a temporary directory, on a free port of this machine.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::thread;

use rustix::process::{Pid, Signal, geteuid, kill_process};

use crate::poll;

/// The superuser of every server, who needs no password.
const USER: &str = "stokehold";
/// The user of the system that servers run as where the tests run as root: PostgreSQL refuses root.
const SYSTEM_USER: &str = "postgres";

/// A server that runs. It is stopped, and all it has stored is gone, when this is dropped.
#[derive(Debug)]
pub struct Postgres {
    child: Child,
    port: u16,
    directory: tempfile::TempDir,
    fsync: bool,
}

/// How a server is brought down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Down {
    /// SIGKILL of the server's first process, as the kernel does where memory is short.
    Kill,
    /// An immediate stop: no checkpoint, so that the next start recovers from the log.
    Immediate,
}

/// A server whose processes do not run.
#[derive(Debug)]
pub struct Frozen<'a>(&'a Postgres);

/// The newest `name` of PostgreSQL's programs, where one is installed.
pub fn program(name: &str) -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<_> = versions
        .filter_map(|version| {
            let number: u32 = version.file_name().to_str()?.parse().ok()?;
            Some((number, version.path().join("bin").join(name))).filter(|(_, path)| path.is_file())
        })
        .collect();
    found.sort();
    found.pop().map(|(_, path)| path)
}

impl Postgres {
    /// Makes a cluster and starts it. Commits are durable, as in production.
    #[track_caller]
    pub fn start() -> Self {
        Self::start_with(true)
    }

    /// One whose commits a loss of power may undo: quick, for tests of what has nothing to do with
    /// that.
    #[track_caller]
    pub fn forgetful() -> Self {
        Self::start_with(false)
    }

    #[track_caller]
    fn start_with(fsync: bool) -> Self {
        let directory = tempfile::Builder::new().prefix("stokehold-postgres-").tempdir();
        let directory = directory.expect("a directory");
        give_away(directory.path());
        let made = command("initdb", directory.path())
            .args(["--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"])
            .args(["--username", USER, "--pgdata"])
            .arg(directory.path().join("data"))
            .output()
            .expect("initdb starts");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let port = free_port();
        let child = launch(directory.path(), port, fsync).expect("PostgreSQL starts");
        Postgres { child, port, directory, fsync }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }

    /// What `--database` takes.
    pub fn url(&self) -> String {
        Self::url_at(self.address())
    }

    /// The same by way of somebody who hands on what is said.
    pub fn url_at(address: SocketAddr) -> String {
        format!("postgres://{USER}@{address}/postgres")
    }

    /// One of PostgreSQL's programs as a client of this server.
    pub fn client(&self, name: &str) -> Command {
        let mut command = command(name, self.directory.path());
        command.env("PGUSER", USER).env("PGDATABASE", "postgres").env("PGHOST", "127.0.0.1");
        command.env("PGPORT", self.port.to_string());
        command
    }

    /// Runs SQL on the database, and answers what `psql` prints of it: a line a row, `|` between
    /// columns.
    #[track_caller]
    pub fn sql(&self, sql: &str) -> String {
        self.try_sql(sql).unwrap_or_else(|why| panic!("{sql}: {why}"))
    }

    /// The same for SQL that the server may refuse: then what it has said is the error.
    pub fn try_sql(&self, sql: &str) -> Result<String, String> {
        let arguments = ["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--command", sql];
        let mut psql = self.client("psql");
        let ran = psql.args(arguments).args(["--set", "ON_ERROR_STOP=1"]).output();
        let ran = ran.expect("psql starts");
        let said = if ran.status.success() { &ran.stdout } else { &ran.stderr };
        let said = String::from_utf8_lossy(said).trim().to_owned();
        if ran.status.success() { Ok(said) } else { Err(said) }
    }

    /// Brings it down, and returns when it is.
    pub fn down(&mut self, how: Down) {
        let signal = if how == Down::Kill { Signal::KILL } else { Signal::QUIT };
        kill_process(Pid::from_child(&self.child), signal).expect("it runs");
        self.child.wait().expect("it has ended");
    }

    /// Stops all of its processes where they are, as a machine that is suspended does: connections
    /// are taken, and nothing is answered. They go on when the answer is dropped.
    pub fn freeze(&self) -> Frozen<'_> {
        // The first one first, so that there are no new ones.
        let first = Pid::from_child(&self.child);
        kill_process(first, Signal::STOP).expect("it runs");
        for child in children(first) {
            // One that has ended meanwhile says nothing either.
            let _ = kill_process(child, Signal::STOP);
        }
        Frozen(self)
    }

    /// Starts it again, and returns when it takes connections.
    #[track_caller]
    pub fn up(&mut self) {
        // Processes that a killed server leaves behind keep the next one out until they have gone.
        let start = || launch(self.directory.path(), self.port, self.fsync);
        self.child = poll::until("PostgreSQL starts again", start);
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // One that has ended already cannot be stopped, and need not be.
        let _ = kill_process(Pid::from_child(&self.child), Signal::INT);
        let _ = self.child.wait();
    }
}

impl Drop for Frozen<'_> {
    fn drop(&mut self) {
        let first = Pid::from_child(&self.0.child);
        for process in children(first).chain([first]) {
            let _ = kill_process(process, Signal::CONT);
        }
    }
}

/// The processes that this one has started.
fn children(parent: Pid) -> impl Iterator<Item = Pid> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes.filter_map(move |process| {
        let number = process.file_name().to_str()?.parse().ok()?;
        let stat = fs::read_to_string(process.path().join("stat")).ok()?;
        // After the name, which may hold anything: the state, and who has started it.
        let started_by: i32 = stat.rsplit(')').next()?.split_whitespace().nth(1)?.parse().ok()?;
        (started_by == parent.as_raw_nonzero().get()).then(|| Pid::from_raw(number))?
    })
}

/// Starts the server in `directory`; nothing where it ends before it takes connections.
fn launch(directory: &Path, port: u16, fsync: bool) -> Option<Child> {
    let mut command = command("postgres", directory);
    command.arg("-D").arg(directory.join("data")).arg("-k").arg(directory);
    command.args(["-h", "127.0.0.1", "-p", &port.to_string()]);
    let fsync = if fsync { "fsync=on" } else { "fsync=off" };
    for setting in [fsync, "synchronous_commit=on", "max_connections=100"] {
        command.args(["-c", setting]);
    }
    let mut child = command.stderr(Stdio::piped()).spawn().expect("PostgreSQL can be run");
    let mut log = BufReader::new(child.stderr.take().expect("a pipe"));
    let mut line = String::new();
    while log.read_line(&mut line).expect("it writes UTF-8") > 0 {
        if line.contains("database system is ready to accept connections") {
            drain(log);
            return Some(child);
        }
        line.clear();
    }
    child.wait().expect("it has ended");
    None
}

/// Reads what the server writes from now on: it must not wait for a reader.
fn drain(mut log: BufReader<ChildStderr>) {
    thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
}

/// One of PostgreSQL's programs, run by a user that it accepts.
fn command(name: &str, directory: &Path) -> Command {
    let program = program(name)
        .unwrap_or_else(|| panic!("there is no {name}: apt-get install postgresql, or the like"));
    let mut command = Command::new(program);
    command.current_dir(directory).stdin(Stdio::null());
    if let Some((uid, gid)) = system_user() {
        command.uid(uid).gid(gid);
    }
    command
}

/// Makes a directory the property of the user that the server runs as.
fn give_away(directory: &Path) {
    if let Some((uid, gid)) = system_user() {
        chown(directory, Some(uid), Some(gid)).expect("root may give it away");
    }
}

/// Whom to become: nobody else where the tests do not run as root.
fn system_user() -> Option<(u32, u32)> {
    if !geteuid().is_root() {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").expect("the list of users");
    let line = users.lines().find(|line| line.split(':').next() == Some(SYSTEM_USER));
    let line = line.unwrap_or_else(|| panic!("root needs a user {SYSTEM_USER}, as packages make"));
    let ids: Vec<u32> = line.split(':').skip(2).take(2).map_while(|id| id.parse().ok()).collect();
    ids.first().copied().zip(ids.get(1).copied())
}

/// A port that nobody listened on a moment ago.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}
