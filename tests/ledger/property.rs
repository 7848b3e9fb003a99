//! Random steps: the store answers what the model answers, and the invariants hold after each.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::mem::{Discriminant, discriminant};
use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestCaseResult, TestRunner};
use stokehold_ledger::{Credits, Refusal, Timestamp};
use stokehold_tests::postgres::Postgres;
use tokio::runtime::{Builder, Runtime};

use crate::fixture::{token, view};
use crate::model::{Answer, Model};
use crate::random::steps;
use crate::step::{ADDRESSES, NAMES, Place, SERVICES, Step};
use crate::subject::Subject;

/// The longest sequence.
const STEPS_MAX: usize = 80;

/// How long a sequence that fails may be made shorter, in milliseconds.
const SHRINK_MS_MAX: u32 = 60_000;

/// What the model is compared with.
enum Kind {
    Memory,
    File,
    Postgres(Arc<Postgres>),
}

#[test]
fn on_a_file_the_store_is_the_model() {
    prove(48, &Kind::File);
}

#[test]
fn in_memory_the_store_is_the_model() {
    prove(256, &Kind::Memory);
}

#[test]
fn on_postgresql_the_store_is_the_model() {
    prove(24, &Kind::Postgres(Arc::new(Postgres::forgetful())));
}

/// Runs random sequences of steps, and shrinks the first one that fails.
///
/// `PROPTEST_RNG_SEED` runs the sequences of a seed again, `PROPTEST_CASES` runs more of them.
fn prove(cases: u32, kind: &Kind) {
    let default = Config::default();
    let seed = match default.rng_seed {
        RngSeed::Fixed(seed) => seed,
        RngSeed::Random => RandomState::new().hash_one(cases),
    };
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { default.cases } else { cases };
    let config = Config {
        cases,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        max_shrink_iters: 2_000,
        max_shrink_time: SHRINK_MS_MAX,
        ..default
    };
    let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
    let time_passes = !matches!(kind, Kind::Memory);
    let outcome = TestRunner::new(config)
        .run(&steps(time_passes, STEPS_MAX), |steps| run(&runtime, kind, &steps));
    if let Err(failure) = outcome {
        panic!("PROPTEST_RNG_SEED={seed}: {failure}");
    }
}

fn run(runtime: &Runtime, kind: &Kind, steps: &[Step]) -> TestCaseResult {
    runtime.block_on(async {
        let subject = match kind {
            Kind::Memory => Subject::in_memory().await,
            Kind::File => Subject::on_file().await,
            Kind::Postgres(server) => Subject::on_postgres(server).await,
        };
        compare(subject, steps).await
    })
}

async fn compare(mut subject: Subject, steps: &[Step]) -> TestCaseResult {
    let mut model = Model::default();
    for (number, step) in steps.iter().enumerate() {
        let step = step.after(&steps[..number]);
        let (right, answer) = (model.answer(step), subject.answer(step).await);
        prop_assert_eq!(answer, right, "the answer to step {}, {:?}", number, step);
        let after = |what| format!("{what} after step {number}, {step:?}");
        for place in places() {
            account(&subject, &model, place, &after("an account")).await?;
        }
        for name in 0..NAMES.len() {
            owner(&subject, &model, name, &after("settings")).await?;
        }
        let mut warnings = subject.warnings().await;
        let mut right = model.warnings().to_vec();
        warnings.sort();
        right.sort();
        prop_assert_eq!(warnings, right, "{}", after("warnings"));
        for (call, status) in subject.calls().zip(model.statuses()) {
            let record = subject.store().call(call).await.expect("the call is read");
            let found = record.map(|record| record.status.as_str());
            prop_assert_eq!(found, Some(status), "{}", after("a call's status"));
        }
        let findings = subject.store().verify().await.expect("verify runs");
        prop_assert!(findings.is_empty(), "{}: {:?}", after("findings"), findings);
    }
    Ok(())
}

/// The account's view is the model's, its statement adds up to it, and invariant 2 holds.
async fn account(subject: &Subject, model: &Model, place: Place, after: &str) -> TestCaseResult {
    let (service, token) = subject.account(place);
    let found = view(subject.store(), service, &token).await;
    prop_assert_eq!(found, model.view(place), "{} {:?}", after, place);
    let Some([balance, held, available]) = found else { return Ok(()) };
    prop_assert!(held >= 0 && available >= 0 && available == balance - held, "{}", after);
    let end = Timestamp(i64::MAX);
    let page = subject.store().statement(service, token.key(), 0, end, u32::MAX).await;
    let lines = page.expect("it is read").expect("there is an account").lines;
    let amounts = || lines.iter().map(|line| line.amount.micros());
    let came: i64 = amounts().filter(|micros| *micros > 0).sum();
    let went: i64 = -amounts().filter(|micros| *micros < 0).sum::<i64>();
    prop_assert_eq!([came, went], model.flows(place), "{} {:?}", after, place);
    prop_assert_eq!(came - went, balance, "{} {:?}", after, place);
    prop_assert_eq!(subject.open_holds(place).await, model.open_holds(place), "{}", after);
    prop_assert_eq!(subject.pending_orders(place).await, model.pending_orders(place), "{}", after);
    Ok(())
}

