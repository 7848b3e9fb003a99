//! Databases of earlier versions: they are brought up to date, and nothing in them is lost.

use std::path::Path;

use stokehold_ledger::{AccountToken, CallId, HoldId, Refusal, ServiceId};
use stokehold_store::{
    Audit, CallStatus, DatabaseAddress, Error, Mode, NewHold, Once, OpenError, Settlement, Store,
};
use stokehold_tests::postgres::Postgres;
use tempfile::{TempDir, tempdir};
use uuid::Uuid;

use crate::fixture::{
    SEED, assert_clean, beside, connect, credits, new_hold, once, open, spent, token, try_open,
    view,
};

/// The service and the account of the fixture that most is about.
const COAL: ServiceId = ServiceId(1);

fn anna() -> AccountToken {
    token("anna")
}

/// A database of the first version, in a directory of its own.
fn of_version_1() -> TempDir {
    of(include_str!("v1.sql"))
}

/// A database of the second version.
fn of_version_2() -> TempDir {
    of(include_str!("v2.sql"))
}

/// A database of the third version.
fn of_version_3() -> TempDir {
    of(include_str!("v3.sqlite.sql"))
}

/// A database of the fourth version.
fn of_version_4() -> TempDir {
    of(include_str!("v4.sqlite.sql"))
}

fn of(fixture: &str) -> TempDir {
    let directory = tempdir().expect("a directory");
    let db = beside(directory.path());
    db.pragma_update(None, "journal_mode", "wal").expect("a write-ahead log");
    db.execute_batch(fixture).expect("the fixture");
    directory
}

async fn status(store: &Store, call: u128) -> CallStatus {
    let call = store.call(CallId(Uuid::from_u128(call))).await.expect("it is read");
    call.expect("there is a call").status
}

#[tokio::test]
async fn what_version_1_knew_is_known() {
    let directory = of_version_1();
    let store = open(directory.path());
    assert_clean(&store).await;
    let (ben, cleo) = (token("ben"), token("cleo"));
    assert_eq!(view(&store, COAL, &anna()).await, Some([549_999_954, 700_009, 549_299_945]));
    assert_eq!(view(&store, COAL, &ben).await, Some([50_000_000, 0, 50_000_000]));
    assert_eq!(view(&store, ServiceId(2), &cleo).await, Some([50_000_000, 0, 50_000_000]));
    assert_eq!(status(&store, 0xca).await, CallStatus::Captured);
    assert_eq!(status(&store, 0xcb).await, CallStatus::Cancelled);
    assert_eq!(status(&store, 0xcc).await, CallStatus::Running);
    assert_eq!(store.pending_orders(COAL, anna().key(), 9).await.expect("they are read").len(), 1);
    assert_eq!(store.due_warnings(9).await.expect("they are read").len(), 1);
}

#[tokio::test]
async fn what_version_1_began_is_ended() {
    let directory = of_version_1();
    let store = open(directory.path());
    let open_hold = HoldId(Uuid::from_u128(0x01a2_04bd_17ae_75fe_a47f_7abf_0297_28ae));
    let captured = store.capture(COAL, open_hold, Some(credits(1))).await;
    assert_eq!(captured.expect("a capture"), credits(1));
    let call = CallId(Uuid::from_u128(0xcc));
    let settled = store.settle_call(call, Settlement::Capture(credits(7)), spent("ok")).await;
    assert_eq!(settled.expect("it ends"), (credits(7), None));
    let order = store.pending_orders(COAL, anna().key(), 9).await.expect("they are read");
    store.pay_order(order[0].id).await.expect("it is paid");
    assert_eq!(view(&store, COAL, &anna()).await, Some([1_049_999_946, 2, 1_049_999_944]));
    assert_clean(&store).await;
}

/// Time stands still in a store whose last instant lies ahead, and so a repeat is one still.
#[tokio::test]
async fn what_version_1_answered_is_answered_again() {
    let directory = of_version_1();
    let far = "UPDATE instance SET last_instant = 9000000000000000; \
               UPDATE replay SET at = 9000000000000000;";
    beside(directory.path()).execute_batch(far).expect("it is ahead");
    let store = open(directory.path());
    let ask = async |key, micros| {
        let new = NewHold { once: Some(once(key, "1")), ..new_hold(COAL, &anna(), micros) };
        store.authorize(new).await
    };
    let held = ask("a", 700_000).await.expect("the hold of then");
    assert_eq!(held.to_string(), "01a204bd17ae75fea47f7abf029728ae");
    let unknown = ask("c", 1).await;
    assert!(matches!(unknown, Err(Error::Refused(Refusal::UnknownAccount))), "{unknown:?}");
    // It was refused, and what was asked for was not kept.
    ask("b", 1).await.expect("a hold");
    assert_clean(&store).await;
}

/// The service of the fixture of version 2 that anna has credits for.
const SMOKER: ServiceId = ServiceId(2);

#[tokio::test]
async fn what_version_2_knew_is_known_and_ended() {
    let directory = of_version_2();
    let store = open(directory.path());
    assert_clean(&store).await;
    assert_eq!(view(&store, SMOKER, &anna()).await, Some([543_500_000, 8_700_000, 534_800_000]));
    assert_eq!(store.due_warnings(9).await.expect("they are read").len(), 1);
    let open_hold = HoldId(Uuid::from_u128(0x01a2_05ca_c33f_7422_93ff_4838_5643_752b));
    let captured = store.capture(SMOKER, open_hold, None).await;
    assert_eq!(captured.expect("a capture"), credits(700_000));
    assert_eq!(view(&store, SMOKER, &anna()).await, Some([542_800_000, 8_000_000, 534_800_000]));
    assert_clean(&store).await;
}

