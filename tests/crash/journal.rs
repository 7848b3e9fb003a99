//! What clients attempted in one cycle, and what they heard of it.

use std::collections::BTreeSet;

use stokehold_ledger::Credits;

use crate::heard::Heard;

/// Everything that one client, or all of them, attempted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Journal {
    pub(crate) grants: Vec<Grant>,
    pub(crate) holds: Vec<Hold>,
    pub(crate) calls: Vec<Call>,
    /// Answers that differ from those that the same request had got before.
    pub(crate) contradictions: Vec<String>,
    /// How many requests were sent.
    pub(crate) requests: u64,
}

/// Credits that were to be given.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub(crate) account: String,
    /// Its idempotency key, and its reason on the statement.
    pub(crate) key: String,
    pub(crate) credits: Credits,
    /// The balance after it.
    pub(crate) heard: Heard<Credits>,
}

/// Credits that were to be held.
#[derive(Clone, Debug)]
pub(crate) struct Hold {
    pub(crate) account: String,
    /// Its idempotency key, and its description.
    pub(crate) key: String,
    pub(crate) credits: Credits,
    /// Its transaction token.
    pub(crate) heard: Heard<String>,
    /// The one way in which it was to end.
    pub(crate) end: Option<(End, Heard<()>)>,
}

impl Hold {
    /// The transaction token, where the client heard it.
    pub(crate) fn heard_token(&self) -> Option<&str> {
        self.heard.done().map(String::as_str)
    }
}

/// How a hold was to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Capture(Credits),
    Cancel,
}

/// A call of the hosted service.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) account: String,
    pub(crate) key: String,
    /// Its id, and what was captured.
    pub(crate) heard: Heard<(String, Credits)>,
}

impl Journal {
    /// Takes another client's journal into this one.
    pub(crate) fn merge(&mut self, other: Self) {
        self.grants.extend(other.grants);
        self.holds.extend(other.holds);
        self.calls.extend(other.calls);
        self.contradictions.extend(other.contradictions);
        self.requests += other.requests;
    }

    /// Every account that was named in an attempt.
    pub(crate) fn accounts(&self) -> BTreeSet<String> {
        let grants = self.grants.iter().map(|grant| &grant.account);
        let holds = self.holds.iter().map(|hold| &hold.account);
        let calls = self.calls.iter().map(|call| &call.account);
        grants.chain(holds).chain(calls).cloned().collect()
    }

    /// The parts of it that are of one account.
    pub(crate) fn of(&self, account: &str) -> Self {
        let is = |its: &String| its == account;
        Self {
            grants: self.grants.iter().filter(|grant| is(&grant.account)).cloned().collect(),
            holds: self.holds.iter().filter(|hold| is(&hold.account)).cloned().collect(),
            calls: self.calls.iter().filter(|call| is(&call.account)).cloned().collect(),
            ..Self::default()
        }
    }
}
