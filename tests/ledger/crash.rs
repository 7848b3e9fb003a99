//! A process that is killed while it writes loses nothing that it was told is stored.

use std::collections::BTreeMap;
use std::env;
use std::io::{BufRead, BufReader, Write, stdout};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, PoisonError};

use rusqlite::Connection;
use stokehold_ledger::{AccountToken, HoldId, ServiceId, Timestamp, VersionId};
use stokehold_store::{Settlement, Store};
use tempfile::tempdir;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::fixture::{
    STARTING, assert_clean, beside, credits, give, hold, new_call, once, open, service, spent,
    statement, token, version, view,
};

/// Set for the process that is to be killed: where its store is.
const DIRECTORY: &str = "STOKEHOLD_CRASH_DIRECTORY";

/// After how many acknowledged writes the process is killed, in each round. It writes on all the
/// while, so that every kill meets it somewhere else in a group.
const KILLED_AFTER: [usize; 8] = [1, 7, 40, 3, 100, 250, 20, 150];

/// How an acknowledged line begins; whatever else is on the pipe is the test harness's.
const MARK: &str = "acknowledged ";

#[test]
fn a_killed_process_loses_nothing_it_was_told_is_stored() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    if let Some(directory) = env::var_os(DIRECTORY) {
        runtime.block_on(write_until_killed(&PathBuf::from(directory)));
    }
    let directory = tempdir().expect("a directory");
    runtime.block_on(found(directory.path()));
    let mut acknowledged = Vec::new();
    for after in KILLED_AFTER {
        acknowledged.extend(lines_before_the_kill(directory.path(), after));
        assert_stored(&beside(directory.path()), &acknowledged);
        runtime.block_on(assert_recovers(directory.path()));
    }
}

/// Makes the store that every round goes on with.
async fn found(directory: &Path) {
    let store = open(directory);
    let service = service(&store, "coalroller").await;
    version(&store, service).await;
    for name in ["anna", "ben"] {
        give(&store, service, &token(name), 1_000_000_000).await;
    }
}

/// Starts this test as a process of its own, kills it after so many acknowledged writes, and
/// answers all that it had acknowledged by then.
fn lines_before_the_kill(directory: &Path, after: usize) -> Vec<String> {
    let starting = STARTING.write().unwrap_or_else(PoisonError::into_inner);
    let mut child = Command::new(env::current_exe().expect("this program"))
        .args(["crash::a_killed_process_loses_nothing_it_was_told_is_stored", "--exact"])
        .arg("--nocapture")
        .env(DIRECTORY, directory)
        .stdout(Stdio::piped())
        .spawn()
        .expect("a process");
    let mut lines = acknowledgements(&mut child).peekable();
    // Once it has written it runs its own program, and has closed what was not meant for it.
    lines.peek();
    drop(starting);
    let mut acknowledged: Vec<String> = lines.by_ref().take(after).collect();
    child.kill().expect("it is killed");
    acknowledged.extend(lines);
    let status = child.wait().expect("it has ended");
    assert_eq!(status.code(), None, "it ended by itself");
    assert!(acknowledged.len() >= after, "{acknowledged:?}");
    acknowledged
}

fn acknowledgements(child: &mut Child) -> impl Iterator<Item = String> + use<> {
    let pipe: ChildStdout = child.stdout.take().expect("a pipe");
    let lines = BufReader::new(pipe).lines().map_while(Result::ok);
    lines.filter_map(|line| line.strip_prefix(MARK).map(str::to_owned))
}

/// The process that is killed: eight tasks that write and tell of each write once it is stored.
async fn write_until_killed(directory: &Path) -> ! {
    let store = Arc::new(open(directory));
    let service = store.service("coalroller".into()).await.expect("it is read");
    let service = service.expect("the service");
    let (service, version) = (service.id, service.active_version.expect("its version"));
    let mut tasks = JoinSet::new();
    for number in 0..8_i64 {
        let account = token(if number % 2 == 0 { "anna" } else { "ben" });
        let store = store.clone();
        tasks.spawn(async move {
            for step in number.. {
                write(&store, (service, version), &account, step).await;
            }
        });
    }
    tasks.join_next().await;
    unreachable!("the tasks write for ever");
}

async fn write(
    store: &Store,
    (service, version): (ServiceId, VersionId),
    account: &AccountToken,
    step: i64,
) {
    let key = Uuid::now_v7().simple().to_string();
    let once = Some(once(&key, ""));
    let granted = store.grant(service, account, credits(100), key.clone(), once).await;
    granted.expect("a grant");
    tell(&format!("grant {key}"));
    let hold = hold(store, service, account, 50).await;
    tell(&format!("hold {hold} open"));
    match step % 3 {
        0 => {
            let taken = store.capture(service, hold, Some(credits(step % 50))).await;
            tell(&format!("hold {hold} captured {}", taken.expect("a capture").micros()));
        }
        1 => {
            store.cancel(service, hold).await.expect("a cancel");
            tell(&format!("hold {hold} cancelled"));
        }
        _ => {}
    }
    let call = new_call(service, version, account, 10);
    let id = call.id;
    store.begin_call(call).await.expect("the call begins");
    tell(&format!("hold {id} open"));
    if step % 2 == 0 {
        let settled = store.settle_call(id, Settlement::Capture(credits(4)), spent("ok")).await;
        settled.expect("the call ends");
        tell(&format!("hold {id} captured 4"));
    }
}

/// One line to the process that watches; in one write, so that a kill leaves no half of it.
fn tell(line: &str) {
    let line = format!("\n{MARK}{line}\n");
    stdout().lock().write_all(line.as_bytes()).expect("somebody reads");
}

/// Every acknowledged line is in the database, as the last word about its hold.
fn assert_stored(db: &Connection, acknowledged: &[String]) {
    let mut holds = BTreeMap::new();
    for line in acknowledged {
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["grant", key] => {
                let sql = "SELECT count(*) FROM posting WHERE reason = ?1";
                let stored = db.query_row(sql, [key], |row| row.get::<_, i64>(0));
                assert_eq!(stored, Ok(1), "{line}");
            }
            ["hold", hold, ref end @ ..] => {
                holds.insert(hold, end.join(" "));
            }
            _ => panic!("not understood: {line}"),
        }
    }
    for (hold, end) in holds {
        let id: HoldId = hold.parse().expect("an id");
        let sql = "SELECT CASE state WHEN 1 THEN 'captured ' || captured WHEN 2 THEN 'cancelled' \
                   ELSE 'open' END FROM hold WHERE id = ?1";
        let stored: String =
            db.query_row(sql, [id.0.as_bytes()], |row| row.get(0)).expect("the hold is stored");
        // What was last heard of as open may have been ended by a write whose answer was lost.
        assert!(end == "open" || stored == end, "hold {hold}: told {end}, stored {stored}");
    }
}

/// The store opens, cancels what was cut off, and adds up.
async fn assert_recovers(directory: &Path) {
    let store = open(directory);
    store.recover_calls().await.expect("calls are recovered");
    assert_eq!(store.recover_calls().await.expect("none is left"), 0);
    assert_clean(&store).await;
    let service = store.service("coalroller".into()).await.expect("it is read");
    let service = service.expect("the service").id;
    for account in ["anna", "ben"].map(token) {
        let [balance, held, available] = view(&store, service, &account).await.expect("a view");
        assert!(held >= 0 && available >= 0 && available == balance - held);
        let end = Timestamp(i64::MAX);
        let lines = statement(&store, service, &account, end).await;
        let last = lines.iter().flat_map(|page| &page.lines).next_back().expect("a line");
        assert_eq!(last.balance.micros(), balance);
    }
}
