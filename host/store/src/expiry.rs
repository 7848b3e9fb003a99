//! Holds whose time is over.
//!
//! What is due on an account expires before anything else is decided about it, so that what a hold
//! had set aside is available from the instant on at which it expires, and nothing waits for a
//! sweeper. The sweep, each second, is for accounts that nobody asks about.

use stokehold_ledger::{AccountKey, ServiceId};

use crate::error::Error;
use crate::op::{Op, Wanted};
use crate::store::Store;
use crate::working_set::WorkingSet;

/// How many holds are expired in one go: after a day without a server there are many, and who writes
/// meanwhile waits for one go at the most.
const SWEPT_MAX: u32 = 512;

/// Expires some of what is due, of whatever accounts. Answers whether there may be more.
pub(crate) struct Sweep;

impl Op for Sweep {
    type Answer = bool;

    fn want(&self, wanted: &mut Wanted) {
        wanted.swept_max = SWEPT_MAX;
    }

    fn decide(&self, rows: &mut WorkingSet) -> Result<bool, Error> {
        Ok(rows.expired() >= SWEPT_MAX)
    }
}

/// Expires what is due on one account, all of it.
pub(crate) struct ExpireOf(pub(crate) ServiceId, pub(crate) AccountKey);

impl Op for ExpireOf {
    type Answer = ();

    fn want(&self, wanted: &mut Wanted) {
        wanted.accounts.push((self.0, self.1));
    }

    fn decide(&self, _: &mut WorkingSet) -> Result<(), Error> {
        Ok(())
    }
}

impl Store {
    /// Lets all holds expire that are due, and forgets some of the answers that are too old to be
    /// repeated: of these there will be more when this is asked for again.
    pub async fn expire_holds(&self) -> Result<(), Error> {
        while self.submit(Sweep).await? {}
        Ok(())
    }
}
