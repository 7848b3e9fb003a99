//! Grants, trial credits, repeats, and what an account's owner has set.

use stokehold_ledger::Refusal;

use super::{Answer, Model, base, base_name, nameable};
use crate::step::{ADDRESSES, NAMES, Place, TRIALS};

/// An answer that is kept for repeats.
#[derive(Debug)]
pub(super) struct Kept {
    request: String,
    answer: Answer,
    hour: i64,
}

/// When and who is warned. A threshold of zero warns never.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Setting {
    pub(super) threshold: i64,
    pub(super) addresses: &'static [&'static str],
}

impl Model {
    /// What the owner of each account of a name has set: by service.
    pub(crate) fn settings(&self, name: usize) -> Vec<(usize, i64, &'static [&'static str])> {
        let own = self.accounts.iter().filter(|account| account.name == base_name(name));
        let own = own.map(|account| {
            let setting = self.settings.get(account).copied().unwrap_or_default();
            (account.service, setting.threshold, setting.addresses)
        });
        own.collect()
    }

    pub(super) fn grant(
        &mut self,
        to: Place,
        micros: i64,
        key: Option<u8>,
        request: &str,
    ) -> Result<Answer, Refusal> {
        let key = key.map(|key| format!("grant {key}"));
        if let Some(answer) = self.recall(key.as_deref(), request) {
            return Ok(answer);
        }
        let account = nameable(to)?;
        self.check_room(account, micros)?;
        self.accounts.insert(account);
        self.gifts.push((account, micros));
        let answer = Answer::Balance(self.balance(account));
        self.keep(key, request, answer);
        Ok(answer)
    }

    pub(super) fn set_eligible(&mut self, database: usize, eligible: bool) -> Answer {
        if eligible {
            self.eligible.insert(database);
        } else if !self.eligible.remove(&database) {
            return Answer::NotFound;
        }
        Answer::Done
    }

    /// The trial credits of a database's first use of a service. They wait for another time where
    /// the account has no room for them.
    pub(super) fn trial(&mut self, from: Place, database: Option<usize>) {
        let Some(database) = database.filter(|database| self.eligible.contains(database)) else {
            return;
        };
        let (micros, once) = (TRIALS[from.service], (from.service, database));
        let may_pay = base(from) == from && NAMES[from.name] != "dummy_value";
        if !may_pay || self.trials.contains(&once) || self.check_room(from, micros).is_err() {
            return;
        }
        self.trials.insert(once);
        self.accounts.insert(from);
        self.gifts.push((from, micros));
        self.watch();
    }

    pub(super) fn set_warning(
        &mut self,
        name: usize,
        threshold: Option<i64>,
        addresses: Option<usize>,
    ) -> Answer {
        let own = self.accounts.iter().filter(|account| account.name == base_name(name));
        let mut answer = Answer::NotFound;
        for account in own {
            answer = Answer::Done;
            let setting = self.settings.entry(*account).or_default();
            setting.threshold = threshold.unwrap_or(setting.threshold);
            setting.addresses = addresses.map_or(setting.addresses, |which| ADDRESSES[which]);
        }
        answer
    }

    /// The answer that was given under this key within the last day.
    pub(super) fn recall(&self, key: Option<&str>, request: &str) -> Option<Answer> {
        let kept = self.kept.get(key?)?;
        if self.hours - kept.hour >= 24 {
            return None;
        }
        Some(if kept.request == request { kept.answer } else { Answer::KeyReused })
    }

    pub(super) fn keep(&mut self, key: Option<String>, request: &str, answer: Answer) {
        if let Some(key) = key {
            let (request, hour) = (request.to_owned(), self.hours);
            self.kept.insert(key, Kept { request, answer, hour });
        }
    }
}
