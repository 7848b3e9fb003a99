//! The rows that a group of operations is decided on, and what is to be written of them.
//!
//! A store loads the set, the operations decide on it one after the other, each on what those before
//! it have left, and the store writes each row that has changed once, however often it has changed.
//! There is no SQL in here, so that every store decides alike.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use stokehold_ledger::{
    Account, AccountId, AccountKey, CallId, Change, Command, Credits, Decision, Hold, HoldId,
    Posting, Refusal, Rows, ServiceId, Timestamp, decide,
};

use crate::account::AccountRow;
use crate::call::{CallStatus, NewCall, Spent};
use crate::error::Error;
use crate::outbox::LowBalance;
use crate::posting::Chain;
use crate::replay::{self, Kept, Once, RequestDigest};
use crate::spending::{Spender, Spending};

/// See the module.
pub(crate) struct WorkingSet {
    now: Timestamp,
    accounts: HashMap<AccountId, KnownAccount>,
    names: HashMap<(ServiceId, AccountKey), AccountId>,
    holds: HashMap<HoldId, KnownHold>,
    due: Vec<HoldId>,
    expired: u32,
    calls: HashMap<CallId, KnownCall>,
    replays: HashMap<[u8; 32], Kept>,
    trials: HashSet<(ServiceId, String)>,
    spending: Spending,
    writes: Writes,
    changed_accounts: Vec<AccountId>,
    changed_holds: Vec<HoldId>,
}

/// What a group has changed, in the order in which it did.
#[derive(Default)]
pub(crate) struct Writes {
    /// Accounts as they now are, with the postings that they had before.
    pub(crate) accounts: Vec<AccountRow>,
    /// Holds that were made.
    pub(crate) made: Vec<Hold>,
    /// Holds that have ended.
    pub(crate) ended: Vec<Hold>,
    /// What was posted, each of one hold.
    pub(crate) postings: Vec<HoldPosting>,
    /// Ids for that, ascending, where the store has chosen them before.
    pub(crate) posting_ids: Vec<i64>,
    /// Calls that have begun.
    pub(crate) begun: Vec<BegunCall>,
    /// Calls that have left the queue.
    pub(crate) started: Vec<CallId>,
    /// Calls that have ended.
    pub(crate) settled: Vec<SettledCall>,
    /// Answers that are kept for a repeat.
    pub(crate) kept: Vec<(Once, String)>,
    /// Requests that have made a hold.
    pub(crate) requests: Vec<(RequestDigest, HoldId)>,
    /// Warnings that are due.
    pub(crate) warnings: Vec<LowBalance>,
    /// What accounts spend on days with a limit.
    pub(crate) spent: Vec<(Spender, Credits)>,
}

/// A call that has begun.
pub(crate) struct BegunCall {
    /// The call.
    pub(crate) new: Arc<NewCall>,
    /// Whose spending it counts towards, where that is limited.
    pub(crate) spender: Option<Spender>,
}

/// A posting of a hold.
pub(crate) struct HoldPosting {
    /// The account that it changes, as it is after it.
    pub(crate) account: Account,
    /// Where that stands among the changed accounts.
    pub(crate) position: usize,
    /// What caused it.
    pub(crate) hold: HoldId,
    /// What is posted.
    pub(crate) posting: Posting,
}

/// A call that has ended.
pub(crate) struct SettledCall {
    /// Which call.
    pub(crate) id: CallId,
    /// How it ended.
    pub(crate) status: CallStatus,
    /// What it captured.
    pub(crate) captured: Credits,
    /// Whether it still waited in the queue.
    pub(crate) was_queued: bool,
    /// What it has used.
    pub(crate) spent: Arc<Spent>,
    /// The fuel that it has used, not above what was bought.
    pub(crate) fuel_used: i64,
}

/// A call that is on record.
#[derive(Clone, Copy)]
pub(crate) struct KnownCall {
    /// The service that is called.
    pub(crate) service: ServiceId,
    /// What is held for it.
    pub(crate) credits: Credits,
    /// The fuel that this buys.
    pub(crate) fuel_bought: i64,
    /// Where it stands.
    pub(crate) status: CallStatus,
    /// Whose spending it counts towards, where that is limited.
    pub(crate) spender: Option<Spender>,
}

struct KnownAccount {
    row: AccountRow,
    /// Where it stands among the changed accounts.
    position: Option<usize>,
}

struct KnownHold {
    hold: Hold,
    is_call: bool,
    is_new: bool,
    is_changed: bool,
}

