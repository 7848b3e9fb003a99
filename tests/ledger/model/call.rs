//! Calls: they begin and end with their holds.

use stokehold_ledger::Refusal;

use super::hold::State;
use super::{Answer, Model, one_operation};
use crate::step::{Part, Want};

#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    hold: Option<usize>,
    status: &'static str,
}

impl Model {
    /// The status of each call.
    pub(crate) fn statuses(&self) -> impl Iterator<Item = &'static str> {
        self.calls.iter().map(|call| call.status)
    }

    pub(super) fn begin(
        &mut self,
        want: Want,
        key: Option<u8>,
        request: &str,
    ) -> Result<Answer, Refusal> {
        let key = key.map(|key| format!("call {key}"));
        if let Some(answer) = self.recall(key.as_deref(), request) {
            return Ok(answer);
        }
        let hold = if want.micros == 0 {
            self.trial(want.from, want.database);
            None
        } else {
            one_operation(want.micros)?;
            match self.authorize(want, true) {
                Ok(hold) => Some(hold),
                Err(refusal) => {
                    self.keep(key, request, Answer::Refused(refusal));
                    return Err(refusal);
                }
            }
        };
        self.calls.push(Call { hold, status: "running" });
        let answer = Answer::Begun(self.calls.len() - 1);
        self.keep(key, request, answer);
        Ok(answer)
    }

    pub(super) fn settle(&mut self, call: Option<usize>, part: Option<Part>) -> Answer {
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

    pub(super) fn recover(&mut self) -> Answer {
        let running = |call: &usize| self.calls[*call].status == "running";
        let cut_off: Vec<usize> = (0..self.calls.len()).filter(running).collect();
        for call in &cut_off {
            self.settle(Some(*call), None);
        }
        Answer::Recovered(cut_off.len())
    }
}
