//! Many at once.

use std::sync::Arc;

use stokehold_ledger::{AccountToken, Credits, HoldId, Refusal, ServiceId};
use stokehold_store::{Error, Store};
use tokio::task::JoinSet;

use crate::fixture::{
    assert_clean, credits, give, new_call, new_hold, once, service, token, version, view,
};
use crate::home::{Home, in_each_home};

in_each_home! {
    holds_at_once_fit_the_balance_exactly,
    what_many_tasks_were_told_is_what_is_stored,
    a_write_that_fails_undoes_only_itself,
    what_is_given_while_more_is_spent_is_all_there,
    of_a_capture_and_a_cancel_at_once_exactly_one_wins,
    a_grant_that_is_repeated_at_once_happens_once,
}

/// A store with one service.
async fn town(home: &Home) -> (Arc<Store>, ServiceId) {
    let store = home.open().await;
    let service = service(&store, "coalroller").await;
    (Arc::new(store), service)
}

async fn hold(
    store: &Store,
    service: ServiceId,
    account: &AccountToken,
    micros: i64,
) -> Result<HoldId, Error> {
    store.authorize(new_hold(service, account, micros)).await
}

async fn holds_at_once_fit_the_balance_exactly(home: Home) {
    let (store, service) = town(&home).await;
    let anna = token("anna");
    give(&store, service, &anna, 50_000_000).await;
    let mut asked = JoinSet::new();
    for _ in 0..200 {
        let (store, anna) = (store.clone(), anna.clone());
        asked.spawn(async move { hold(&store, service, &anna, 700_000).await });
    }
    let answers = asked.join_all().await;
    let granted = answers.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(granted, 71);
    // Nobody was refused while it would have fit.
    let (needed, available) = (credits(700_000), credits(300_000));
    let right = Refusal::InsufficientCredits { needed, available };
    for refused in answers.into_iter().filter_map(Result::err) {
        assert!(matches!(refused, Error::Refused(refusal) if refusal == right), "{refused}");
    }
    assert_eq!(view(&store, service, &anna).await, Some([50_000_000, 49_700_000, 300_000]));
    assert_clean(&store).await;
}

/// What one task was told to have happened to its account.
#[derive(Default)]
struct Told {
    captured: i64,
    open: i64,
    ended: Vec<(HoldId, i64)>,
}

async fn what_many_tasks_were_told_is_what_is_stored(home: Home) {
    let (store, service) = town(&home).await;
    let accounts = ["anna", "ben", "cleo"].map(token);
    for account in &accounts {
        give(&store, service, account, 40_000_000).await;
    }
    let mut tasks = JoinSet::new();
    for number in 0..24 {
        let (store, account) = (store.clone(), accounts[number % 3].clone());
        tasks.spawn(async move { (number % 3, work(&store, service, &account, number).await) });
    }
    let told = tasks.join_all().await;
    for (position, account) in accounts.iter().enumerate() {
        let of_account = || told.iter().filter(|(of, _)| *of == position).map(|(_, told)| told);
        let balance = 40_000_000 - of_account().map(|told| told.captured).sum::<i64>();
        let held: i64 = of_account().map(|told| told.open).sum();
        let right = Some([balance, held, balance - held]);
        assert_eq!(view(&store, service, account).await, right);
    }
    // To capture a hold again answers what was captured.
    for (hold, captured) in told.iter().flat_map(|(_, told)| &told.ended) {
        let stored = match store.capture(service, *hold, None).await {
            Err(Error::Refused(Refusal::AlreadyCancelled)) => 0,
            again => again.expect("it was captured").micros(),
        };
        assert_eq!(stored, *captured, "hold {hold}");
    }
    assert_clean(&store).await;
}

/// Holds, and captures in part, cancels or leaves open, in turn.
async fn work(store: &Store, service: ServiceId, account: &AccountToken, number: usize) -> Told {
    let mut told = Told::default();
    let first = i64::try_from(number).expect("a small number");
    for step in first..first + 60 {
        let micros = 1 + step * 7_919;
        let hold = match hold(store, service, account, micros).await {
            Ok(hold) => hold,
            Err(Error::Refused(Refusal::InsufficientCredits { .. })) => continue,
            Err(error) => panic!("{error}"),
        };
        match step % 4 {
            0 => told.open += micros,
            1 => {
                store.cancel(service, hold).await.expect("a cancel");
                told.ended.push((hold, 0));
            }
            _ => {
                let part = Some(credits(micros / (step % 4)));
                let captured = store.capture(service, hold, part).await.expect("a capture");
                told.captured += captured.micros();
                told.ended.push((hold, captured.micros()));
            }
        }
    }
    told
}

