//! A whole ledger from SQLite to PostgreSQL and back: every row is there, and goes on.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::Connection;
use rusqlite::types::Value as Cell;
use serde_json::{Value, json};
use stokehold_tests::binary::run;
use stokehold_tests::postgres::Postgres;
use stokehold_tests::server::{self, Server};
use stokehold_tests::{guest, upload};
use tempfile::TempDir;

use crate::{assert_clean, directory, ledger, text};

/// So that every table has rows: one call runs and others wait, a day has its limit, and a version
/// is suspended as soon as it fails.
const SETTINGS: [(&str, &str); 3] = [
    ("STOKEHOLD_CALLS_RUNNING_MAX", "1"),
    ("STOKEHOLD_CALLS_CREDITS_PER_DAY_MAX", "1000"),
    ("STOKEHOLD_CALLS_BREAKER_FAILURES", "1"),
];

/// A stop does not wait for the call that goes on for ever.
const AT_ONCE: [(&str, &str); 1] = [("STOKEHOLD_SERVER_GRACE_S", "0")];

/// More fuel than any test burns, for one credit.
const LONG: &str = "1_000_000_000_000_000";

/// What a client has to have in its hands to go on.
struct Claims {
    key: String,
    /// A hold that is open, and what it is described by.
    hold: String,
    description: String,
}

/// Something of everything, then the end by a kill: in the middle of a call, with another one waiting.
fn lived_in(data: &Path) -> Claims {
    let mut server = Server::sandbox_with(data, &SETTINGS);
    let key = server.key.clone().expect("the key of the first start");
    let operator = server.operator();
    let order = json!({ "service": "coalroller", "account_token": "anna", "pack_id": 1 });
    operator.post("/api/v1/orders", &order).expect(201);
    operator
        .with("Idempotency-Key", "gift")
        .post(
            "/api/v1/services/coalroller/accounts/anna/grants",
            &json!({ "credits": 0.25, "reason": "für \"Ännä\"" }),
        )
        .expect(201);
    operator.send("PUT", "/api/v1/eligible-databases/db-1", None).expect(204);
    let trial = json!({ "key": key, "account_token": "ben", "credit": 0.001, "dbuuid": "db-1" });
    server.client().rpc("/iap/1/authorize", &trial);
    let warning = json!({ "account_token": "anna", "warning_threshold": 9.5,
                          "warning_emails": [{ "email": "anna@example.com" }] });
    server.client().rpc("/iap/1/update-warning-email-alerts", &warning).result();
    let hold = authorize(&server, &key, 1.0, "open");
    let spent = authorize(&server, &key, 0.5, "spent");
    server.client().rpc("/iap/1/capture", &json!({ "key": key, "token": spent })).result();
    let roll = json!({ "account_token": "anna", "credits": 0.01, "hashes": 1 });
    server.client().rpc("/services/coalroller/roll", &roll).result();

    server.register("keeper");
    let secret = Some(b"a secret".to_vec());
    operator.send("PUT", "/api/v1/services/keeper/secrets/key1", secret).expect(204);
    let keeper = upload::manifest("keeper", "[secrets]\nnames = [\"key1\"]\n");
    let keeper = keeper.replace("10_000_000", LONG);
    upload::upload(&operator, "keeper", &keeper, &guest::tallying()).expect(201);
    server.grant("keeper", "anna", &json!(10));
    assert_eq!(tally(&server), 1);

    sell(&server, "broken", &upload::manifest("broken", ""), &guest::trapping());
    let anna = json!({ "account_token": "anna" });
    server.client().rpc("/services/broken/do", &anna).fault("ServiceFault");
    let manifest = upload::manifest("long", "credits_per_call = 1\n").replace("10_000_000", LONG);
    sell(&server, "long", &manifest, &guest::looping());
    let patient = server.client().with("Prefer", "respond-async");
    for _ in 0..2 {
        patient.rpc("/services/long/do", &anna).expect(202);
    }
    server.kill();
    Claims { key, hold, description: "open".into() }
}

fn sell(server: &Server, name: &str, manifest: &str, component: &[u8]) {
    server.register(name);
    upload::upload(&server.operator(), name, manifest, component).expect(201);
    server.grant(name, "anna", &json!(10));
}

/// How many calls the service has had that keeps something. It needs its secret.
fn tally(server: &Server) -> Value {
    server.client().rpc("/services/keeper/do", &json!({ "account_token": "anna" })).result()
}

fn authorize(server: &Server, key: &str, credit: f64, description: &str) -> String {
    let hold = json!({ "key": key, "account_token": "anna", "credit": credit,
                       "description": description });
    let token = server.client().rpc("/iap/1/authorize", &hold).result();
    token.as_str().expect("a transaction token").to_owned()
}

/// The claims of before are good, and whatever is new gets an id of its own.
fn assert_goes_on(server: &Server, claims: &Claims) -> Claims {
    let again = authorize(server, &claims.key, 1.0, &claims.description);
    assert_eq!(again, claims.hold, "a repeat is recognised");
    let capture = json!({ "key": claims.key, "token": claims.hold });
    server.client().rpc("/iap/1/capture", &capture).result();
    let operator = server.operator();
    let pack = json!({ "name": "more", "credits": 5, "price_cents": 1 });
    let pack = operator.post("/api/v1/services/coalroller/packs", &pack).expect(201);
    let order = json!({ "service": "coalroller", "account_token": "carl", "pack_id": pack["id"] });
    operator.post("/api/v1/orders", &order).expect(201);
    let token = json!({ "role": "provider", "name": "a new one" });
    operator.post("/api/v1/tokens", &token).expect(201);
    let version = upload::manifest("broken", "");
    upload::upload(&operator, "broken", &version, &guest::echo()).expect(201);
    let call = json!({ "account_token": "anna", "n": 7 });
    assert_eq!(server.client().rpc("/services/broken/do", &call).result(), json!({ "n": 7 }));
    let description = format!("after {}", claims.hold);
    let hold = authorize(server, &claims.key, 1.0, &description);
    Claims { key: claims.key.clone(), hold, description }
}