#[tokio::test]
async fn what_version_2_answered_is_answered_again() {
    let directory = of_version_2();
    let far = "UPDATE instance SET last_instant = 9000000000000000; \
               UPDATE replay SET at = 9000000000000000, day = 104166;";
    beside(directory.path()).execute_batch(far).expect("it is ahead");
    let store = open(directory.path());
    // The digest of the request, as version 2 has kept it.
    let request = "173E38B1F003F905903FC6F16F5147C9309D27414F636159A04F7C778D614703";
    let new = NewHold { request: Some(digest(request)), ..new_hold(SMOKER, &anna(), 700_000) };
    let held = store.authorize(new).await.expect("the hold of then");
    assert_eq!(held.to_string(), "01a205cac33f742293ff48385643752b");
    let ask = async |key, fingerprint| {
        let once = Once { key: digest(key), fingerprint: digest(fingerprint) };
        store.authorize(NewHold { once: Some(once), ..new_hold(SMOKER, &anna(), 1) }).await
    };
    let held = ask(
        "2A38778EF7DD622DCB29CAEB7F63DD34FBB60A1581B87318B432D7449592E7C7",
        "8A8EAC209C30AE8EDD46F3066B9FAE188E4D8B287612753D9CE428F8CA4B7203",
    );
    let held = held.await.expect("the hold of then");
    assert_eq!(held.to_string(), "01a205cac3467153b8b317eaca7eeeec");
    let short = ask(
        "5B6AF0F739337223C0674F53E7167022CE975DAD899D35647A3148A5895786CA",
        "281A828B9FEF13DCE018CA3C7C7C520175E728F80E49F80549FBD17B30D5A143",
    );
    let short = short.await;
    let refusal = Refusal::InsufficientCredits {
        needed: credits(5_000_000_000),
        available: credits(547_300_000),
    };
    assert!(matches!(&short, Err(Error::Refused(why)) if *why == refusal), "{short:?}");
    assert_clean(&store).await;
}

/// What the databases of the third and the fourth version have, and can still do.
async fn versions_3_and_4_go_on(store: &Store) {
    assert_clean(store).await;
    assert_eq!(view(store, COAL, &anna()).await, Some([549_999_954, 700_009, 549_299_945]));
    let page = store.latest(COAL, anna().key(), i64::MAX, 100).await;
    let lines = page.expect("it is read").expect("there is an account").lines;
    assert_eq!(lines[0].balance, credits(549_999_954));
    assert_eq!(lines.iter().map(|line| line.amount.micros()).sum::<i64>(), 549_999_954);
    let open_hold = HoldId(Uuid::from_u128(0x01a2_04bd_17ae_75fe_a47f_7abf_0297_28ae));
    let captured = store.capture(COAL, open_hold, Some(credits(1))).await;
    assert_eq!(captured.expect("a capture"), credits(1));
    let order = store.pending_orders(COAL, anna().key(), 9).await.expect("they are read");
    store.pay_order(order[0].id).await.expect("it is paid");
    assert_eq!(view(store, COAL, &anna()).await, Some([1_049_999_953, 9, 1_049_999_944]));
    assert_clean(store).await;
}

#[tokio::test]
async fn what_version_3_knew_is_known_and_ended() {
    let directory = of_version_3();
    versions_3_and_4_go_on(&open(directory.path())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_version_3_knew_on_postgresql_is_known_and_ended() {
    let server = Postgres::start();
    server.sql(include_str!("v3.postgres.sql"));
    versions_3_and_4_go_on(&connect(&server).await).await;
}

/// Who only looks is told that nothing was brought up to date yet.
fn assert_older(looked: Result<Audit, OpenError>, version: i32) {
    let why = looked.err().expect("nobody looks at it");
    assert!(matches!(why, OpenError::Older { found, .. } if found == version), "{why}");
}

#[test]
fn who_looks_waits_for_the_tables_to_be_brought_up_to_date() {
    let directory = of_version_4();
    assert_older(Audit::open(directory.path()), 4);
    drop(open(directory.path()));
    assert!(Audit::open(directory.path()).is_ok());
}

#[tokio::test]
async fn what_version_4_knew_is_known_and_ended() {
    let directory = of_version_4();
    versions_3_and_4_go_on(&open(directory.path())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_version_4_knew_on_postgresql_is_known_and_ended() {
    let server = Postgres::start();
    server.sql(include_str!("v4.postgres.sql"));
    let address = server.url().parse::<DatabaseAddress>().expect("an address");
    let looked = tokio::task::spawn_blocking(move || Audit::connect(&address)).await;
    assert_older(looked.expect("it looks"), 4);
    versions_3_and_4_go_on(&connect(&server).await).await;
}

fn digest(hexadecimal: &str) -> [u8; 32] {
    std::array::from_fn(|byte| {
        u8::from_str_radix(&hexadecimal[2 * byte..2 * byte + 2], 16).expect("a digit")
    })
}

#[test]
fn a_database_of_a_later_program_is_refused() {
    let directory = tempdir().expect("a directory");
    drop(open(directory.path()));
    let later = "UPDATE refinery_schema_history SET version = 1000 \
                 WHERE version = (SELECT max(version) FROM refinery_schema_history)";
    assert_eq!(beside(directory.path()).execute(later, []), Ok(1));
    let file = |path: &Path| std::fs::read(path.join("stokehold.db")).expect("it is read");
    let before = file(directory.path());
    let opened = try_open(directory.path(), Mode::Sandbox, SEED);
    assert!(matches!(opened, Err(OpenError::Newer { found: 1_000, .. })), "{:?}", opened.err());
    assert!(file(directory.path()) == before, "the file was altered");
}