impl WorkingSet {
    /// An empty set, for decisions at the instant `now`.
    pub(crate) fn new(now: Timestamp) -> Self {
        Self {
            now,
            accounts: HashMap::new(),
            names: HashMap::new(),
            holds: HashMap::new(),
            due: Vec::new(),
            expired: 0,
            calls: HashMap::new(),
            replays: HashMap::new(),
            trials: HashSet::new(),
            spending: Spending::default(),
            writes: Writes::default(),
            changed_accounts: Vec::new(),
            changed_holds: Vec::new(),
        }
    }

    /// The instant of all decisions.
    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    /// The account of this name.
    pub(crate) fn account(&self, service: ServiceId, key: AccountKey) -> Option<&Account> {
        let id = self.names.get(&(service, key))?;
        self.accounts.get(id).map(|known| &known.row.account)
    }

    /// A hold of `service`, and whether it is a call's.
    pub(crate) fn hold(&self, service: ServiceId, id: HoldId) -> Result<(&Hold, bool), Refusal> {
        let known = self.holds.get(&id).filter(|known| known.hold.service == service);
        known.map(|known| (&known.hold, known.is_call)).ok_or(Refusal::UnknownHold)
    }

    /// A call.
    pub(crate) fn call(&self, id: CallId) -> Option<KnownCall> {
        self.calls.get(&id).copied()
    }

    /// Whether trial credits wait for this use of the service by this database.
    pub(crate) fn has_trial(&self, service: ServiceId, dbuuid: &str) -> bool {
        // Looked up by a tuple of its own, which is rare: nearly always there is no trial at all.
        !self.trials.is_empty() && self.trials.contains(&(service, dbuuid.to_owned()))
    }

    /// The answer that was given before under this key.
    pub(crate) fn recall(&self, once: Option<&Once>) -> Result<Option<&str>, Error> {
        let Some(once) = once else { return Ok(None) };
        replay::recall(once, self.replays.get(&once.key), self.now)
    }

    /// Keeps the answer for a repeat.
    pub(crate) fn remember(&mut self, once: Option<&Once>, answer: &impl ToString) {
        if let Some(once) = once {
            let answer = answer.to_string();
            let kept = Kept { fingerprint: once.fingerprint, answer: answer.clone(), at: self.now };
            self.replays.insert(once.key, kept);
            self.writes.kept.push((*once, answer));
        }
    }

    /// Keeps which hold the request has made, which is what [`Once::of_request`] recalls.
    pub(crate) fn remember_request(&mut self, request: Option<&RequestDigest>, hold: HoldId) {
        if let Some(request) = request {
            self.replays.insert(*request, Kept::of_request(hold, self.now));
            self.writes.requests.push((*request, hold));
        }
    }

    /// Ends a hold of `service`. Answers the hold as it then is.
    pub(crate) fn end(
        &mut self,
        service: ServiceId,
        id: HoldId,
        command: &Command,
    ) -> Result<Hold, Refusal> {
        let (hold, is_call) = self.hold(service, id)?;
        let account = self.accounts.get(&hold.account).ok_or(Refusal::UnknownHold)?;
        let account = Some(&account.row.account);
        let rows = Rows { account, hold: Some(hold), ..Rows::default() };
        match decide(rows, command, self.now)? {
            Decision::Change(change) => {
                let ended = change.hold.clone().ok_or(Refusal::UnknownHold)?;
                self.apply(change, is_call);
                Ok(ended)
            }
            Decision::Already(hold) => Ok(hold),
        }
    }

    /// Refuses what would bring an account's spending of a day above its limit.
    pub(crate) fn spends_within(
        &self,
        spender: Spender,
        credits: Credits,
        max: Credits,
    ) -> Result<(), Error> {
        self.spending.check(spender, credits, max)
    }

    /// Begins the record of a call, which counts towards the spending of `spender`.
    pub(crate) fn begin(&mut self, call: &Arc<NewCall>, spender: Option<Spender>) {
        let known = KnownCall {
            service: call.service,
            credits: call.credits,
            fuel_bought: call.fuel_bought(),
            status: call.first_status(),
            spender,
        };
        if let Some(spender) = spender {
            self.spending.add(spender, call.credits);
        }
        self.calls.insert(call.id, known);
        self.writes.begun.push(BegunCall { new: call.clone(), spender });
    }

    /// Takes a call out of the queue.
    pub(crate) fn start(&mut self, id: CallId) -> Result<(), Error> {
        let known = self.calls.get_mut(&id).filter(|known| known.status == CallStatus::Queued);
        known.ok_or(Error::NotFound("queued call"))?.status = CallStatus::Running;
        self.writes.started.push(id);
        Ok(())
    }

