//! What a write reads of a full ledger on PostgreSQL. The server chooses how, and once it goes through
//! a table or an index from end to end, each write costs more than the one before it.

use std::sync::Arc;

use stokehold_ledger::{HoldId, ServiceId, VersionId};
use stokehold_store::{NewHold, Settlement, Store};
use stokehold_tests::poll;
use stokehold_tests::postgres::Postgres;
use tokio::task::JoinSet;

use crate::fixture::{
    connect, credits, give, hold, new_call, new_hold, service, spent, token, version,
};

/// Rows and entries of indexes that were read so far of the tables that every operation uses.
const READ: &str = "SELECT sum(seq_tup_read) + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes AS own \
     WHERE own.relname = ANY (array_agg(pg_stat_user_tables.relname))) FROM pg_stat_user_tables \
     WHERE relname IN ('account', 'hold', 'posting', 'replay', 'call', 'spending')";

/// How many holds there are before anything is measured, and as many calls.
const FILLED: usize = 1_500;
/// How often each operation is done while it is measured.
const TIMES: usize = 20;
/// What one operation may read at the most. Going through all that there is would be far more.
const READ_MAX: usize = 30;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_operation_reads_a_few_rows_however_many_there_are() {
    let server = Postgres::forgetful();
    let (service, version) = fill(connect(&server).await).await;
    let before = read(&server);
    let store = connect(&server).await;
    let anna = token("anna");
    for number in 0..TIMES {
        let request = Some([u8::try_from(number).expect("a small number"); 32]);
        let new = NewHold { request, ..new_hold(service, &anna, 1) };
        let made = store.authorize(new.clone()).await.expect("a hold");
        assert_eq!(store.authorize(new).await.expect("a repeat"), made);
        store.capture(service, made, None).await.expect("a capture");
        let other = hold(&store, service, &anna, 1).await;
        store.cancel(service, other).await.expect("a cancel");
        paid_call(&store, service, version).await;
        store.expire_holds().await.expect("a sweep");
    }
    drop(store);
    let read = read(&server) - before;
    let operations = TIMES * 8;
    assert!(read < operations * READ_MAX, "{operations} operations have read {read} rows");
}

/// What was read so far, once all sessions have ended: then they have told.
fn read(server: &Postgres) -> usize {
    let others = "SELECT count(*) FROM pg_stat_activity \
                  WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
    poll::until("the sessions end", || (server.sql(others) == "0").then_some(()));
    server.sql(READ).parse().expect("a number")
}

/// Holds, of which half are open, and calls that have ended.
async fn fill(store: Store) -> (ServiceId, VersionId) {
    let store = Arc::new(store);
    let service = service(&store, "coalroller").await;
    let version = version(&store, service).await;
    give(&store, service, &token("anna"), 1_000_000).await;
    let mut filling = JoinSet::new();
    for number in 0..FILLED {
        let store = store.clone();
        filling.spawn(async move {
            let made: HoldId = hold(&store, service, &token("anna"), 1).await;
            if number % 2 == 0 {
                store.capture(service, made, None).await.expect("a capture");
            }
            paid_call(&store, service, version).await;
        });
    }
    filling.join_all().await;
    (service, version)
}

async fn paid_call(store: &Store, service: ServiceId, version: VersionId) {
    let call = new_call(service, version, &token("anna"), 1);
    let id = call.id;
    store.begin_call(call).await.expect("a call");
    let settlement = Settlement::Capture(credits(1));
    store.settle_call(id, settlement, spent("ok")).await.expect("it ends");
}
