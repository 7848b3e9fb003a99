//! What is PostgreSQL's own: many hosts on one database, and a server that goes away.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use stokehold_ledger::{AccountToken, Credits, HoldId, Refusal, ServiceId};
use stokehold_store::{
    Address, Audit, CallStatus, DatabaseAddress, Error, Mode, NewCall, NewHold, OpenError,
    Settlement, Store, WarningSettings,
};
use stokehold_tests::poll;
use stokehold_tests::postgres::{Down, Postgres};
use stokehold_tests::relay::{Cut, Relay};
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use crate::fixture::{
    assert_clean, connect, credits, give, hold, new_call, new_hold, once, service, spent, token,
    try_connect, version, view,
};
use crate::tamper::{TAMPERED, furnish};

/// Two hosts on one database, with one service that both know of.
async fn town(server: &Postgres) -> ([Arc<Store>; 2], ServiceId) {
    let one = Arc::new(connect(server).await);
    let service = service(&one, "coalroller").await;
    ([one, Arc::new(connect(server).await)], service)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn holds_on_two_hosts_at_once_fit_the_balance_exactly() {
    let server = Postgres::start();
    let (hosts, service) = town(&server).await;
    let anna = token("anna");
    give(&hosts[0], service, &anna, 50_000_000).await;
    let mut asked = JoinSet::new();
    for number in 0..200 {
        let (host, anna) = (hosts[number % 2].clone(), anna.clone());
        asked.spawn(async move { host.authorize(new_hold(service, &anna, 700_000)).await });
    }
    let answers = asked.join_all().await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 71);
    let (needed, available) = (credits(700_000), credits(300_000));
    let right = Refusal::InsufficientCredits { needed, available };
    for refused in answers.into_iter().filter_map(Result::err) {
        assert!(matches!(refused, Error::Refused(refusal) if refusal == right), "{refused}");
    }
    for host in &hosts {
        assert_eq!(view(host, service, &anna).await, Some([50_000_000, 49_700_000, 300_000]));
        assert_clean(host).await;
    }
}

/// Accounts in every order, captures and cancels of the same holds, one key from both hosts.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_hosts_behave_as_one() {
    let server = Postgres::start();
    let (hosts, service) = town(&server).await;
    let accounts = ["anna", "ben", "cleo", "dora"].map(token);
    for account in &accounts {
        give(&hosts[1], service, account, 1_000_000).await;
    }
    let mut holds = Vec::new();
    for number in 0..60 {
        holds.push(hold(&hosts[number % 2], service, &accounts[number % 4], 100).await);
    }
    let mut ending = JoinSet::new();
    for (number, hold) in holds.iter().copied().chain(holds.iter().rev().copied()).enumerate() {
        let host = hosts[number % 2].clone();
        ending.spawn(async move {
            match number % 3 {
                0 => host.cancel(service, hold).await.map(|()| 0),
                _ => host.capture(service, hold, None).await.map(Credits::micros),
            }
        });
    }
    ending.join_all().await;
    let mut keyed = JoinSet::new();
    for number in 0..80 {
        let (host, account) = (hosts[number % 2].clone(), accounts[0].clone());
        let once = Some(once(&format!("key {}", number % 5), ""));
        let new = NewHold { once, ..new_hold(service, &account, 7) };
        keyed.spawn(async move { host.authorize(new).await.expect("a hold") });
    }
    let keyed: HashSet<HoldId> = keyed.join_all().await.into_iter().collect();
    assert_eq!(keyed.len(), 5, "one hold a key, whichever host was asked");
    assert_clean(&hosts[0]).await;
    let held = server.sql("SELECT sum(held) FROM account_balance");
    assert_eq!(held, "35", "all other holds have ended");
    let posted = server.sql("SELECT count(*) FROM posting WHERE kind = 3");
    let captured = server.sql("SELECT count(*) FROM hold WHERE state = 1");
    assert_eq!(posted, captured);
}

#[tokio::test]
async fn what_one_host_changes_of_a_service_the_others_hear_of() {
    let server = Postgres::start();
    let (hosts, service) = town(&server).await;
    let before = hosts[1].catalogue_version().await.expect("it is read");
    hosts[0].set_service_key(service, [9; 32]).await.expect("a key");
    assert!(hosts[1].catalogue_version().await.expect("it is read") > before);
    let found = hosts[1].service("coalroller".into()).await.expect("it is read");
    assert_eq!(found.expect("the service").key_hash, [9; 32]);
}

