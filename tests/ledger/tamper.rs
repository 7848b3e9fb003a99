//! Data altered behind the store's back: `verify` names it.

use std::fs;
use std::path::Path;

use rusqlite::Connection;
use stokehold_ledger::{CallId, Credits};
use stokehold_store::{Audit, Finding, Settlement};
use tempfile::{TempDir, tempdir};
use uuid::Uuid;

use crate::fixture::{
    COMMISSION, LONG, beside, credits, give, new_call, open, pack, service, spent, token, version,
};

/// The ids of the calls, to find their rows by.
const CAPTURED: CallId = CallId(Uuid::from_u128(0xca));
const CANCELLED: CallId = CallId(Uuid::from_u128(0xcb));
const RUNNING: CallId = CallId(Uuid::from_u128(0xcc));
const FREE: CallId = CallId(Uuid::from_u128(0xcd));

const SOUND: &str = "the database is sound";
const ZERO_SUM: &str = "a posting's entries sum to zero in each unit";
const HAS_ENTRY: &str = "a posting has an entry for its account";
const BALANCE: &str = "an account's balance is the sum of its entries";
const HELD: &str = "what an account has held is the sum of its open holds";
const AVAILABLE: &str = "0 <= held <= balance";
const AT_MOST: &str = "captured <= authorized";
const POSTED: &str = "a hold that captured has one posting of that amount, and no other has one";
const ENDED: &str = "a hold has ended exactly when it is not open";
const SERVICE: &str = "a hold belongs to its account's service";
const KIND: &str = "a posting is of its account's service, and of a kind that fits its amount";
const ORDER: &str = "an order's posting grants its credits and splits its price";
const CALL: &str = "a call has a hold of what it is authorized for, and ends with it";
const MISSING: &str = "no row refers to one that is not there";

/// What is done to the data, and the invariant that `verify` has to name.
const TAMPERED: &[(&str, &str)] = &[
    ("UPDATE account SET balance = balance + 1 WHERE id = 1", BALANCE),
    ("UPDATE account SET balance = balance - 1 WHERE id = 1", BALANCE),
    ("UPDATE account SET held = held + 1 WHERE id = 1", HELD),
    ("UPDATE account SET held = balance + 1 WHERE id = 1", AVAILABLE),
    ("UPDATE account SET service_id = 2 WHERE id = 1", SERVICE),
    ("UPDATE account SET service_id = 2 WHERE id = 2", KIND),
    ("DELETE FROM account WHERE id = 1", MISSING),
    ("UPDATE hold SET amount = amount + 1 WHERE state = 0", HELD),
    ("UPDATE hold SET amount = amount + 1 WHERE id = x'000000000000000000000000000000ca'", CALL),
    ("UPDATE hold SET amount = amount + 1 WHERE id = x'000000000000000000000000000000cb'", CALL),
    ("UPDATE hold SET captured = captured + 1 WHERE state = 1", POSTED),
    ("UPDATE hold SET captured = captured - 1 WHERE state = 1", POSTED),
    ("UPDATE hold SET captured = amount + 1 WHERE state = 1", AT_MOST),
    ("UPDATE hold SET captured = 1 WHERE state = 2", ENDED),
    ("UPDATE hold SET account_id = 2 WHERE state = 0", HELD),
    ("UPDATE hold SET account_id = 2 WHERE state = 1", POSTED),
    ("UPDATE hold SET account_id = 2 WHERE id = x'000000000000000000000000000000cb'", CALL),
    ("UPDATE hold SET account_id = 3 WHERE state = 2", SERVICE),
    ("UPDATE hold SET service_id = 2", SERVICE),
    ("UPDATE hold SET state = 2, ended_at = 1 WHERE state = 0", HELD),
    ("UPDATE hold SET state = 0, ended_at = NULL WHERE state = 2", HELD),
    ("UPDATE hold SET state = 2 WHERE state = 1", ENDED),
    ("UPDATE hold SET state = 2, captured = 0 WHERE state = 1", POSTED),
    ("UPDATE hold SET ended_at = 1 WHERE state = 0", ENDED),
    ("UPDATE hold SET ended_at = NULL WHERE state = 2", ENDED),
    ("DELETE FROM hold WHERE state = 0", HELD),
    ("DELETE FROM hold WHERE state = 1", MISSING),
    ("DELETE FROM hold WHERE id = x'000000000000000000000000000000cb'", CALL),
    ("UPDATE entry SET amount = amount + 1 WHERE book = 0", ZERO_SUM),
    ("UPDATE entry SET amount = amount + 1 WHERE book = 1", ZERO_SUM),
    ("UPDATE entry SET amount = amount + 1 WHERE book = 2", ZERO_SUM),
    ("UPDATE entry SET amount = amount + 1 WHERE book = 3", ZERO_SUM),
    ("UPDATE entry SET amount = amount + 1 WHERE book = 4", ZERO_SUM),
    ("UPDATE entry SET amount = amount + 1 WHERE book = 5", ZERO_SUM),
    ("UPDATE entry SET amount = amount + iif(book = 0, -1, 1) WHERE posting_id = 1 ", BALANCE),
    ("UPDATE entry SET amount = amount + iif(book = 4, -1, 1) WHERE book IN (4, 5)", ORDER),
    ("UPDATE entry SET amount = amount + iif(book = 3, -1, 1) WHERE book IN (3, 5)", ORDER),
    ("DELETE FROM entry WHERE posting_id = 1", HAS_ENTRY),
    ("DELETE FROM entry WHERE book > 2", ORDER),
    ("DELETE FROM posting WHERE id = 1", BALANCE),
    ("DELETE FROM posting WHERE kind = 2", ORDER),
    ("DELETE FROM posting WHERE kind = 3", POSTED),
    ("UPDATE posting SET account_id = 2 WHERE id = 1", BALANCE),
    ("UPDATE posting SET service_id = 2 WHERE id = 1", KIND),
    ("UPDATE posting SET kind = 3 WHERE id = 1", KIND),
    ("UPDATE posting SET kind = 0 WHERE kind = 2", SOUND),
    ("UPDATE posting SET hold_id = NULL WHERE kind = 3", POSTED),
    ("UPDATE purchase SET credits = credits + 1", ORDER),
    ("UPDATE purchase SET price_cents = price_cents + 1", ORDER),
    ("UPDATE purchase SET commission_cents = commission_cents + 1", ORDER),
    ("UPDATE purchase SET commission_bp = commission_bp + 1", ORDER),
    ("UPDATE purchase SET account_id = 2", ORDER),
    ("UPDATE purchase SET service_id = 2", ORDER),
    ("DELETE FROM purchase", MISSING),
    ("UPDATE call SET status = 'cancelled' WHERE id = x'000000000000000000000000000000ca'", CALL),
    ("UPDATE call SET status = 'captured' WHERE id = x'000000000000000000000000000000cb'", CALL),
    ("UPDATE call SET status = 'captured' WHERE id = x'000000000000000000000000000000cc'", CALL),
    ("UPDATE call SET status = 'cancelled' WHERE id = x'000000000000000000000000000000cc'", CALL),
    ("UPDATE call SET status = 'running' WHERE id = x'000000000000000000000000000000ca'", CALL),
    ("UPDATE call SET status = 'running' WHERE id = x'000000000000000000000000000000cb'", SOUND),
    ("UPDATE call SET credits = credits + 1", CALL),
    ("UPDATE call SET credits = 1 WHERE credits = 0", CALL),
    ("UPDATE call SET service_id = 2", CALL),
    ("UPDATE call SET account_token = 'ben'", CALL),
    ("UPDATE instance SET sandbox = 2", SOUND),
];

