//! What the property test asks of the store and of the model.

use stokehold_ledger::Credits;

/// How many services there are; account names mean another account in each.
pub(crate) const SERVICES: usize = 2;

/// The account names. The third is the first one, disabled; the last may have no account.
pub(crate) const NAMES: [&str; 4] = ["anna", "ben", "anna+disabled", "dummy_value"];

/// The packs of each service: credits in millionths, price in cents.
pub(crate) const PACKS: [(i64, i64); 4] = [
    (1_500_000, 10_001),
    (1, 0),
    (Credits::OPERATION_MAX.micros(), 10),
    (Credits::OPERATION_MAX.micros() + 1, 7),
];

/// The trial credits of each service, in millionths.
pub(crate) const TRIALS: [i64; SERVICES] = [2_000_000, 0];

/// The clients' databases.
pub(crate) const DATABASES: [&str; 3] = ["db0", "db1", "db2"];

/// Who may be asked to be warned.
pub(crate) const ADDRESSES: [&[&str]; 3] =
    [&[], &["anna@example.com"], &["anna@example.com", "boss@example.com"]];

/// An account, by the position of its service and of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) service: usize,
    pub(crate) name: usize,
}

/// How much is to be taken of what is held, or given back.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part {
    /// All of it; to a capture that is to say nothing.
    Whole,
    /// This many hundredths of it.
    Percent(i64),
    /// One micro-credit too much.
    Above,
}

/// Which of the things made before: the newest is 0. Nothing stands for one that was never made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pick(pub(crate) Option<usize>);

/// A hold that is to be made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Want {
    pub(crate) from: Place,
    pub(crate) micros: i64,
    pub(crate) hours: i64,
    /// The position of the client's database.
    pub(crate) database: Option<usize>,
}

/// A hold that was made, and who asks: `stranger` is another service than its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    pub(crate) hold: Pick,
    pub(crate) stranger: bool,
}

/// One request to the store.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Grant {
        to: Place,
        micros: i64,
        key: Option<u8>,
    },
    Eligible {
        database: usize,
        eligible: bool,
    },
    /// The threshold in millionths and the position of the addresses, for all accounts of a name.
    Warn {
        name: usize,
        threshold: Option<i64>,
        addresses: Option<usize>,
    },
    /// `stranger`: the pack is of another service. `hashed`: only the token's digest is known.
    Order {
        to: Place,
        hashed: bool,
        stranger: bool,
        pack: usize,
        paid: bool,
    },
    Pay {
        order: Pick,
    },
    RefundOrder {
        order: Pick,
    },
    Authorize {
        want: Want,
        once: Option<u8>,
        repeat: Option<u8>,
    },
    Capture {
        target: Target,
        part: Part,
    },
    Cancel {
        target: Target,
    },
    /// `owner`: the position of the name of whoever asks. `hours`: how old the hold has to be.
    Release {
        target: Target,
        owner: Option<usize>,
        hours: Option<i64>,
    },
    Refund {
        target: Target,
        part: Part,
        key: Option<u8>,
    },
    Begin {
        want: Want,
        key: Option<u8>,
    },
    Settle {
        call: Pick,
        part: Option<Part>,
    },
    Recover,
    Expire,
    /// A request that had a key is sent again; 0 is the last one.
    Again {
        back: usize,
    },
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

impl Step {
    /// The step itself, or the one among those before it that it repeats.
    pub(crate) fn after(self, earlier: &[Self]) -> Self {
        let Self::Again { back } = self else { return self };
        let mut keyed = earlier.iter().rev().filter(|step| step.has_key());
        keyed.nth(back).copied().unwrap_or(Self::Expire)
    }

    /// What a repeat has to have in common with the step. Which hold is meant is not in the step,
    /// for it counts from the newest.
    pub(crate) fn request(self, hold: Option<usize>) -> String {
        format!("{self:?} {hold:?}")
    }

    fn has_key(self) -> bool {
        match self {
            Self::Grant { key, .. } | Self::Refund { key, .. } | Self::Begin { key, .. } => {
                key.is_some()
            }
            Self::Authorize { once, repeat, .. } => once.or(repeat).is_some(),
            _ => false,
        }
    }
}