#[tokio::test]
async fn the_calls_of_a_host_that_is_gone_are_cancelled_by_another() {
    let server = Postgres::start();
    let ([gone, other], service) = town(&server).await;
    let (version, anna) = (version(&gone, service).await, token("anna"));
    give(&gone, service, &anna, 10).await;
    let [of_gone, of_other] = [&gone, &other].map(|host| {
        let new = new_call(service, version, &anna, 3);
        (new.id, host.begin_call(new))
    });
    of_gone.1.await.expect("a call");
    of_other.1.await.expect("a call");
    assert_eq!(other.recover_calls().await.expect("they are looked at"), 0, "both are alive");
    server.sql("UPDATE host SET lease_until = 0 WHERE id = (SELECT min(id) FROM host)");
    assert_eq!(other.recover_calls().await.expect("they are looked at"), 1);
    let status = async |call| other.call(call).await.expect("it is read").expect("one").status;
    assert_eq!(status(of_gone.0).await, CallStatus::Cancelled);
    assert_eq!(status(of_other.0).await, CallStatus::Running);
    assert_eq!(view(&other, service, &anna).await, Some([10, 3, 7]));
    assert_clean(&other).await;
}

#[tokio::test]
async fn a_mail_is_one_hosts_to_send_until_that_is_gone() {
    let server = Postgres::start();
    let ([gone, other], service) = town(&server).await;
    let anna = token("anna");
    warn(&gone, service, &anna).await;
    let claimed = gone.claim_warnings(9).await.expect("they are claimed");
    assert_eq!(claimed.len(), 1);
    assert_eq!(gone.claim_warnings(9).await.expect("still its own"), claimed);
    assert_eq!(other.claim_warnings(9).await.expect("nothing is left"), []);
    drop(gone);
    assert_eq!(other.claim_warnings(9).await.expect("they are claimed"), claimed);
}

/// The account falls to its threshold.
async fn warn(store: &Store, service: ServiceId, account: &AccountToken) {
    give(store, service, account, 10).await;
    let addresses = vec![Address { email: "anna@example.com".into(), lang: String::new() }];
    let change = WarningSettings { threshold: Some(credits(5)), addresses: Some(addresses) };
    store.set_warning(account.key(), change).await.expect("it is set");
    hold(store, service, account, 6).await;
}

/// What one task was told of its holds: those that are captured, and those whose end is not known.
#[derive(Default)]
struct Told {
    captured: Vec<HoldId>,
    uncertain: usize,
}

/// A server that is killed, or stopped without a checkpoint, and comes back, under load.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_comes_back_has_all_that_was_told() {
    let mut server = Postgres::start();
    let ([store, _], service) = town(&server).await;
    let anna = token("anna");
    give(&store, service, &anna, 1_000_000_000).await;
    let mut tasks = JoinSet::new();
    let (done, mut seen) = tokio::sync::mpsc::unbounded_channel();
    for _ in 0..16 {
        let (store, anna, done) = (store.clone(), anna.clone(), done.clone());
        tasks.spawn(async move {
            let mut told = Told::default();
            while !done.is_closed() {
                work(&store, service, &anna, &mut told).await;
                let _ = done.send(());
            }
            told
        });
    }
    for how in [Down::Kill, Down::Immediate, Down::Kill] {
        for _ in 0..200 {
            seen.recv().await.expect("somebody works");
        }
        server = tokio::task::spawn_blocking(move || {
            server.down(how);
            server.up();
            server
        })
        .await
        .expect("it comes back");
    }
    for _ in 0..200 {
        seen.recv().await.expect("somebody works");
    }
    drop(seen);
    let told = tasks.join_all().await;
    store.ping().await.expect("the store is well");
    assert_clean(&store).await;
    let captured: HashSet<String> = server
        .sql("SELECT encode(id, 'hex') FROM hold WHERE state = 1")
        .lines()
        .map(str::to_owned)
        .collect();
    let acknowledged: Vec<_> = told.iter().flat_map(|told| &told.captured).collect();
    assert!(acknowledged.len() > 100);
    for hold in &acknowledged {
        assert!(captured.contains(&hold.to_string()), "hold {hold} was captured, and is lost");
    }
    let uncertain: usize = told.iter().map(|told| told.uncertain).sum();
    assert!(captured.len() <= acknowledged.len() + uncertain, "more than was asked for");
}

/// A hold and its capture; an answer that nothing was written, or that nobody knows, is one.
async fn work(store: &Store, service: ServiceId, account: &AccountToken, told: &mut Told) {
    let uncertain = |error: &Error| matches!(error, Error::NotWritten | Error::OutcomeUnknown);
    let hold = match store.authorize(new_hold(service, account, 1)).await {
        Ok(hold) => hold,
        Err(error) => return assert!(uncertain(&error), "{error}"),
    };
    match store.capture(service, hold, None).await {
        Ok(_) => told.captured.push(hold),
        Err(error) => {
            assert!(uncertain(&error), "{error}");
            told.uncertain += 1;
        }
    }
}

