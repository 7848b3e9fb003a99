//! Data altered behind the store's back: `verify` names it.

use std::fs;
use std::path::Path;

use rusqlite::Connection;
use stokehold_ledger::{AccountToken, CallId, Credits, ServiceId};
use stokehold_store::{Address, Audit, Finding, NewHold, Settlement, Store, WarningSettings};
use tempfile::{TempDir, tempdir};
use uuid::Uuid;

use crate::fixture::{
    beside, buy, credits, give, hold, new_call, new_hold, new_order, open, pack, service,
    service_with_trial, spent, token, version, view,
};

/// The ids of the calls, to find their rows by.
const CAPTURED: CallId = CallId(Uuid::from_u128(0xca));
const CANCELLED: CallId = CallId(Uuid::from_u128(0xcb));
const RUNNING: CallId = CallId(Uuid::from_u128(0xcc));
const FREE: CallId = CallId(Uuid::from_u128(0xcd));

const SOUND: &str = "the database is sound";
const ZERO_SUM: &str = "a posting's entries sum to zero in each unit";
const CHAIN: &str = "a posting follows the one before it of its account, and adds to the balance";
const BALANCE: &str = "an account's balance is the sum of its postings";
const HELD: &str = "what an account has held is the sum of its open holds";
const AVAILABLE: &str = "0 <= held <= balance";
const AT_MOST: &str = "captured <= authorized";
const POSTED: &str = "a hold that captured has one posting of that amount, and no other has one";
const ENDED: &str = "a hold has ended exactly when it is not open";
const SERVICE: &str = "a hold belongs to its account's service";
const KIND: &str = "a posting is of its account's service, and of a kind that fits its amounts";
const GIVEN_BACK: &str = "what was given back of a hold is not above what it captured";
const PAID: &str =
    "an order that was paid, or refunded, has the postings for it, and no other has any";
const ORDER: &str = "an order's postings move its credits and split its price";
const TRIAL: &str = "an account had trial credits once for each database that asked for them";
const CALL: &str = "a call has a hold of what it is authorized for, and ends with it";
const SEALED: &str = "what was sealed is as it was";
const MISSING: &str = "no row refers to one that is not there";

