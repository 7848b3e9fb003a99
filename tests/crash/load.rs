//! What one client does until it is cut off or told to stop.

use std::sync::atomic::{AtomicBool, Ordering};

use fastrand::Rng;
use stokehold_ledger::Credits;

use crate::caller::Caller;
use crate::heard::Heard;
use crate::journal::{Call, End, Grant, Hold, Journal};

/// One client of a cycle.
pub(crate) struct Worker {
    pub(crate) caller: Caller,
    pub(crate) rng: Rng,
    /// What its keys begin with: no other client's do.
    pub(crate) name: String,
    /// Its own account, and one that all clients share.
    pub(crate) accounts: [String; 2],
    pub(crate) journal: Journal,
}

impl Worker {
    /// Works, and answers what it attempted and heard.
    pub(crate) fn work(mut self, stop: &AtomicBool) -> Journal {
        self.grant();
        while !self.caller.is_cut_off && !stop.load(Ordering::Relaxed) {
            match self.rng.u8(..10) {
                0 => self.grant(),
                1..7 => self.hold(),
                7 | 8 => self.call(),
                _ => self.repeat(),
            }
        }
        self.journal.requests = self.caller.requests;
        self.journal
    }

    fn key(&self) -> String {
        format!("{}-{}", self.name, self.caller.requests)
    }

    fn account(&mut self) -> String {
        self.accounts[self.rng.usize(..2)].clone()
    }

    /// So few that accounts run short at times.
    fn credits(&mut self, most: i64) -> Credits {
        Credits::from_micros(self.rng.i64(1..=most) * 1_000)
    }

    fn grant(&mut self) {
        let (account, key, credits) = (self.account(), self.key(), self.credits(5_000));
        let mut grant = Grant { account, key, credits, heard: Heard::Nothing };
        grant.heard = self.caller.grant(&grant);
        self.journal.grants.push(grant);
    }

    /// A hold, which mostly ends at once: captured in part or whole, or cancelled.
    fn hold(&mut self) {
        let (account, key, credits) = (self.account(), self.key(), self.credits(1_000));
        let mut hold = Hold { account, key, credits, heard: Heard::Nothing, end: None };
        hold.heard = self.caller.authorize(&hold);
        if let Some(transaction) = hold.heard.done().filter(|_| !self.caller.is_cut_off) {
            let part = Credits::from_micros(self.rng.i64(0..=credits.micros()));
            let end = match self.rng.u8(..10) {
                0..4 => Some(End::Capture(credits)),
                4..6 => Some(End::Capture(part)),
                6..8 => Some(End::Cancel),
                _ => None,
            };
            hold.end = end.map(|end| (end, self.caller.end(transaction, end)));
        }
        self.journal.holds.push(hold);
    }

    fn call(&mut self) {
        let (account, key) = (self.account(), self.key());
        let mut call = Call { account, key, heard: Heard::Nothing };
        call.heard = self.caller.call(&call);
        self.journal.calls.push(call);
    }

    /// Sends an earlier authorize again, as a client that has lost the answer does.
    fn repeat(&mut self) {
        let Some(hold) = self.rng.choice(&mut self.journal.holds) else { return };
        let again = self.caller.authorize(hold);
        if !again.is_unknown() && !hold.heard.is_unknown() && again != hold.heard {
            let what = format!("{} was answered {:?}, then {again:?}", hold.key, hold.heard);
            self.journal.contradictions.push(what);
        }
        if hold.heard.is_unknown() {
            hold.heard = again;
        }
    }
}