#[tokio::test]
async fn verify_names_what_was_altered() {
    let town = town().await;
    assert_eq!(findings(town.path()), [], "before anything is altered");
    let mut missed = Vec::new();
    for (sql, invariant) in TAMPERED {
        let copy = copy(&town);
        alter(&beside(copy.path()), sql);
        let found = findings(copy.path());
        if !found.iter().any(|finding| finding.invariant == *invariant) {
            missed.push(format!("{sql}\n  wanted: {invariant}\n  found: {found:?}"));
        }
    }
    assert!(missed.is_empty(), "{} missed:\n{}", missed.len(), missed.join("\n"));
}

/// A database with at least one row of each kind, in a directory of its own.
async fn town() -> TempDir {
    let directory = tempdir().expect("a directory");
    let store = open(directory.path());
    let (coal, other) = (service(&store, "coalroller").await, service(&store, "other").await);
    let version = version(&store, coal).await;
    let pack = pack(&store, coal, 500_000_000, 10_000).await;
    let (anna, ben) = (token("anna"), token("ben"));
    give(&store, coal, &anna, 50_000_000).await;
    give(&store, coal, &ben, 50_000_000).await;
    give(&store, other, &token("cleo"), 50_000_000).await;
    store.create_paid_order(coal, &anna, pack.id, COMMISSION).await.expect("an order");
    let mut holds = Vec::new();
    for _ in 0..3 {
        let hold = store.authorize(coal, &anna, credits(700_000), LONG, None).await;
        holds.push(hold.expect("a hold"));
    }
    store.capture(coal, holds[0], Some(credits(300_000))).await.expect("a capture");
    store.cancel(coal, holds[1]).await.expect("a cancel");
    for (id, micros) in [(CAPTURED, 9), (CANCELLED, 8), (RUNNING, 7), (FREE, 0)] {
        let new = new_call(coal, version, &anna, micros);
        store.begin_call(stokehold_store::NewCall { id, ..new }).await.expect("it begins");
    }
    for (id, settlement) in [
        (CAPTURED, Settlement::Capture(credits(5))),
        (CANCELLED, Settlement::Cancel),
        (FREE, Settlement::Capture(Credits::ZERO)),
    ] {
        store.settle_call(id, settlement, spent("ok")).await.expect("it ends");
    }
    directory
}

fn copy(from: &TempDir) -> TempDir {
    let to = tempdir().expect("a directory");
    for file in fs::read_dir(from.path()).expect("the directory is read") {
        let file = file.expect("a file");
        fs::copy(file.path(), to.path().join(file.file_name())).expect("a copy");
    }
    to
}

/// Runs `sql` with everything off that would stop it.
fn alter(db: &Connection, sql: &str) {
    db.execute_batch("PRAGMA ignore_check_constraints = ON; PRAGMA foreign_keys = OFF;")
        .expect("the guards are off");
    let triggers: Vec<String> = db
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
        .and_then(|mut query| query.query_map([], |row| row.get(0))?.collect())
        .expect("the triggers");
    for trigger in triggers {
        db.execute_batch(&format!("DROP TRIGGER {trigger}")).expect("the trigger is off");
    }
    assert!(db.execute(sql, []).expect(sql) > 0, "{sql} alters nothing");
}

fn findings(directory: &Path) -> Vec<Finding> {
    Audit::open(directory).expect("it opens").verify().expect("verify runs")
}
