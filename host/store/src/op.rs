//! Operations: writes so frequent that a whole group of them is loaded, decided and written at once.
//!
//! Everything else is a cold write: a closure over the database, see [`crate::job`].

use stokehold_ledger::{AccountKey, CallId, HoldId, ServiceId};

use crate::error::Error;
use crate::replay::Once;
use crate::working_set::WorkingSet;

/// A write that is decided on rows in memory.
pub(crate) trait Op: Send + 'static {
    /// What the caller is told.
    type Answer: Send;

    /// Names the rows that it will be decided on.
    fn want(&self, wanted: &mut Wanted);

    /// Decides, and puts what is to be written into the set. What it has put there stays, also where
    /// it answers an error: a refusal comes before the first change, except for the note of a
    /// refusal for its repeats.
    ///
    /// It may be asked more than once, each time on rows that know nothing of the time before.
    fn decide(&self, rows: &mut WorkingSet) -> Result<Self::Answer, Error>;
}

/// The rows that a group of operations is decided on. The same may be named twice.
#[derive(Default)]
pub(crate) struct Wanted {
    /// Accounts by their names.
    pub(crate) accounts: Vec<(ServiceId, AccountKey)>,
    /// Holds, with their accounts.
    pub(crate) holds: Vec<HoldId>,
    /// Records of calls.
    pub(crate) calls: Vec<CallId>,
    /// Keys under which an answer may have been kept.
    pub(crate) replays: Vec<[u8; 32]>,
    /// Services and databases, where the database may have the service's trial credits to come.
    pub(crate) trials: Vec<(ServiceId, String)>,
    /// Accounts by their names, where what their calls cost today is limited.
    pub(crate) spending: Vec<(ServiceId, AccountKey)>,
    /// How many holds to expire of whatever accounts. Those of the accounts above are expired
    /// anyway, all that are due.
    pub(crate) swept_max: u32,
}

impl Wanted {
    /// Names the answer that may have been kept for a repeat.
    pub(crate) fn replay(&mut self, once: Option<&Once>) {
        self.replays.extend(once.map(|once| once.key));
    }
}
