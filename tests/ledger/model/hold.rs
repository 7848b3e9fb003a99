//! Holds: how they are made, end, and give back.

use stokehold_ledger::Refusal;

use super::{Answer, Model, base, base_name, credits, one_operation};
use crate::step::{Part, Place, Target, Want};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Open,
    Captured(i64),
    Cancelled,
    Expired,
}

#[derive(Clone, Debug)]
pub(super) struct Hold {
    pub(super) account: Place,
    pub(super) micros: i64,
    pub(super) due: i64,
    pub(super) state: State,
    pub(super) refunds: Vec<i64>,
    made: i64,
    of_call: bool,
}

impl Model {
    /// The open holds of an account, and whether they are a call's.
    pub(crate) fn open_holds(&self, place: Place) -> Vec<(usize, bool)> {
        let holds = self.holds.iter().enumerate().filter(|(_, hold)| {
            hold.account == base(place) && hold.state == State::Open && hold.due > self.hours
        });
        holds.map(|(number, hold)| (number, hold.of_call)).collect()
    }

    pub(super) fn expire(&mut self) {
        for hold in &mut self.holds {
            if hold.state == State::Open && hold.due <= self.hours {
                hold.state = State::Expired;
            }
        }
        self.watch();
    }

    /// A key of the provider's own keeps refusals too, and is the only one that counts.
    pub(super) fn authorize_once(
        &mut self,
        want: Want,
        once: Option<u8>,
        repeat: Option<u8>,
        request: &str,
    ) -> Result<Answer, Refusal> {
        let own = once.map(|key| format!("once {key}"));
        let key = own.or_else(|| repeat.map(|key| format!("repeat {key} {request}")));
        if let Some(answer) = self.recall(key.as_deref(), request) {
            return Ok(answer);
        }
        one_operation(want.micros)?;
        let made = self.authorize(want, false);
        let answer = made.map_or_else(Answer::Refused, Answer::Held);
        if made.is_ok() || once.is_some() {
            self.keep(key, request, answer);
        }
        Ok(answer)
    }

    pub(super) fn authorize(&mut self, want: Want, of_call: bool) -> Result<usize, Refusal> {
        let Want { from, micros, hours, database } = want;
        one_operation(micros)?;
        self.trial(from, database);
        if base(from) != from || !self.accounts.contains(&from) {
            return Err(Refusal::UnknownAccount);
        }
        let available = self.available(from);
        if micros > available {
            let (needed, available) = (credits(micros), credits(available));
            return Err(Refusal::InsufficientCredits { needed, available });
        }
        let (state, refunds, made, due) = (State::Open, vec![], self.hours, self.hours + hours);
        self.holds.push(Hold { account: from, micros, due, state, refunds, made, of_call });
        Ok(self.holds.len() - 1)
    }

    pub(super) fn capture(&mut self, target: Target, part: Part) -> Result<Answer, Refusal> {
        let hold = self.find(target)?;
        // What a call costs is for the host alone to say.
        if self.holds[hold].of_call {
            return Err(Refusal::UnknownHold);
        }
        self.take(hold, part).map(Answer::Captured)
    }

    pub(super) fn take(&mut self, hold: usize, part: Part) -> Result<i64, Refusal> {
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

    pub(super) fn cancel(&mut self, target: Target) -> Result<Answer, Refusal> {
        let hold = self.find(target)?;
        match self.holds[hold].state {
            State::Captured(_) => return Err(Refusal::AlreadyCaptured),
            State::Open => self.holds[hold].state = State::Cancelled,
            State::Cancelled | State::Expired => {}
        }
        Ok(Answer::Done)
    }

    /// A release is a cancel for which not everybody may ask at any time.
    pub(super) fn release(
        &mut self,
        target: Target,
        owner: Option<usize>,
        hours: Option<i64>,
    ) -> Result<Answer, Refusal> {
        let hold = &self.holds[self.find(target)?];
        let foreign = owner.is_some_and(|owner| base_name(owner) != hold.account.name);
        if foreign || hold.of_call {
            return Err(Refusal::UnknownHold);
        }
        let young = hours.is_some_and(|hours| self.hours - hold.made < hours);
        if young && hold.state == State::Open {
            return Err(Refusal::TooYoung);
        }
        self.cancel(target)
    }

    pub(super) fn refund(
        &mut self,
        target: Target,
        part: Part,
        key: Option<u8>,
        request: &str,
    ) -> Result<Answer, Refusal> {
        let key = key.map(|key| format!("refund {key}"));
        if let Some(answer) = self.recall(key.as_deref(), request) {
            return Ok(answer);
        }
        let number = self.find(target)?;
        let hold = &self.holds[number];
        let asked = part.of(hold.micros).unwrap_or(hold.micros);
        one_operation(asked)?;
        let State::Captured(captured) = hold.state else { return Err(Refusal::NothingToRefund) };
        let left = captured - hold.refunds.iter().sum::<i64>();
        if asked > left {
            return Err(Refusal::AboveCaptured { asked: credits(asked), left: credits(left) });
        }
        let account = hold.account;
        self.check_room(account, asked)?;
        self.holds[number].refunds.push(asked);
        let answer = Answer::Balance(self.balance(account));
        self.keep(key, request, answer);
        Ok(answer)
    }

    /// The hold, unless there is none, or another service than its own asks.
    fn find(&self, target: Target) -> Result<usize, Refusal> {
        let found = target.hold.among(self.holds.len()).filter(|_| !target.stranger);
        found.ok_or(Refusal::UnknownHold)
    }
}
