//! Random steps.

use proptest::prelude::*;
use stokehold_ledger::Credits;

use crate::step::{
    ADDRESSES, DATABASES, NAMES, PACKS, Part, Pick, Place, SERVICES, Step, Target, Want,
};

/// A sequence of steps; time passes in it only where the store can be opened again.
///
/// In most sequences the amounts are small, so that accounts come by their thresholds; in the
/// rest they are whatever they may be, so that accounts come to their limit.
pub(crate) fn steps(time_passes: bool, max: usize) -> impl Strategy<Value = Vec<Step>> {
    let (largest, limit) = (Credits::OPERATION_MAX.micros(), PACKS.len());
    let large = prop_oneof![3 => micros(), 2 => Just(largest), 1 => Just(largest + 1)].boxed();
    prop_oneof![
        2 => sequence(time_passes, max, micros().boxed(), 2),
        1 => sequence(time_passes, max, large, limit),
    ]
}

/// Steps of these amounts, and of so many of the packs.
fn sequence(
    time_passes: bool,
    max: usize,
    micros: BoxedStrategy<i64>,
    packs: usize,
) -> impl Strategy<Value = Vec<Step>> {
    // Either needs another host, for which the store is opened again.
    let (pass, recover) = if time_passes { (3, 1) } else { (0, 0) };
    let hours = prop_oneof![4 => 0..3_i64, 1 => 22..26_i64];
    let step = prop_oneof![
        20 => about_accounts(micros.clone(), packs),
        20 => about_holds(micros.clone()),
        12 => about_calls(micros),
        1 => Just(Step::Expire),
        3 => (0..3_usize).prop_map(|back| Step::Again { back }),
        pass => hours.prop_map(|hours| Step::Pass { hours }),
        recover => Just(Step::Recover),
    ];
    prop::collection::vec(step, max / 4..max)
}

fn about_accounts(micros: BoxedStrategy<i64>, packs: usize) -> impl Strategy<Value = Step> {
    let addresses = prop_oneof![1 => Just(0), 4 => 1..ADDRESSES.len()];
    prop_oneof![
        9 => (place(), micros, key(0.3))
            .prop_map(|(to, micros, key)| Step::Grant { to, micros, key }),
        2 => (0..DATABASES.len(), prop::bool::weighted(0.8))
            .prop_map(|(database, eligible)| Step::Eligible { database, eligible }),
        5 => (name(), prop::option::weighted(0.8, threshold()),
            prop::option::weighted(0.8, addresses))
            .prop_map(|(name, threshold, addresses)| Step::Warn { name, threshold, addresses }),
        4 => (place(), any::<bool>(), stranger(), 0..packs, any::<bool>()).prop_map(
            |(to, hashed, stranger, pack, paid)| Step::Order { to, hashed, stranger, pack, paid }
        ),
        2 => pick().prop_map(|order| Step::Pay { order }),
        2 => pick().prop_map(|order| Step::RefundOrder { order }),
    ]
}

fn about_holds(micros: BoxedStrategy<i64>) -> impl Strategy<Value = Step> {
    let age = prop::option::of(0..3_i64);
    prop_oneof![
        8 => (want(micros), key(0.2), key(0.2))
            .prop_map(|(want, once, repeat)| Step::Authorize { want, once, repeat }),
        8 => (target(), part()).prop_map(|(target, part)| Step::Capture { target, part }),
        3 => target().prop_map(|target| Step::Cancel { target }),
        3 => (target(), prop::option::of(name()), age)
            .prop_map(|(target, owner, hours)| Step::Release { target, owner, hours }),
        4 => (target(), part(), key(0.3))
            .prop_map(|(target, part, key)| Step::Refund { target, part, key }),
    ]
}

fn about_calls(micros: BoxedStrategy<i64>) -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (want(micros), key(0.3)).prop_map(|(want, key)| Step::Begin { want, key }),
        6 => (pick(), prop::option::weighted(0.7, part()))
            .prop_map(|(call, part)| Step::Settle { call, part }),
    ]
}

fn want(micros: BoxedStrategy<i64>) -> impl Strategy<Value = Want> {
    let database = prop::option::weighted(0.4, 0..DATABASES.len());
    (place(), micros, hours(), database).prop_map(|(from, micros, hours, database)| Want {
        from,
        micros,
        hours,
        database,
    })
}

fn target() -> impl Strategy<Value = Target> {
    (pick(), stranger()).prop_map(|(hold, stranger)| Target { hold, stranger })
}

/// Mostly the same account: more happens to it.
fn place() -> impl Strategy<Value = Place> {
    let service = prop_oneof![3 => Just(0), 1 => 0..SERVICES];
    (service, name()).prop_map(|(service, name)| Place { service, name })
}

/// A position among [`NAMES`].
fn name() -> impl Strategy<Value = usize> {
    assert_eq!(NAMES.len(), 4);
    prop_oneof![12 => Just(0_usize), 3 => Just(1), 1 => Just(2), 1 => Just(3)]
}

fn micros() -> impl Strategy<Value = i64> {
    prop_oneof![
        12 => Just(700_000_i64),
        12 => 1..2_000_000_i64,
        4 => Just(1),
        1 => Just(0),
        1 => Just(-1),
    ]
}

/// Zero warns never.
fn threshold() -> impl Strategy<Value = i64> {
    prop_oneof![1 => Just(0_i64), 1 => Just(700_000), 3 => 1..3_000_000_i64]
}

fn hours() -> impl Strategy<Value = i64> {
    prop_oneof![1 => Just(0_i64), 2 => 1..4_i64, 3 => Just(1_000)]
}

/// A key for repeats: few, so that they meet.
fn key(often: f64) -> impl Strategy<Value = Option<u8>> {
    prop::option::weighted(often, 0..3_u8)
}

fn pick() -> impl Strategy<Value = Pick> {
    let newest = prop_oneof![3 => 0..3_usize, 1 => 0..40_usize];
    prop::option::weighted(0.95, newest).prop_map(Pick)
}

fn stranger() -> impl Strategy<Value = bool> {
    prop::bool::weighted(0.1)
}

fn part() -> impl Strategy<Value = Part> {
    prop_oneof![
        3 => Just(Part::Whole),
        3 => (0..=100_i64).prop_map(Part::Percent),
        1 => Just(Part::Percent(0)),
        1 => Just(Part::Above),
    ]
}
