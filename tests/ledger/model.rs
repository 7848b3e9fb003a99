//! The rules of the ledger once more, as plainly as they can be written.
//!
//! Nothing is kept that can be counted: a balance is what was granted less what was captured, and
//! what is held is the sum of the open holds, added up each time.

use std::collections::BTreeMap;

use stokehold_ledger::{Credits, Refusal};

use crate::step::{NAMES, PACKS, Part, Pick, Place, Step};

const OPERATION_MAX: i64 = 1_000_000_000_000_000;
const ACCOUNT_MAX: i64 = 4_000_000_000_000_000;

/// What comes of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The balance after a grant.
    Balance(i64),
    /// The balance after an order, and how its price was split.
    Bought { balance: i64, operator: i64, provider: i64 },
    /// A hold was made.
    Held,
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
    /// No such pack, or no such running call.
    NotFound,
    /// The idempotency key was used for another request.
    KeyReused,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Open,
    Captured(i64),
    Cancelled,
    Expired,
}

#[derive(Clone, Copy, Debug)]
struct Hold {
    account: Place,
    micros: i64,
    due: i64,
    state: State,
    of_call: bool,
}

#[derive(Clone, Copy, Debug)]
struct Call {
    hold: Option<usize>,
    status: &'static str,
}

/// All that was ever granted, held and called.
#[derive(Debug, Default)]
pub(crate) struct Model {
    hours: i64,
    grants: Vec<(Place, i64)>,
    holds: Vec<Hold>,
    calls: Vec<Call>,
    answers: BTreeMap<u8, (Place, i64, i64)>,
}

impl Model {
    /// What the store has to answer.
    pub(crate) fn answer(&mut self, step: Step) -> Answer {
        self.expire();
        let answer = match step {
            Step::Grant { to, micros, key } => self.grant(to, micros, key),
            Step::Buy { to, stranger, pack } => self.buy(to, stranger, pack),
            Step::Authorize { from, micros, hours } => {
                self.authorize(from, micros, hours, false).map(|_| Answer::Held)
            }
            Step::Capture { hold, stranger, part } => self.capture(hold, stranger, part),
            Step::Cancel { hold, stranger } => self.cancel(hold, stranger),
            Step::Begin { from, micros, hours } => self.begin(from, micros, hours),
            Step::Settle { call, part } => Ok(self.settle(call.among(self.calls.len()), part)),
            Step::Recover => Ok(self.recover()),
            Step::Expire => Ok(Answer::Done),
            Step::Pass { hours } => {
                self.hours += hours;
                Ok(Answer::Done)
            }
        };
        answer.unwrap_or_else(Answer::Refused)
    }

    /// Balance, held and available, or nothing where no grant ever made the account.
    pub(crate) fn view(&self, place: Place) -> Option<[i64; 3]> {
        let account = base(place);
        if !self.exists(account) {
            return None;
        }
        let (balance, held) = (self.balance(account), self.held(account));
        Some([balance, held, balance - held])
    }

