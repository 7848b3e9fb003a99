//! The ledger on such a disk.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use stokehold_ledger::{AccountToken, BasisPoints, Credits, HoldId, ServiceId, Span};
use stokehold_store::{Audit, Error, Mode, NewHold, NewService, ServiceStatus, Store};
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::interval;

use crate::disk::{self, Kind};

/// There is one disk: tests on it run one after the other.
static DISK: Mutex<()> = Mutex::const_new(());

const GRANTED: i64 = 1_000_000_000;
const HELD: i64 = 1_000;

/// How many holds are made and captured, in turns of as many at once.
const TURNS: usize = 3;
const AT_ONCE: usize = 8;

/// What clients were told.
#[derive(Default)]
struct Told {
    /// Holds that were acknowledged.
    held: Vec<HoldId>,
    /// Captures that were acknowledged.
    captured: Vec<HoldId>,
    /// How many answers said that nothing was done.
    refused: usize,
    /// How many answers said that nobody knows.
    unknown: usize,
}

fn open(directory: &Path) -> Store {
    Store::open(directory, Mode::Sandbox, [7; 32]).expect("a store opens")
}

fn account() -> AccountToken {
    "anna".parse().expect("a token")
}

/// A service, and an account with credits.
async fn prepared(store: &Store) -> ServiceId {
    let new = NewService {
        name: "coal".into(),
        label: "Coal".into(),
        unit: "Credits".into(),
        description: String::new(),
        privacy_policy: String::new(),
        trial_credits: Credits::ZERO,
        commission: BasisPoints::WHOLE,
        status: ServiceStatus::Active,
        key_hash: [1; 32],
        owner: None,
    };
    let service = store.create_service(new).await.expect("a service").id;
    let credits = Credits::from_micros(GRANTED);
    store.grant(service, &account(), credits, "a test".into(), None).await.expect("credits");
    service
}

/// Makes holds and captures them, some at once.
async fn work(store: &Arc<Store>, service: ServiceId) -> Told {
    let mut told = Told::default();
    for _ in 0..TURNS {
        let mut several = JoinSet::new();
        for _ in 0..AT_ONCE {
            let store = store.clone();
            several.spawn(async move {
                let held = store.authorize(hold(service)).await;
                let captured = match &held {
                    Ok(id) => Some(store.capture(service, *id, None).await),
                    Err(_) => None,
                };
                (held, captured)
            });
        }
        for (held, captured) in several.join_all().await {
            let id = told.note(held, |told, id| told.held.push(id));
            if let (Some(id), Some(captured)) = (id, captured) {
                told.note(captured.map(|_| id), |told, id| told.captured.push(id));
            }
        }
    }
    told
}

impl Told {
    fn note(
        &mut self,
        answer: Result<HoldId, Error>,
        keep: impl Fn(&mut Self, HoldId),
    ) -> Option<HoldId> {
        match answer {
            Ok(id) => {
                keep(self, id);
                return Some(id);
            }
            Err(Error::OutcomeUnknown) => self.unknown += 1,
            Err(Error::NotWritten | Error::Sqlite(_)) => self.refused += 1,
            Err(error) => panic!("{error}"),
        }
        None
    }
}

fn hold(service: ServiceId) -> NewHold {
    NewHold {
        service,
        token: account(),
        amount: Credits::from_micros(HELD),
        ttl: Span::MAX,
        description: None,
        dbuuid: None,
        once: None,
        request: None,
    }
}

/// Compares what is stored with what clients were told.
fn compare(directory: &Path, told: &Told) {
    let audit = Audit::open(directory).expect("a ledger");
    let findings = audit.verify().expect("it can be read");
    assert!(findings.is_empty(), "{findings:?}");
    let db = Connection::open(directory.join("stokehold.db")).expect("a database");
    let stored = |state: &str| -> Vec<[u8; 16]> {
        let sql = format!("SELECT id FROM hold WHERE {state}");
        let mut query = db.prepare(&sql).expect("a query");
        let rows = query.query_map([], |row| row.get(0)).expect("rows");
        rows.collect::<Result<_, _>>().expect("ids")
    };
    let (held, captured) = (stored("true"), stored("state = 1"));
    let is_stored =
        |ids: &[HoldId], stored: &[[u8; 16]]| ids.iter().all(|id| stored.contains(id.0.as_bytes()));
    assert!(is_stored(&told.held, &held), "an acknowledged hold is lost");
    assert!(is_stored(&told.captured, &captured), "an acknowledged capture is lost");
    // What was refused is not there: nothing is beyond what was acknowledged but the unknown.
    let beyond = held.len() - told.held.len() + captured.len() - told.captured.len();
    assert!(beyond <= told.unknown, "{beyond} more than acknowledged, {} unknown", told.unknown);
}

/// Works on a disk that fails once, at the call after `after` others. Answers whether it came to
/// that.
async fn fails_once(kind: Kind, after: u32) -> bool {
    let directory = tempfile::tempdir().expect("a directory");
    disk::install();
    let store = Arc::new(open(directory.path()));
    let service = prepared(&store).await;
    disk::fail(kind, after, 1);
    let told = work(&store, service).await;
    drop(store);
    let has_failed = disk::mend() == 0;
    assert_eq!(
        (told.refused, told.unknown),
        (0, 0),
        "one fault is nobody's concern: {kind:?} {after}"
    );
    assert_eq!(told.captured.len(), TURNS * AT_ONCE, "{kind:?} {after}");
    compare(directory.path(), &told);
    drop(open(directory.path()));
    has_failed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_fault_at_any_call_is_mended_before_anybody_is_told() {
    let _alone = DISK.lock().await;
    for kind in [Kind::Write, Kind::Full, Kind::Sync] {
        let mut after = 0;
        while fails_once(kind, after).await {
            after += 1;
        }
        assert!(after >= 6, "{kind:?}: the work ends after {after} calls");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_comes_back_in_time_loses_nothing() {
    let _alone = DISK.lock().await;
    for kind in [Kind::Write, Kind::Full, Kind::Sync] {
        let directory = tempfile::tempdir().expect("a directory");
        disk::install();
        let store = Arc::new(open(directory.path()));
        let service = prepared(&store).await;
        // With the waits between them, these last for a third of a second.
        disk::fail(kind, 2, 6);
        let told = work(&store, service).await;
        assert_eq!(disk::mend(), 0, "the disk has failed");
        assert!(store.ping().await.is_ok(), "the store is well again");
        drop(store);
        compare(directory.path(), &told);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_stays_away_is_said_to_and_the_store_comes_back_with_it() {
    let _alone = DISK.lock().await;
    let directory = tempfile::tempdir().expect("a directory");
    disk::install();
    let store = Arc::new(open(directory.path()));
    let service = prepared(&store).await;
    disk::fail(Kind::Sync, 0, u32::MAX);
    let first = store.authorize(hold(service)).await;
    assert!(matches!(first, Err(Error::OutcomeUnknown | Error::NotWritten)), "{first:?}");
    assert!(store.ping().await.is_err(), "the store says that it is not well");
    let second = store.authorize(hold(service)).await;
    assert!(matches!(second, Err(Error::NotWritten | Error::OutcomeUnknown)), "{second:?}");
    disk::mend();
    let mut told = Told::default();
    told.note(first, |_, _| {});
    told.note(second, |_, _| {});
    let mut looks = interval(Duration::from_millis(20));
    while store.ping().await.is_err() {
        looks.tick().await;
    }
    let id = store.authorize(hold(service)).await.expect("the store writes again");
    told.held.push(id);
    drop(store);
    compare(directory.path(), &told);
}