/// What the owner of the accounts of a name finds set is what the model has set.
async fn owner(subject: &Subject, model: &Model, name: usize, after: &str) -> TestCaseResult {
    let own = subject.store().own_accounts(token(NAMES[name]).key()).await;
    let found = own.expect("they are read").into_iter().map(|own| {
        let addresses: Vec<_> = own.addresses.into_iter().map(|address| address.email).collect();
        let amounts = [own.balance, own.available, own.warn_at].map(Credits::micros);
        (own.service, amounts, addresses)
    });
    let right = model.settings(name).into_iter().map(|(service, threshold, addresses)| {
        let view = model.view(Place { service, name }).expect("an account with settings");
        let addresses: Vec<_> = addresses.iter().map(|address| (*address).to_owned()).collect();
        (format!("service{service}"), [view[0], view[2], threshold], addresses)
    });
    prop_assert_eq!(found.collect::<Vec<_>>(), right.collect::<Vec<_>>(), "{}", after);
    Ok(())
}

fn places() -> impl Iterator<Item = Place> {
    let names = 0..NAMES.len();
    (0..SERVICES).flat_map(move |service| names.clone().map(move |name| Place { service, name }))
}

/// A test of the steps: none of the answers that the rules know is out of their reach, nor is an
/// account that is warned of more than once.
#[test]
fn the_steps_come_by_every_answer() {
    let seen = RefCell::new(HashSet::new());
    let warned_most = Cell::new(0);
    let rng_seed = RngSeed::Fixed(1);
    let config = Config { cases: 256, failure_persistence: None, rng_seed, ..Config::default() };
    let outcome = TestRunner::new(config).run(&steps(true, STEPS_MAX), |steps| {
        let mut model = Model::default();
        for (number, step) in steps.iter().enumerate() {
            seen.borrow_mut().insert(sort(model.answer(step.after(&steps[..number]))));
        }
        let warnings = model.warnings().iter();
        let of_one = warnings.filter(|(place, ..)| place.service == 0 && place.name == 0).count();
        warned_most.set(warned_most.get().max(of_one));
        Ok(())
    });
    outcome.expect("the model answers everything");
    assert!(warned_most.get() > ADDRESSES.len(), "nobody is warned again");
    let missing =
        every_answer().into_iter().filter(|answer| !seen.borrow().contains(&sort(*answer)));
    assert_eq!(missing.collect::<Vec<_>>(), []);
}

/// What kind of answer this is, and for which refusal, whatever the amounts.
fn sort(answer: Answer) -> (Discriminant<Answer>, Option<Discriminant<Refusal>>) {
    let refusal = match answer {
        Answer::Refused(refusal) | Answer::Settled(_, Some(refusal)) => {
            Some(discriminant(&refusal))
        }
        _ => None,
    };
    (discriminant(&answer), refusal)
}

fn every_answer() -> Vec<Answer> {
    let none = Credits::ZERO;
    let above_hold = Refusal::AboveHold { asked: none, held: none };
    vec![
        Answer::Balance(0),
        Answer::Order { order: 0, status: "", balance: 0, operator: 0, provider: 0 },
        Answer::Held(0),
        Answer::Begun(0),
        Answer::Captured(0),
        Answer::Recovered(0),
        Answer::Done,
        Answer::NotFound,
        Answer::KeyReused,
        Answer::Refused(Refusal::ZeroAmount),
        Answer::Refused(Refusal::AboveOperationMax(none)),
        Answer::Refused(Refusal::AboveAccountMax),
        Answer::Refused(Refusal::UnknownAccount),
        Answer::Refused(Refusal::InsufficientCredits { needed: none, available: none }),
        Answer::Refused(Refusal::UnknownHold),
        Answer::Refused(above_hold),
        Answer::Refused(Refusal::AlreadyCaptured),
        Answer::Refused(Refusal::AlreadyCancelled),
        Answer::Refused(Refusal::Expired),
        Answer::Refused(Refusal::TooYoung),
        Answer::Refused(Refusal::NothingToRefund),
        Answer::Refused(Refusal::AboveCaptured { asked: none, left: none }),
        Answer::Refused(Refusal::OrderRefunded),
        Answer::Settled(0, None),
        Answer::Settled(0, Some(above_hold)),
        Answer::Settled(0, Some(Refusal::AlreadyCancelled)),
        Answer::Settled(0, Some(Refusal::Expired)),
    ]
}