    /// The status of each call.
    pub(crate) fn statuses(&self) -> impl Iterator<Item = &'static str> {
        self.calls.iter().map(|call| call.status)
    }

    /// What was granted to the account and captured from it.
    pub(crate) fn flows(&self, place: Place) -> [i64; 2] {
        let account = base(place);
        let granted = self.grants.iter().filter(|(to, _)| *to == account).map(|(_, micros)| micros);
        let captured = self.holds.iter().filter(|hold| hold.account == account);
        let captured = captured.map(|hold| match hold.state {
            State::Captured(micros) => micros,
            _ => 0,
        });
        [granted.sum(), captured.sum()]
    }

    fn exists(&self, account: Place) -> bool {
        self.grants.iter().any(|(to, _)| *to == account)
    }

    fn balance(&self, account: Place) -> i64 {
        let [granted, captured] = self.flows(account);
        granted - captured
    }

    fn held(&self, account: Place) -> i64 {
        let open = self.holds.iter().filter(|hold| {
            hold.account == account && hold.state == State::Open && hold.due > self.hours
        });
        open.map(|hold| hold.micros).sum()
    }

    fn expire(&mut self) {
        for hold in &mut self.holds {
            if hold.state == State::Open && hold.due <= self.hours {
                hold.state = State::Expired;
            }
        }
    }

    fn grant(&mut self, to: Place, micros: i64, key: Option<u8>) -> Result<Answer, Refusal> {
        let account = base(to);
        if let Some((before, amount, balance)) = key.and_then(|key| self.answers.get(&key)) {
            let same = (*before, *amount) == (to, micros);
            return Ok(if same { Answer::Balance(*balance) } else { Answer::KeyReused });
        }
        let balance = self.add(account, micros)?;
        if let Some(key) = key {
            self.answers.insert(key, (to, micros, balance));
        }
        Ok(Answer::Balance(balance))
    }

    fn buy(&mut self, to: Place, stranger: bool, pack: usize) -> Result<Answer, Refusal> {
        if stranger {
            return Ok(Answer::NotFound);
        }
        let (micros, price) = PACKS[pack];
        let balance = self.add(base(to), micros)?;
        // A quarter, half a cent to the even neighbour.
        let operator = match (price % 4, price / 4 % 2) {
            (3, _) | (2, 1) => price / 4 + 1,
            _ => price / 4,
        };
        Ok(Answer::Bought { balance, operator, provider: price - operator })
    }

    fn add(&mut self, account: Place, micros: i64) -> Result<i64, Refusal> {
        if NAMES[account.name] == "dummy_value" {
            return Err(Refusal::UnknownAccount);
        }
        one_operation(micros)?;
        let balance = self.balance(account) + micros;
        if balance > ACCOUNT_MAX {
            return Err(Refusal::AboveAccountMax);
        }
        self.grants.push((account, micros));
        Ok(balance)
    }

    fn authorize(
        &mut self,
        from: Place,
        micros: i64,
        hours: i64,
        of_call: bool,
    ) -> Result<usize, Refusal> {
        one_operation(micros)?;
        if base(from) != from || !self.exists(from) {
            return Err(Refusal::UnknownAccount);
        }
        let available = self.balance(from) - self.held(from);
        if micros > available {
            let (needed, available) = (credits(micros), credits(available));
            return Err(Refusal::InsufficientCredits { needed, available });
        }
        let due = self.hours + hours;
        self.holds.push(Hold { account: from, micros, due, state: State::Open, of_call });
        Ok(self.holds.len() - 1)
    }

    fn capture(&mut self, hold: Pick, stranger: bool, part: Part) -> Result<Answer, Refusal> {
        let hold = self.find(hold, stranger)?;
        // What a call costs is for the host alone to say.
        if self.holds[hold].of_call {
            return Err(Refusal::UnknownHold);
        }
        self.take(hold, part).map(Answer::Captured)
    }

    fn take(&mut self, hold: usize, part: Part) -> Result<i64, Refusal> {
        let hold = &mut self.holds[hold];
        let asked = part.of(hold.micros).unwrap_or(hold.micros);
        match hold.state {
            State::Captured(before) => Ok(before),
            State::Cancelled => Err(Refusal::AlreadyCancelled),
            State::Expired => Err(Refusal::Expired),
            State::Open if asked > hold.micros => {
                Err(Refusal::AboveHold { asked: credits(asked), held: credits(hold.micros) })
            }
            State::Open => {
                hold.state = State::Captured(asked);
                Ok(asked)
            }
        }
    }

    fn cancel(&mut self, hold: Pick, stranger: bool) -> Result<Answer, Refusal> {
        let hold = self.find(hold, stranger)?;
        match self.holds[hold].state {
            State::Captured(_) => return Err(Refusal::AlreadyCaptured),
            State::Open => self.holds[hold].state = State::Cancelled,
            State::Cancelled | State::Expired => {}
        }
        Ok(Answer::Done)
    }

    fn begin(&mut self, from: Place, micros: i64, hours: i64) -> Result<Answer, Refusal> {
        let hold = match micros {
            0 => None,
            _ => Some(self.authorize(from, micros, hours, true)?),
        };
        self.calls.push(Call { hold, status: "running" });
        Ok(Answer::Done)
    }

    fn settle(&mut self, call: Option<usize>, part: Option<Part>) -> Answer {
        let Some(call) = call.filter(|call| self.calls[*call].status == "running") else {
            return Answer::NotFound;
        };
        let taken = match (self.calls[call].hold, part) {
            (None, Some(_)) => Some(Ok(0)),
            (Some(hold), Some(part)) => Some(self.take(hold, part)),
            (_, None) => None,
        };
        if let Some(Ok(micros)) = taken {
            self.calls[call].status = "captured";
            return Answer::Settled(micros, None);
        }
        self.calls[call].status = "cancelled";
        if let Some(hold) = self.calls[call].hold
            && self.holds[hold].state == State::Open
        {
            self.holds[hold].state = State::Cancelled;
        }
        Answer::Settled(0, taken.and_then(Result::err))
    }

    fn recover(&mut self) -> Answer {
        let running = |call: &usize| self.calls[*call].status == "running";
        let cut_off: Vec<usize> = (0..self.calls.len()).filter(running).collect();
        for call in &cut_off {
            self.settle(Some(*call), None);
        }
        Answer::Recovered(cut_off.len())
    }

    /// The hold, unless there is none, or another service than its own asks.
    fn find(&self, hold: Pick, stranger: bool) -> Result<usize, Refusal> {
        let found = hold.among(self.holds.len()).filter(|_| !stranger);
        found.ok_or(Refusal::UnknownHold)
    }
}

/// The account that a name stands for: a disabled token still names its account.
fn base(place: Place) -> Place {
    Place { name: if place.name == 2 { 0 } else { place.name }, ..place }
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