/// What is done to the data, and the invariant that `verify` has to name.
pub(crate) const TAMPERED: &[(&str, &str)] = &[
    ("UPDATE account_balance SET balance = balance + 1 WHERE account_id = 1", BALANCE),
    ("UPDATE account_balance SET balance = balance - 1 WHERE account_id = 1", BALANCE),
    ("UPDATE account_balance SET held = held + 1 WHERE account_id = 1", HELD),
    ("UPDATE account_balance SET held = balance + 1 WHERE account_id = 1", AVAILABLE),
    ("UPDATE account SET service_id = 2 WHERE id = 1", SERVICE),
    ("UPDATE account SET service_id = 2 WHERE id = 2", KIND),
    ("DELETE FROM account WHERE id = 1", MISSING),
    ("DELETE FROM account_balance WHERE account_id = 1", MISSING),
    ("UPDATE hold SET amount = amount + 1 WHERE state = 0", HELD),
    ("UPDATE hold SET amount = amount + 1 WHERE id = x'000000000000000000000000000000ca'", CALL),
    ("UPDATE hold SET amount = amount + 1 WHERE id = x'000000000000000000000000000000cb'", CALL),
    // One micro-credit of one row, where nothing else repeats it.
    ("UPDATE hold SET amount = amount + 1 WHERE state = 1 AND amount = 700000", SEALED),
    ("UPDATE hold SET amount = amount - 1 WHERE state = 2 AND amount = 700000", SEALED),
    ("UPDATE hold SET expires_at = expires_at + 1 WHERE state = 0", SEALED),
    ("UPDATE hold SET description = 'Gold' WHERE description = 'Coal'", SEALED),
    ("UPDATE hold SET description = '' WHERE description IS NULL", SEALED),
    ("UPDATE hold SET seal = seal + 1 WHERE state = 2", SEALED),
    ("UPDATE purchase SET credits = credits + 1 WHERE status = 'pending'", SEALED),
    ("UPDATE purchase SET price_cents = price_cents + 1 WHERE status = 'pending'", SEALED),
    ("UPDATE purchase SET pack_name = 'gold' WHERE status = 'pending'", SEALED),
    ("UPDATE outbox SET available = available + 1", SEALED),
    ("UPDATE outbox SET warn_at = warn_at - 1", SEALED),
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
    ("DELETE FROM hold WHERE state = 1", POSTED),
    ("DELETE FROM hold WHERE id = x'000000000000000000000000000000cb'", CALL),
    ("DELETE FROM hold WHERE id IN (SELECT hold_id FROM posting WHERE kind = 4)", GIVEN_BACK),
    ("UPDATE hold SET account_id = 9 WHERE state = 2", SERVICE),
    ("UPDATE posting SET account_id = 9 WHERE id = 2", KIND),
    ("UPDATE posting SET amount = amount + 1", ZERO_SUM),
    ("UPDATE posting SET issuance = issuance + 1 WHERE id = 1", ZERO_SUM),
    ("UPDATE posting SET earned = earned + 1 WHERE kind = 3", ZERO_SUM),
    ("UPDATE posting SET cash = cash + 1 WHERE kind = 2", ZERO_SUM),
    ("UPDATE posting SET commission = commission + 1 WHERE kind = 5", ZERO_SUM),
    ("UPDATE posting SET payable = payable + 1 WHERE id = 1", ZERO_SUM),
    ("UPDATE posting SET amount = amount + 1, issuance = issuance - 1 WHERE id = 1", BALANCE),
    ("UPDATE posting SET issuance = issuance + 1, earned = earned - 1 WHERE id = 1", KIND),
    ("UPDATE posting SET issuance = issuance + 1, earned = earned - 1 WHERE kind = 4", KIND),
    ("UPDATE posting SET cash = 1, commission = -1 WHERE kind = 3", KIND),
    ("UPDATE posting SET cash = 1, payable = -1 WHERE id = 1", KIND),
    ("UPDATE posting SET commission = commission - 1, payable = payable + 1 WHERE kind = 2", ORDER),
    ("UPDATE posting SET cash = cash - 1, payable = payable + 1 WHERE kind = 5", ORDER),
    ("UPDATE posting SET amount = 0, issuance = 0 WHERE id = 1", KIND),
    ("UPDATE posting SET balance = balance + 1 WHERE id = 1", CHAIN),
    ("UPDATE posting SET balance = balance - 1 WHERE kind = 3", CHAIN),
    ("UPDATE posting SET number = number + 1 WHERE kind = 3", CHAIN),
    ("UPDATE posting SET previous_id = NULL WHERE kind = 4", CHAIN),
    ("UPDATE posting SET previous_id = 2 WHERE kind = 4", CHAIN),
    ("UPDATE posting SET previous_id = previous_id - 1 WHERE kind = 4", CHAIN),
    ("UPDATE account_balance SET posting_count = posting_count + 1 WHERE account_id = 1", BALANCE),
    (
        "UPDATE account_balance SET last_posting_id = last_posting_id - 1 WHERE account_id = 1",
        BALANCE,
    ),
    ("UPDATE account_balance SET last_posting_id = NULL WHERE account_id = 1", BALANCE),
    ("UPDATE posting SET cash = 0, commission = 0, payable = 0", ORDER),
    ("DELETE FROM posting WHERE id = 1", BALANCE),
    ("DELETE FROM posting WHERE kind = 2", PAID),
    ("DELETE FROM posting WHERE kind = 5", PAID),
    ("DELETE FROM posting WHERE kind = 1", TRIAL),
    ("DELETE FROM posting WHERE kind = 4", BALANCE),
    (
        "UPDATE posting SET kind = 5 WHERE order_id IN \
         (SELECT id FROM purchase WHERE status = 'paid')",
        KIND,
    ),
    ("UPDATE posting SET kind = 0 WHERE kind = 1", TRIAL),
    ("UPDATE posting SET kind = 1 WHERE id = 1", TRIAL),
    ("UPDATE posting SET account_id = 2 WHERE kind = 4", GIVEN_BACK),
    ("DELETE FROM posting WHERE kind = 3", POSTED),
    ("UPDATE posting SET account_id = 2 WHERE id = 1", BALANCE),
    ("UPDATE posting SET service_id = 2 WHERE id = 1", KIND),
    ("UPDATE posting SET kind = 3 WHERE id = 1", KIND),
    ("UPDATE posting SET kind = 0 WHERE kind = 2", SOUND),
    ("UPDATE posting SET hold_id = NULL WHERE kind = 3", POSTED),
    ("UPDATE posting SET amount = amount * 2, earned = earned * 2 WHERE kind = 4", GIVEN_BACK),
    (
        "UPDATE hold SET captured = captured - 100 WHERE id IN \
         (SELECT hold_id FROM posting WHERE kind = 4)",
        GIVEN_BACK,
    ),
    (
        "UPDATE hold SET state = 2, captured = 0 WHERE id IN \
         (SELECT hold_id FROM posting WHERE kind = 4)",
        GIVEN_BACK,
    ),
    ("UPDATE purchase SET status = 'pending', ended_at = NULL WHERE status = 'paid'", PAID),
    ("UPDATE purchase SET status = 'refunded' WHERE status = 'paid'", PAID),
    ("UPDATE purchase SET status = 'paid' WHERE status = 'refunded'", PAID),
    ("UPDATE purchase SET status = 'paid', ended_at = 1 WHERE status = 'pending'", PAID),
    ("UPDATE purchase SET status = 'lost'", SOUND),
    ("UPDATE purchase SET ended_at = 1 WHERE status = 'pending'", SOUND),
    ("UPDATE purchase SET ended_at = NULL WHERE status = 'refunded'", SOUND),
    ("DELETE FROM trial", TRIAL),
    ("UPDATE trial SET account_id = 2", TRIAL),
    ("UPDATE trial SET service_id = 2", TRIAL),
    ("INSERT INTO trial VALUES (1, 'db2', 1, 1)", TRIAL),
    ("UPDATE account_balance SET warn_at = -1 WHERE account_id = 1", SOUND),
    ("UPDATE alert_address SET account_id = 9", MISSING),
    ("UPDATE outbox SET account_id = 9", MISSING),
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
    ("UPDATE call SET account_key = x'00'", CALL),
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
    furnish(&open(directory.path())).await;
    directory
}

