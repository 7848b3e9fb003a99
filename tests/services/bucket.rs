//! Keys and values in either database answer as those in memory do.

use std::cell::Cell;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use stokehold_app::KeyValues;
use stokehold_ledger::{BasisPoints, Credits, ServiceId};
use stokehold_runtime::KeyValue;
use stokehold_store::{
    DatabaseAddress, Error, KeyValueMax, Mode, NewService, ServiceStatus, Store,
};
use stokehold_tests::key_value::MemoryKeyValue;
use stokehold_tests::postgres::Postgres;
use tokio::runtime::Runtime;

use crate::directory;

const MAX: KeyValueMax = KeyValueMax { bytes: 60, keys: 4 };

/// What a guest may ask for.
#[derive(Clone, Debug)]
enum Ask {
    Get(String),
    Set(String, Vec<u8>),
    Delete(String),
    Increment(String, u64),
    Keys(usize, usize),
}

/// Few keys, so that they meet; of different lengths, and one that no text of PostgreSQL's could be.
fn key() -> impl Strategy<Value = String> {
    prop_oneof![Just(""), Just("a"), Just("b\0"), Just("é"), Just("key-of-some-length")]
        .prop_map(str::to_owned)
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(any::<u8>(), 0..40),
        Just(b"7".to_vec()),
        Just(b"18446744073709551615".to_vec()),
    ]
}

fn ask() -> impl Strategy<Value = Ask> {
    prop_oneof![
        key().prop_map(Ask::Get),
        (key(), value()).prop_map(|(key, value)| Ask::Set(key, value)),
        key().prop_map(Ask::Delete),
        (key(), prop_oneof![0..20u64, Just(u64::MAX)])
            .prop_map(|(key, delta)| Ask::Increment(key, delta)),
        (0..4usize, 0..4usize).prop_map(|(skip, count)| Ask::Keys(skip, count)),
    ]
}

/// What a bucket answers, as text.
async fn answer(bucket: &dyn KeyValue, ask: Ask) -> String {
    match ask {
        Ask::Get(key) => format!("{:?}", bucket.get(key).await),
        Ask::Set(key, value) => format!("{:?}", bucket.set(key, value).await),
        Ask::Delete(key) => format!("{:?}", bucket.delete(key).await),
        Ask::Increment(key, delta) => format!("{:?}", bucket.increment(key, delta).await),
        Ask::Keys(skip, count) => format!("{:?}", bucket.keys(skip, count).await),
    }
}

async fn service(store: &Store, number: u32) -> ServiceId {
    let mut key_hash = [0; 32];
    key_hash[..4].copy_from_slice(&number.to_be_bytes());
    let new = NewService {
        name: format!("service-{number}"),
        label: format!("Service {number}"),
        unit: String::new(),
        description: String::new(),
        privacy_policy: String::new(),
        trial_credits: Credits::ZERO,
        commission: BasisPoints::WHOLE,
        status: ServiceStatus::Active,
        key_hash,
        owner: None,
    };
    store.create_service(new).await.expect("a service").id
}

/// Asks both for the same, each time on a service of its own. A second service, which is asked for
/// something else in between, has nothing to do with it.
fn assert_alike(runtime: &Runtime, store: Store, cases: u32) {
    let store = Arc::new(store);
    let (all, other) = runtime.block_on(async {
        let all = Arc::new(KeyValues::new(store.clone(), MAX));
        let other = all.of(service(&store, 0).await);
        other.set("a".to_owned(), b"theirs".to_vec()).await.expect("it is set");
        (all, other)
    });
    let number = Cell::new(0);
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&vec(ask(), 1..40), |asked| {
            number.set(number.get() + 1);
            runtime.block_on(async {
                let durable = all.of(service(&store, number.get()).await);
                let model = MemoryKeyValue::new(60, 4);
                for ask in asked {
                    let (is, was) =
                        (answer(&*durable, ask.clone()).await, answer(&model, ask.clone()).await);
                    prop_assert_eq!(is, was, "{:?}", ask);
                }
                let others = other.get("a".to_owned()).await;
                prop_assert_eq!(others, Ok(Some(b"theirs".to_vec())));
                Ok(())
            })
        })
        .unwrap_or_else(|error| panic!("{error}"));
}

fn threads() -> Runtime {
    Runtime::new().expect("threads")
}

#[test]
fn a_bucket_in_sqlite_is_as_one_in_memory() {
    let (runtime, data) = (threads(), directory());
    let store = Store::open(data.path(), Mode::Sandbox, [7; 32]).expect("a store opens");
    assert_alike(&runtime, store, 100);
}

#[test]
fn a_bucket_in_postgres_is_as_one_in_memory() {
    let (runtime, postgres) = (threads(), Postgres::forgetful());
    let address: DatabaseAddress = postgres.url().parse().expect("an address");
    let store = Store::connect(&address, Mode::Sandbox, [7; 32]).expect("a store opens");
    assert_alike(&runtime, store, 50);
}

/// Writes that wait together are one step, and each gets its own answer.
#[test]
fn many_writers_lose_no_increment() {
    let runtime = threads();
    let store = Store::in_memory(Mode::Sandbox, [7; 32]).expect("a store opens");
    let sums = runtime.block_on(async {
        let store = Arc::new(store);
        let all = Arc::new(KeyValues::new(store.clone(), MAX));
        let bucket = all.of(service(&store, 1).await);
        let adding: Vec<_> = (0..100)
            .map(|_| {
                let bucket = bucket.clone();
                tokio::spawn(async move { bucket.increment("n".to_owned(), 1).await })
            })
            .collect();
        let mut sums = Vec::new();
        for adding in adding {
            sums.push(adding.await.expect("no panic").expect("a sum"));
        }
        sums.sort_unstable();
        sums
    });
    assert_eq!(sums, (1..=100).collect::<Vec<u64>>());
}

/// A store that has been closed tells so: nobody waits for ever.
#[test]
fn a_write_that_cannot_be_made_is_answered() {
    let runtime = threads();
    runtime.block_on(async {
        let store = Store::in_memory(Mode::Sandbox, [7; 32]).expect("a store opens");
        let store = Arc::new(store);
        let all = Arc::new(KeyValues::new(store.clone(), MAX));
        // There is no such service, so the database refuses the row.
        let nobody = all.of(ServiceId(4711));
        let refused = nobody.set("a".to_owned(), Vec::new()).await.expect_err("no row");
        assert_eq!(refused.0, "the store cannot be used now and nothing was written");
        assert!(!matches!(store.ping().await, Err(Error::Stopped)));
    });
}