    /// Ends the record of a call.
    pub(crate) fn settle(&mut self, settled: SettledCall) {
        if let Some(known) = self.calls.get_mut(&settled.id) {
            known.status = settled.status;
            if let Some(spender) = known.spender {
                self.spending.give_back(spender, known.credits, settled.captured);
            }
        }
        self.writes.settled.push(settled);
    }

    /// Expires the holds that were loaded because they are due.
    pub(crate) fn expire(&mut self) {
        for id in std::mem::take(&mut self.due) {
            let Some(service) = self.holds.get(&id).map(|known| known.hold.service) else {
                continue;
            };
            match self.end(service, id, &Command::Expire) {
                Ok(_) => self.expired += 1,
                // Only a database that was altered by hand comes here; `verify` names the row.
                Err(refusal) => tracing::error!(hold = %id, %refusal, "a hold cannot expire"),
            }
        }
    }

    /// How many holds have expired.
    pub(crate) fn expired(&self) -> u32 {
        self.expired
    }

    /// Notes a change that was decided; `is_call`: of the hold of a call.
    pub(crate) fn apply(&mut self, change: Change, is_call: bool) {
        let Change { account, hold, posting } = change;
        let unknown = || KnownAccount {
            row: AccountRow { account, chain: Chain::default() },
            position: None,
        };
        let known = self.accounts.entry(account.id).or_insert_with(unknown);
        if account.warns_after(&known.row.account) {
            self.writes.warnings.push(LowBalance::of(&account));
        }
        known.row.account = account;
        let position = *known.position.get_or_insert_with(|| {
            self.changed_accounts.push(account.id);
            self.changed_accounts.len() - 1
        });
        let Some(hold) = hold else { return };
        let before = self.holds.get(&hold.id).map(|known| (known.is_new, known.is_changed));
        let (is_new, was_changed) = before.unwrap_or((true, false));
        if !was_changed {
            self.changed_holds.push(hold.id);
        }
        if let Some(posting) = posting {
            self.writes.postings.push(HoldPosting { account, position, hold: hold.id, posting });
        }
        self.holds.insert(hold.id, KnownHold { hold, is_call, is_new, is_changed: true });
    }

    /// All that is to be written.
    pub(crate) fn into_writes(mut self) -> Writes {
        let mut writes = self.writes;
        writes.spent = self.spending.into_changed();
        let accounts = self.changed_accounts.iter().filter_map(|id| self.accounts.get(id));
        writes.accounts.extend(accounts.map(|known| known.row));
        for id in &self.changed_holds {
            if let Some(known) = self.holds.remove(id) {
                if known.is_new { &mut writes.made } else { &mut writes.ended }.push(known.hold);
            }
        }
        writes
    }
}

/// What a store puts into the set before anything is decided.
impl WorkingSet {
    pub(crate) fn load_account(&mut self, row: AccountRow) {
        self.accounts.entry(row.account.id).or_insert(KnownAccount { row, position: None });
    }

    pub(crate) fn load_name(&mut self, service: ServiceId, key: AccountKey, account: AccountId) {
        self.names.insert((service, key), account);
    }

    pub(crate) fn load_hold(&mut self, hold: Hold, is_call: bool) {
        let known = KnownHold { hold, is_call, is_new: false, is_changed: false };
        self.holds.insert(known.hold.id, known);
    }

    /// A hold that is to expire before anything else is decided.
    pub(crate) fn load_due(&mut self, hold: Hold, is_call: bool) {
        self.due.push(hold.id);
        self.load_hold(hold, is_call);
    }

    pub(crate) fn load_call(&mut self, id: CallId, call: KnownCall) {
        self.calls.insert(id, call);
    }

    pub(crate) fn load_replay(&mut self, key: [u8; 32], kept: Kept) {
        self.replays.insert(key, kept);
    }

    pub(crate) fn load_trial(&mut self, service: ServiceId, dbuuid: &str) {
        self.trials.insert((service, dbuuid.to_owned()));
    }

    pub(crate) fn load_spending(&mut self, spender: Spender, credits: Credits) {
        self.spending.load(spender, credits);
    }

    /// Ids for what the group may post.
    pub(crate) fn load_posting_ids(&mut self, mut ids: Vec<i64>) {
        ids.sort_unstable();
        self.writes.posting_ids = ids;
    }

    /// Whether this hold was loaded.
    pub(crate) fn knows_hold(&self, id: HoldId) -> bool {
        self.holds.contains_key(&id)
    }

    /// Whether the account of this name was loaded.
    pub(crate) fn knows_name(&self, service: ServiceId, key: AccountKey) -> bool {
        self.names.contains_key(&(service, key))
    }

    /// Whether this account was loaded.
    pub(crate) fn knows_account(&self, id: AccountId) -> bool {
        self.accounts.contains_key(&id)
    }
}