/// The rows of every table of a backup, in an order of their own. Where rows of requests stand tells
/// nothing, and the hosts of a copy are gone.
fn rows(backup: &Path) -> BTreeMap<String, Vec<String>> {
    let db = Connection::open(backup).expect("a database");
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' \
                  AND name NOT LIKE 'refinery_%'";
    let mut tables = db.prepare(tables).expect("a query");
    let names = tables.query_map([], |row| row.get(0)).expect("tables");
    names
        .map(|name: Result<String, _>| {
            let name = name.expect("a name");
            let mut query = db.prepare(&format!("SELECT * FROM {name}")).expect("a query");
            let skipped = match name.as_str() {
                "host" => "lease_until",
                "request" => "id",
                _ => "",
            };
            let kept = query.column_names().map(|column| column != skipped).collect::<Vec<_>>();
            let rows = query.query_map([], |row| {
                let kept = kept.iter().enumerate().filter(|(_, kept)| **kept);
                kept.map(|(column, _)| row.get(column)).collect::<Result<Vec<Cell>, _>>()
            });
            let rows = rows.expect("rows").map(|row| format!("{:?}", row.expect("a row")));
            let mut rows: Vec<_> = rows.collect();
            rows.sort();
            (name, rows)
        })
        .collect()
}

/// Copies a ledger into a file; `place` are the option that names it and its value.
fn back_up(place: [&str; 2], file: &Path) {
    run(&["ledger", "backup", text(file), place[0], place[1]]).success();
}

fn restore(file: &Path, place: [&str; 2]) -> String {
    run(&["ledger", "restore", text(file), place[0], place[1]]).success()
}

fn path(directory: &TempDir, name: &str) -> std::path::PathBuf {
    directory.path().join(name)
}

#[test]
fn a_ledger_moves_to_postgresql_and_back_with_every_row() {
    let (data, files, beside) = (directory(), directory(), directory());
    let postgres = Postgres::start();
    let url = postgres.url();
    let claims = lived_in(data.path());
    let [first, second, third] = ["first", "second", "third"].map(|name| path(&files, name));
    back_up(["--data", text(data.path())], &first);
    let said = restore(&first, ["--database", &url]);
    assert!(said.contains("restored and verified, 5 accounts"), "{said}");
    assert_clean(&postgres);
    back_up(["--database", &url], &second);
    let (before, after) = (rows(&first), rows(&second));
    for (table, rows) in &before {
        assert!(!rows.is_empty(), "{table} shows nothing");
        assert_eq!(rows, &after[table], "{table}");
    }
    assert_eq!(before.len(), after.len());

    let moved = ["--sandbox", "--database", &url];
    // No backup has the key of the secrets.
    let key_file = data.path().join("secrets.key");
    let settings = [AT_ONCE[0], ("STOKEHOLD_SECRETS_KEY_FILE", text(&key_file))];
    let server = Server::start(beside.path(), &moved, &settings);
    let claims = assert_goes_on(&server, &claims);
    assert_eq!(tally(&server), 2);
    // Beside the server that runs.
    back_up(["--database", &url], &third);
    server.stop();
    assert_clean(&postgres);

    let home = path(&files, "home");
    restore(&third, ["--data", text(&home)]);
    let server = Server::sandbox_with(&home, &settings);
    assert_goes_on(&server, &claims);
    assert_eq!(tally(&server), 3);
    server.stop();
    server::assert_clean(&home);
}

#[test]
fn nothing_is_restored_over_a_ledger_or_from_a_broken_one() {
    let (data, files) = (directory(), directory());
    let postgres = Postgres::start();
    Server::sandbox(data.path()).stop();
    let file = path(&files, "a.backup");
    back_up(["--data", text(data.path())], &file);

    let bad = path(&files, "bad");
    std::fs::copy(&file, &bad).expect("a copy");
    let db = Connection::open(&bad).expect("a database");
    db.execute("UPDATE instance SET sandbox = 0", []).expect("altered");
    let posting = "INSERT INTO posting (kind, service_id, account_id, number, balance, amount, \
                   issuance, earned, cash, commission, payable, at) \
                   VALUES (0, 1, 77, 1, 5, 5, -5, 0, 0, 0, 0, 1)";
    db.execute(posting, []).expect("altered");
    drop(db);
    let refused = ledger("restore", &[text(&bad)], &postgres.url());
    refused.failed(1, "nothing was restored", "breaks its invariants", "older backup");
    let nothing = ledger("verify", &[], &postgres.url());
    nothing.failed(1, "cannot be opened", "holds no Stokehold data", "");

    restore(&file, ["--database", &postgres.url()]);
    let again = ledger("restore", &[text(&file)], &postgres.url());
    again.failed(1, "nothing was restored", "is there already", "empty directory or database");
    assert_clean(&postgres);
    assert_eq!(std::fs::read_dir(files.path()).expect("a directory").count(), 2);
    let counted: Value = ledger("verify", &["--json"], &postgres.url()).json();
    assert_eq!(counted["postings"], 0);
}