/// What is done to SQLite's data is done here, with everything off that can be switched off. What
/// the server then still refuses cannot be done.
#[tokio::test]
async fn verify_finds_what_was_altered() {
    let server = Postgres::forgetful();
    furnish(&connect(&server).await).await;
    let address: DatabaseAddress = server.url().parse().expect("an address");
    let findings = async || {
        let address = address.clone();
        let verify = move || Audit::connect(&address).expect("it opens").verify();
        tokio::task::spawn_blocking(verify).await.expect("no panic").expect("verify runs")
    };
    assert_eq!(findings().await, [], "before anything is altered");
    let tables = server.sql("SELECT relname FROM pg_stat_user_tables WHERE n_live_tup >= 0");
    let tables: Vec<_> = tables.lines().collect();
    let all = |each: &dyn Fn(&str) -> String| -> String {
        let off = "SET session_replication_role = replica;".to_owned();
        tables.iter().map(|table| each(table)).fold(off, |sql, one| sql + &one)
    };
    server.sql(&all(&|table| format!("CREATE TABLE kept_{table} AS TABLE {table};")));
    let back =
        all(&|table| format!("DELETE FROM {table}; INSERT INTO {table} TABLE kept_{table};"));
    let mut missed = Vec::new();
    for (sql, invariant) in TAMPERED {
        let sql = sql.replace("x'", "'\\x");
        // References to accounts and services are the server's to keep: with those off as well,
        // nothing looks at the two tables that hold no amounts.
        let is_theirs = sql.starts_with("UPDATE alert_address");
        if server.try_sql(&format!("SET session_replication_role = replica; {sql}")).is_ok() {
            if findings().await.is_empty() && !is_theirs {
                missed.push(format!("{sql}\n  wanted: {invariant}"));
            }
            server.sql(&back);
        }
    }
    assert!(missed.is_empty(), "{} missed:\n{}", missed.len(), missed.join("\n"));
    assert_eq!(findings().await, [], "when all is back");
}

/// The commit is on its way before anybody looks at what was written: the server has to look.
#[tokio::test]
async fn what_was_not_written_whole_is_not_committed() {
    let server = Postgres::forgetful();
    let store = connect(&server).await;
    let (service, anna) = (service(&store, "coalroller").await, token("anna"));
    give(&store, service, &anna, 10).await;
    server.sql(
        "CREATE FUNCTION pass_over() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$; \
         CREATE TRIGGER passed_over BEFORE UPDATE ON account_balance FOR EACH ROW EXECUTE FUNCTION pass_over()",
    );
    let asked = store.authorize(new_hold(service, &anna, 7)).await;
    assert!(matches!(asked, Err(Error::Corrupt(_))), "{asked:?}");
    assert_eq!(server.sql("SELECT count(*) FROM hold"), "0");
    server.sql("DROP TRIGGER passed_over ON account_balance");
    hold(&store, service, &anna, 7).await;
    assert_eq!(view(&store, service, &anna).await, Some([10, 7, 3]));
    assert_clean(&store).await;
}

/// Connections that break at every fifth commit, before it, after it, or on the way of its answer:
/// everything happens once, and everybody is told.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_connection_that_breaks_at_a_commit_loses_and_doubles_nothing() {
    let server = Postgres::start();
    let cuts = [Cut::BeforeCommit, Cut::AfterCommit, Cut::Answer];
    let relay = Relay::start(server.address(), move |commit| {
        (commit % 5 == 4).then(|| cuts[commit / 5 % cuts.len()])
    });
    let url = Postgres::url_at(relay.address());
    let store = Arc::new(try_connect(&url, Mode::Sandbox).await.expect("a store"));
    let service = service(&store, "coalroller").await;
    let mut tasks = JoinSet::new();
    for number in 0..8 {
        let store = store.clone();
        tasks.spawn(async move {
            let account = token(["anna", "ben"][number % 2]);
            for _ in 0..15 {
                give(&store, service, &account, 10).await;
                let hold = hold(&store, service, &account, 7).await;
                let captured = store.capture(service, hold, Some(credits(3))).await;
                assert_eq!(captured.expect("a capture"), credits(3));
                assert!(view(&store, service, &account).await.is_some());
            }
        });
    }
    tasks.join_all().await;
    assert!(relay.cuts() > 12, "only {} connections were broken", relay.cuts());
    for name in ["anna", "ben"] {
        let right = 4 * 15 * (10 - 3);
        assert_eq!(view(&store, service, &token(name)).await, Some([right, 0, right]));
    }
    assert_eq!(server.sql("SELECT count(*), sum(captured) FROM hold"), "120|360");
    assert_clean(&store).await;
}

