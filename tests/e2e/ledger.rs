//! The operator's commands on a ledger: statement, backup, restore.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rusqlite::Connection;
use serde_json::json;
use stokehold_tests::binary::{Ran, run};
use stokehold_tests::server::{Server, assert_clean};

use crate::{directory, text};

/// A server with an account that has had 10 credits and two captures, of 1.5 and 0.25.
fn busy(data: &Path) -> Server {
    let server = Server::sandbox(data);
    server.grant("coalroller", "anna", &json!(10));
    for credits in [1.5, 0.25] {
        capture(&server, "anna", credits);
    }
    server
}

fn capture(server: &Server, account: &str, credits: f64) {
    let key = server.key.as_deref().expect("the key of the first start");
    let hold = json!({ "key": key, "account_token": account, "credit": credits,
                       "description": "=coal, \"black\"" });
    let token = server.client().rpc("/iap/1/authorize", &hold).result();
    server.client().rpc("/iap/1/capture", &json!({ "key": key, "token": token })).result();
}

fn ledger(task: &str, argument: &Path, data: &Path) -> Ran {
    run(&["ledger", task, text(argument), "--data", text(data)])
}

fn statement(data: &Path, more: &[&str]) -> Ran {
    let about = ["ledger", "statement", "coalroller", "anna", "--data", text(data)];
    run(&[&about as &[_], more].concat())
}

#[test]
fn a_statement_is_a_table_json_or_csv_of_any_instant() {
    let data = directory();
    let server = busy(data.path());
    let whole = statement(data.path(), &["--json"]).json();
    let api = server.operator().get("/api/v1/services/coalroller/accounts/anna/statement");
    let api = api.expect(200);
    assert_eq!((&whole["entries"], &whole["balance"]), (&api["entries"], &api["balance"]));
    assert_eq!(whole["balance"], 8.25);

    let at = whole["entries"][1]["at"].as_str().expect("an instant").to_owned();
    let earlier = statement(data.path(), &["--json", "--at", &at]).json();
    assert_eq!(
        (earlier["entries"].as_array().map(Vec::len), &earlier["balance"]),
        (Some(2), &json!(8.5))
    );

    let csv = statement(data.path(), &["--csv"]).success();
    let lines: Vec<_> = csv.lines().collect();
    assert_eq!(lines[0], "id,at,kind,credits,balance,description,transaction,order");
    assert!(lines[2].contains(",capture,-1.5,8.5,\"'=coal, \"\"black\"\"\","), "{csv}");
    let table = statement(data.path(), &[]).success();
    assert!(table.contains("gift") && table.ends_with("balance   8.25\n"), "{table}");

    let unknown = run(&["ledger", "statement", "coalroller", "ben", "--data", text(data.path())]);
    unknown.failed(1, "no statement", "no account", "first grant");
    let unknown = run(&["ledger", "statement", "nothing", "ben", "--data", text(data.path())]);
    unknown.failed(1, "no statement", "no such service", "technical");
}

#[test]
fn a_ledger_that_is_not_up_to_date_is_named() {
    let (data, other) = (directory(), directory());
    let of_version_4 = include_str!("../ledger/v4.sqlite.sql");
    let db = Connection::open(data.path().join("stokehold.db")).expect("a database");
    db.execute_batch(of_version_4).expect("the fixture");
    drop(db);
    let refused = |ran: Ran| ran.failed(1, "", "of version 4", "a start of the server");
    refused(run(&["ledger", "verify", "--data", text(data.path())]));
    refused(statement(data.path(), &[]));
    refused(ledger("backup", &other.path().join("a.backup"), data.path()));

    fs::write(other.path().join("stokehold.db"), "").expect("an empty file");
    let empty = run(&["ledger", "verify", "--data", text(other.path())]);
    empty.failed(1, "cannot be opened", "holds no Stokehold data", "--data");
}

#[test]
fn a_backup_beside_a_running_server_is_whole_and_comes_back() {
    let (data, other) = (directory(), directory());
    let file = other.path().join("monday.backup");
    let restored = other.path().join("restored");
    let server = busy(data.path());
    server.grant("coalroller", "ben", &json!(1_000));
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let writing = scope.spawn(|| {
            let mut count = 0;
            while !stop.load(Ordering::Relaxed) {
                capture(&server, "ben", 0.5);
                count += 1;
            }
            count
        });
        let backup = ledger("backup", &file, data.path());
        stop.store(true, Ordering::Relaxed);
        let said = backup.success();
        assert!(said.ends_with("written and verified\n"), "{said}");
        assert!(writing.join().expect("no capture failed") > 0);
    });
    assert_eq!(
        fs::read_dir(other.path()).expect("a directory").count(),
        1,
        "nothing is left beside it"
    );
    drop(server);

    let said = ledger("restore", &file, &restored).success();
    assert!(said.contains("restored and verified, 2 accounts"), "{said}");
    assert_clean(&restored);
    let server = Server::sandbox(&restored);
    assert_eq!(server.account("coalroller", "anna")["balance"], 8.25);
    let ben = server.account("coalroller", "ben");
    assert!(ben["balance"].as_f64().is_some_and(|balance| balance <= 1_000.0), "{ben}");
    server.grant("coalroller", "ben", &json!(1));
}

#[test]
fn nothing_is_overwritten() {
    let (data, other) = (directory(), directory());
    let file = other.path().join("a.backup");
    let server = busy(data.path());
    ledger("backup", &file, data.path()).success();
    let again = ledger("backup", &file, data.path());
    again.failed(1, "no backup", "is there already", "choose another name");
    let running = ledger("restore", &file, data.path());
    running.failed(1, "nothing was restored", "in use by another process", "");
    server.stop();
    let over = ledger("restore", &file, data.path());
    over.failed(1, "nothing was restored", "is there already", "empty directory");
    assert_clean(data.path());
}

#[test]
fn what_is_no_whole_backup_is_not_restored() {
    let (data, other) = (directory(), directory());
    let file = other.path().join("a.backup");
    drop(busy(data.path()));
    ledger("backup", &file, data.path()).success();
    let target = other.path().join("target");
    let refused = |bytes: &[u8], why: &str| {
        let bad = other.path().join("bad");
        fs::write(&bad, bytes).expect("written");
        ledger("restore", &bad, &target).failed(1, "nothing was restored", why, "");
        assert!(!target.join("stokehold.db").exists());
    };
    refused(b"hello", "is no backup");
    refused(b"", "is no backup");
    let whole = fs::read(&file).expect("a backup");
    refused(&whole[..whole.len() / 2], "");

    let db = Connection::open(&file).expect("a database");
    let altered =
        db.execute("UPDATE account_balance SET balance = balance + 1", []).expect("altered");
    drop(db);
    assert_eq!(altered, 1);
    refused(&fs::read(&file).expect("a backup"), "breaks its invariants");
    ledger("restore", &other.path().join("nowhere"), &target).failed(
        1,
        "nothing was restored",
        "nowhere",
        "backup",
    );
}