/// Makes at least one row of each kind.
pub(crate) async fn furnish(store: &Store) {
    let (coal, other) =
        (service_with_trial(store, "coalroller", 9).await, service(store, "other").await);
    let version = version(store, coal).await;
    let pack = pack(store, coal, 500_000_000, 10_000).await;
    let (anna, ben) = (token("anna"), token("ben"));
    give(store, coal, &anna, 50_000_000).await;
    give(store, coal, &ben, 50_000_000).await;
    give(store, other, &token("cleo"), 50_000_000).await;
    buy(store, &anna, &pack).await;
    let undone = buy(store, &anna, &pack).await;
    store.refund_order(undone.id, "a mistake".into()).await.expect("a refund");
    store.create_order(new_order(&anna, &pack, false)).await.expect("an order that waits");
    let mut holds = Vec::new();
    for _ in 0..3 {
        holds.push(hold(store, coal, &anna, 700_000).await);
    }
    store.capture(coal, holds[0], Some(credits(300_000))).await.expect("a capture");
    let why = "half of it failed".to_owned();
    store.refund(coal, holds[0], credits(299_950), why, None).await.expect("a refund");
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
    warned(store, coal, &anna).await;
}

/// The account has trial credits, and its owner was warned once.
async fn warned(store: &Store, service: ServiceId, account: &AccountToken) {
    store.set_eligible("db1".into(), true).await.expect("it is eligible");
    let new = NewHold { dbuuid: Some("db1".into()), ..new_hold(service, account, 1) };
    store.authorize(new.clone()).await.expect("a hold");
    let [.., available] = view(store, service, account).await.expect("an account");
    let addresses = vec![Address { email: "anna@example.com".into(), lang: String::new() }];
    let (threshold, addresses) = (Some(credits(available - 1)), Some(addresses));
    let change = WarningSettings { threshold, addresses };
    store.set_warning(account.key(), change).await.expect("it is set");
    store.authorize(new).await.expect("a hold");
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