/// A commit whose end nobody can learn is answered so, and the store goes on once it can.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_cannot_be_known_is_answered_so_and_the_store_goes_on() {
    let server = Postgres::start();
    let cut = Arc::new(AtomicBool::new(false));
    let is_cut = cut.clone();
    let relay = Relay::start(server.address(), move |_| {
        is_cut.load(Ordering::SeqCst).then_some(Cut::AfterCommit)
    });
    let url = Postgres::url_at(relay.address());
    let store = Arc::new(try_connect(&url, Mode::Sandbox).await.expect("a store"));
    let (service, anna) = (service(&store, "coalroller").await, token("anna"));
    give(&store, service, &anna, 10).await;
    cut.store(true, Ordering::SeqCst);
    relay.refuse();
    let asked = store.authorize(new_hold(service, &anna, 7)).await;
    assert!(matches!(asked, Err(Error::OutcomeUnknown)), "{asked:?}");
    assert!(store.ping().await.is_err(), "nothing can be written");
    cut.store(false, Ordering::SeqCst);
    relay.open();
    let (asked, runtime) = (store.clone(), Handle::current());
    let goes_on = move || poll::until("the store goes on", || runtime.block_on(asked.ping()).ok());
    tokio::task::spawn_blocking(goes_on).await.expect("it goes on");
    // It did take place: the answer alone was lost.
    assert_eq!(view(&store, service, &anna).await, Some([10, 7, 3]));
    assert_clean(&store).await;
}

/// A host whose lease has ended while it was away settles nothing that another has cancelled, and
/// starts nothing that another has taken over.
#[tokio::test]
async fn a_host_that_was_taken_for_gone_finds_its_calls_ended() {
    let server = Postgres::forgetful();
    let ([late, other], service) = town(&server).await;
    let (version, anna) = (version(&late, service).await, token("anna"));
    give(&late, service, &anna, 10).await;
    let (runs, waits) =
        (new_call(service, version, &anna, 3), new_call(service, version, &anna, 4));
    let waits = NewCall { queued: Some("{}".into()), ..waits };
    let (running, waiting) = (runs.id, waits.id);
    late.begin_call(runs).await.expect("a call");
    late.begin_call(waits).await.expect("a call");
    assert!(other.take_over_queued_calls().await.expect("they are read").is_empty());
    server.sql("UPDATE host SET lease_until = 0 WHERE id = (SELECT min(id) FROM host)");
    assert_eq!(other.recover_calls().await.expect("they are looked at"), 1);
    let taken = other.take_over_queued_calls().await.expect("they are read");
    assert_eq!(taken.iter().map(|call| call.id).collect::<Vec<_>>(), [waiting]);
    other.start_call(waiting).await.expect("it starts");
    // The late one is back, and its lease with it.
    let settled = late.settle_call(running, Settlement::Capture(credits(3)), spent("ok")).await;
    assert!(matches!(settled, Err(Error::NotFound(_))), "{settled:?}");
    let started = late.start_call(waiting).await;
    assert!(matches!(started, Err(Error::NotFound(_))), "{started:?}");
    assert!(late.take_over_queued_calls().await.expect("they are read").is_empty());
    assert_eq!(late.recover_calls().await.expect("they are looked at"), 0);
    let settled = other.settle_call(waiting, Settlement::Capture(credits(4)), spent("ok")).await;
    assert_eq!(settled.expect("it ends"), (credits(4), None));
    assert_eq!(view(&late, service, &anna).await, Some([6, 0, 6]));
    assert_clean(&late).await;
}

#[tokio::test]
async fn a_database_that_is_not_for_this_program_is_refused() {
    let server = Postgres::forgetful();
    drop(connect(&server).await);
    let secret = server.url().replace("stokehold@", "stokehold:hush@");
    let other = try_connect(&secret, Mode::Production).await;
    assert!(matches!(other, Err(OpenError::OtherMode { .. })), "{:?}", other.err());
    let later = "UPDATE refinery_schema_history SET version = 1000 \
                 WHERE version = (SELECT max(version) FROM refinery_schema_history)";
    server.sql(later);
    let opened = try_connect(&secret, Mode::Sandbox).await;
    assert!(matches!(opened, Err(OpenError::Newer { found: 1_000, .. })), "{:?}", opened.err());
    let address = secret.parse().expect("an address");
    let audit = move || Audit::connect(&address).err();
    let audit = tokio::task::spawn_blocking(audit).await.expect("no panic");
    assert!(matches!(audit, Some(OpenError::Newer { .. })), "{audit:?}");
    let nobody = secret.replace("/postgres", "/nothing");
    let missing = try_connect(&nobody.replace("stokehold:", "nobody:"), Mode::Sandbox).await;
    let said = missing.err().expect("there is no such user").to_string();
    assert!(said.contains("nobody") && !said.contains("hush"), "{said}");
}
