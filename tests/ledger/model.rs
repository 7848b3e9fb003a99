//! The rules of the ledger once more, as plainly as they can be written.
//!
//! Nothing is kept that can be counted: a balance is what came in less what went out, and what is
//! held is the sum of the open holds, added up each time. Warnings follow from watching what is
//! available, whatever has changed it.

mod account;
mod call;
mod hold;
mod order;

use std::collections::{BTreeMap, BTreeSet};

use stokehold_ledger::{Credits, Refusal};

use crate::step::{NAMES, Place, Step};
use account::{Kept, Setting};
use call::Call;
use hold::{Hold, State};
use order::Order;

const OPERATION_MAX: i64 = 1_000_000_000_000_000;
const ACCOUNT_MAX: i64 = 4_000_000_000_000_000;

/// What comes of a step. Holds and orders are named by their position in the order of making.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The balance after a grant, or after credits were given back.
    Balance(i64),
    /// An order as it now is, and how its price was split.
    Order { order: usize, status: &'static str, balance: i64, operator: i64, provider: i64 },
    /// A hold was made, now or by the request that this one repeats.
    Held(usize),
    /// A call has begun, now or by the request that this one repeats.
    Begun(usize),
    /// This much was captured.
    Captured(i64),
    /// What a call has cost, and why nothing could be captured.
    Settled(i64, Option<Refusal>),
    /// This many calls had been cut off.
    Recovered(usize),
    /// It was done.
    Done,
    /// The ledger said no.
    Refused(Refusal),
    /// There is no such thing.
    NotFound,
    /// The idempotency key was used for another request.
    KeyReused,
}

/// A warning: whose account, to whom, what was available, and the threshold.
pub(crate) type Warning = (Place, String, i64, i64);

/// All that was ever granted, ordered, held and called.
#[derive(Debug, Default)]
pub(crate) struct Model {
    hours: i64,
    accounts: BTreeSet<Place>,
    gifts: Vec<(Place, i64)>,
    orders: Vec<Order>,
    holds: Vec<Hold>,
    calls: Vec<Call>,
    eligible: BTreeSet<usize>,
    trials: BTreeSet<(usize, usize)>,
    kept: BTreeMap<String, Kept>,
    settings: BTreeMap<Place, Setting>,
    last_seen: BTreeMap<Place, i64>,
    warnings: Vec<Warning>,
}

impl Model {
    /// What the store has to answer.
    pub(crate) fn answer(&mut self, step: Step) -> Answer {
        self.expire();
        let answer = match step {
            Step::Grant { to, micros, key } => self.grant(to, micros, key, &step.request(None)),
            Step::Eligible { database, eligible } => Ok(self.set_eligible(database, eligible)),
            Step::Warn { name, threshold, addresses } => {
                Ok(self.set_warning(name, threshold, addresses))
            }
            Step::Order { to, stranger, pack, paid, .. } => self.order(to, stranger, pack, paid),
            Step::Pay { order } => self.pay(order),
            Step::RefundOrder { order } => self.refund_order(order),
            Step::Authorize { want, once, repeat } => {
                self.authorize_once(want, once, repeat, &step.request(None))
            }
            Step::Capture { target, part } => self.capture(target, part),
            Step::Cancel { target } => self.cancel(target),
            Step::Release { target, owner, hours } => self.release(target, owner, hours),
            Step::Refund { target, part, key } => {
                let hold = target.hold.among(self.holds.len());
                self.refund(target, part, key, &step.request(hold))
            }
            Step::Begin { want, key } => self.begin(want, key, &step.request(None)),
            Step::Settle { call, part } => Ok(self.settle(call.among(self.calls.len()), part)),
            Step::Recover => Ok(self.recover()),
            Step::Expire | Step::Again { .. } => Ok(Answer::Done),
            Step::Pass { hours } => {
                self.hours += hours;
                Ok(Answer::Done)
            }
        };
        self.watch();
        answer.unwrap_or_else(Answer::Refused)
    }

    /// Balance, held and available, or nothing where nothing ever made the account.
    pub(crate) fn view(&self, place: Place) -> Option<[i64; 3]> {
        let account = base(place);
        if !self.accounts.contains(&account) {
            return None;
        }
        Some([self.balance(account), self.held(account), self.available(account)])
    }

    /// Everybody who was to be warned, in no particular order.
    pub(crate) fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// What came to the account and what went from it.
    pub(crate) fn flows(&self, place: Place) -> [i64; 2] {
        let account = base(place);
        let gifts = self.gifts.iter().filter(|(to, _)| *to == account).map(|(_, micros)| *micros);
        let orders = || self.orders.iter().filter(|order| order.account == account);
        let paid = orders().filter(|order| order.status != "pending").map(|order| order.micros);
        let undone = orders().filter(|order| order.status == "refunded").map(|order| order.micros);
        let holds = || self.holds.iter().filter(|hold| hold.account == account);
        let given_back = holds().flat_map(|hold| hold.refunds.clone());
        let captured = holds().map(|hold| match hold.state {
            State::Captured(micros) => micros,
            _ => 0,
        });
        [gifts.chain(paid).chain(given_back).sum(), captured.chain(undone).sum()]
    }

    fn balance(&self, account: Place) -> i64 {
        let [came, went] = self.flows(account);
        came - went
    }

    fn held(&self, account: Place) -> i64 {
        self.open(account).filter(|hold| hold.due > self.hours).map(|hold| hold.micros).sum()
    }

    fn open(&self, account: Place) -> impl Iterator<Item = &Hold> {
        let open = move |hold: &&Hold| hold.account == account && hold.state == State::Open;
        self.holds.iter().filter(open)
    }

    fn available(&self, account: Place) -> i64 {
        self.balance(account) - self.held(account)
    }

    /// Looks at what is available on each account, and warns where it has fallen to the threshold.
    /// A hold that is due at once counts until it expires: what it takes, it takes.
    fn watch(&mut self) {
        for account in self.accounts.clone() {
            let held: i64 = self.open(account).map(|hold| hold.micros).sum();
            let available = self.balance(account) - held;
            let before = self.last_seen.insert(account, available).unwrap_or(0);
            let setting = self.settings.get(&account).copied().unwrap_or_default();
            if before > setting.threshold && available <= setting.threshold && setting.threshold > 0
            {
                for address in setting.addresses {
                    let to = (*address).to_owned();
                    self.warnings.push((account, to, available, setting.threshold));
                }
            }
        }
    }

    /// Whether the account has room for so many credits.
    fn check_room(&self, account: Place, micros: i64) -> Result<(), Refusal> {
        one_operation(micros)?;
        if self.balance(account) + micros > ACCOUNT_MAX {
            return Err(Refusal::AboveAccountMax);
        }
        Ok(())
    }
}

/// The account that a name stands for: a disabled token still names its account.
fn base(place: Place) -> Place {
    Place { name: base_name(place.name), ..place }
}

fn base_name(name: usize) -> usize {
    if name == 2 { 0 } else { name }
}

/// The account that may be made under a name.
fn nameable(place: Place) -> Result<Place, Refusal> {
    if NAMES[place.name] == "dummy_value" { Err(Refusal::UnknownAccount) } else { Ok(base(place)) }
}

fn one_operation(micros: i64) -> Result<(), Refusal> {
    match micros {
        ..=0 => Err(Refusal::ZeroAmount),
        1..=OPERATION_MAX => Ok(()),
        _ => Err(Refusal::AboveOperationMax(credits(micros))),
    }
}

fn credits(micros: i64) -> Credits {
    Credits::from_micros(micros)
}
