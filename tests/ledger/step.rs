//! The random steps of the property test.

use proptest::prelude::*;
use stokehold_ledger::Credits;

/// How many services there are; account names mean another account in each.
pub(crate) const SERVICES: usize = 2;

/// The account names. The third is the first one, disabled; the last may have no account.
pub(crate) const NAMES: [&str; 4] = ["anna", "ben", "anna+disabled", "dummy_value"];

/// The packs of each service: credits in millionths, price in cents.
pub(crate) const PACKS: [(i64, i64); 4] = [
    (500_000_000, 10_001),
    (1, 0),
    (Credits::OPERATION_MAX.micros(), 10),
    (Credits::OPERATION_MAX.micros() + 1, 7),
];

/// An account, by the position of its service and of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) service: usize,
    pub(crate) name: usize,
}

/// How much is to be captured of what is held.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part {
    /// All of it, by saying nothing.
    Whole,
    /// This many hundredths of it.
    Percent(i64),
    /// One micro-credit too much.
    Above,
}

/// Which of the things made before: the newest is 0. Nothing stands for one that was never made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pick(Option<usize>);

/// One request to the store.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Grant {
        to: Place,
        micros: i64,
        key: Option<u8>,
    },
    /// `stranger`: the pack is of another service.
    Buy {
        to: Place,
        stranger: bool,
        pack: usize,
    },
    Authorize {
        from: Place,
        micros: i64,
        hours: i64,
    },
    Capture {
        hold: Pick,
        stranger: bool,
        part: Part,
    },
    Cancel {
        hold: Pick,
        stranger: bool,
    },
    Begin {
        from: Place,
        micros: i64,
        hours: i64,
    },
    Settle {
        call: Pick,
        part: Option<Part>,
    },
    Recover,
    Expire,
    /// The store is closed, this much time passes, and it is opened again.
    Pass {
        hours: i64,
    },
}

impl Part {
    /// The amount to ask for, of `held`.
    pub(crate) fn of(self, held: i64) -> Option<i64> {
        match self {
            Self::Whole => None,
            Self::Percent(percent) => Some(held / 100 * percent),
            Self::Above => Some(held + 1),
        }
    }
}

impl Pick {
    /// The position among `count` things, or `None` for one that does not exist.
    pub(crate) fn among(self, count: usize) -> Option<usize> {
        Some(count.checked_sub(1)? - self.0? % count)
    }
}

/// A sequence of steps; time passes in it only where the store can be opened again.
pub(crate) fn steps(time_passes: bool, max: usize) -> impl Strategy<Value = Vec<Step>> {
    let pass = if time_passes { 2 } else { 0 };
    let step = prop_oneof![
        6 => (place(), grant(), prop::option::weighted(0.3, 0..6_u8))
            .prop_map(|(to, micros, key)| Step::Grant { to, micros, key }),
        3 => (place(), stranger(), 0..PACKS.len())
            .prop_map(|(to, stranger, pack)| Step::Buy { to, stranger, pack }),
        8 => (place(), micros(), hours())
            .prop_map(|(from, micros, hours)| Step::Authorize { from, micros, hours }),
        8 => (pick(), stranger(), part())
            .prop_map(|(hold, stranger, part)| Step::Capture { hold, stranger, part }),
        4 => (pick(), stranger()).prop_map(|(hold, stranger)| Step::Cancel { hold, stranger }),
        6 => (place(), micros(), hours())
            .prop_map(|(from, micros, hours)| Step::Begin { from, micros, hours }),
        6 => (pick(), prop::option::weighted(0.7, part()))
            .prop_map(|(call, part)| Step::Settle { call, part }),
        1 => Just(Step::Recover),
        1 => Just(Step::Expire),
        pass => (0..3_i64).prop_map(|hours| Step::Pass { hours }),
    ];
    prop::collection::vec(step, 1..max)
}

fn place() -> impl Strategy<Value = Place> {
    let name = prop_oneof![10 => Just(0_usize), 6 => Just(1), 1 => Just(2), 1 => Just(3)];
    (0..SERVICES, name).prop_map(|(service, name)| Place { service, name })
}

fn micros() -> impl Strategy<Value = i64> {
    let max = Credits::OPERATION_MAX.micros();
    prop_oneof![
        12 => Just(700_000_i64),
        12 => 1..2_000_000_i64,
        4 => Just(1),
        1 => Just(0),
        1 => Just(-1),
        2 => Just(max),
        1 => Just(max + 1),
    ]
}

/// Large grants are frequent, so that accounts come to their limit.
fn grant() -> impl Strategy<Value = i64> {
    prop_oneof![2 => micros(), 1 => Just(Credits::OPERATION_MAX.micros())]
}

fn hours() -> impl Strategy<Value = i64> {
    prop_oneof![1 => Just(0_i64), 2 => 1..4_i64, 3 => Just(1_000)]
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