/// Writes that fail after they have changed rows, and writes that succeed, all waiting at once and
/// so of the same groups.
async fn a_write_that_fails_undoes_only_itself(home: Home) {
    let (store, service) = town(&home).await;
    let version = version(&store, service).await;
    let anna = token("anna");
    give(&store, service, &anna, 100).await;
    let call = new_call(service, version, &anna, 1);
    store.begin_call(call.clone()).await.expect("the call begins");
    let mut tasks = JoinSet::new();
    for number in 0..90 {
        let (store, anna, call) = (store.clone(), anna.clone(), call.clone());
        tasks.spawn(async move {
            match number % 3 {
                0 => hold(&store, service, &anna, 1).await.map(|_| 1),
                // Makes the account before the ledger refuses to grant nothing.
                1 => {
                    let nobody = token(&format!("nobody{number}"));
                    let nothing = Credits::ZERO;
                    store.grant(service, &nobody, nothing, String::new(), None).await.map(|_| 0)
                }
                // Changes the account before the id of the hold turns out to be in use.
                _ => store.begin_call(call).await.map(|()| 0),
            }
        });
    }
    let answers = tasks.join_all().await;
    assert_eq!(answers.iter().flatten().sum::<i64>(), 30);
    assert_eq!(answers.iter().filter(|answer| answer.is_err()).count(), 60);
    assert_eq!(view(&store, service, &anna).await, Some([100, 31, 69]));
    assert_eq!(home.number("SELECT count(*) FROM account"), 1);
    assert_eq!(home.number("SELECT count(*) FROM hold"), 31);
    assert_eq!(home.number("SELECT count(*) FROM call"), 1);
    assert_clean(&store).await;
}

/// Grants and captures of the same accounts, all waiting at once and so of the same groups: neither
/// goes on from what the other has changed in the meantime.
async fn what_is_given_while_more_is_spent_is_all_there(home: Home) {
    let (store, service) = town(&home).await;
    let accounts = ["anna", "ben", "cleo"].map(token);
    for account in &accounts {
        give(&store, service, account, 10_000).await;
    }
    let mut tasks = JoinSet::new();
    for number in 0..120 {
        let (store, account) = (store.clone(), accounts[number % 3].clone());
        tasks.spawn(async move {
            for _ in 0..5 {
                if number % 2 == 0 {
                    give(&store, service, &account, 1_000).await;
                } else {
                    let hold = hold(&store, service, &account, 7).await.expect("a hold");
                    store.capture(service, hold, None).await.expect("a capture");
                }
            }
        });
    }
    tasks.join_all().await;
    let balance = 10_000 + 20 * 5 * 1_000 - 20 * 5 * 7;
    for account in &accounts {
        assert_eq!(view(&store, service, account).await, Some([balance, 0, balance]));
    }
    assert_clean(&store).await;
}

async fn of_a_capture_and_a_cancel_at_once_exactly_one_wins(home: Home) {
    let (store, service) = town(&home).await;
    let anna = token("anna");
    give(&store, service, &anna, 10_000).await;
    let mut races = JoinSet::new();
    for _ in 0..100 {
        let hold = hold(&store, service, &anna, 100).await.expect("a hold");
        let store = store.clone();
        races.spawn(async move {
            let (one, other) = (store.clone(), store);
            let capture = tokio::spawn(async move { one.capture(service, hold, None).await });
            let cancel = tokio::spawn(async move { other.cancel(service, hold).await });
            let capture = capture.await.expect("no panic");
            let cancel = cancel.await.expect("no panic");
            match (capture, cancel) {
                (Ok(captured), Err(Error::Refused(Refusal::AlreadyCaptured))) => captured.micros(),
                (Err(Error::Refused(Refusal::AlreadyCancelled)), Ok(())) => 0,
                both => panic!("not exactly one: {both:?}"),
            }
        });
    }
    let balance = 10_000 - races.join_all().await.iter().sum::<i64>();
    assert_eq!(view(&store, service, &anna).await, Some([balance, 0, balance]));
    assert_clean(&store).await;
}

/// One key from many tasks: the grant happens once, and all are told the same.
async fn a_grant_that_is_repeated_at_once_happens_once(home: Home) {
    let (store, service) = town(&home).await;
    let anna = token("anna");
    let mut tasks = JoinSet::new();
    for _ in 0..50 {
        let (store, anna) = (store.clone(), anna.clone());
        tasks.spawn(async move {
            let once = Some(once("one", "1"));
            store.grant(service, &anna, credits(5), String::new(), once).await.expect("a grant")
        });
    }
    assert!(tasks.join_all().await.iter().all(|balance| *balance == credits(5)));
    assert_eq!(view(&store, service, &anna).await, Some([5, 0, 5]));
}
