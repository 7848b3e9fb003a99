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

/// How many holds one sweep expires, so that nobody waits long after a day without a server.
const SWEPT_MAX: u32 = 512;

/// Expires what is due, of whatever accounts.
pub(crate) struct Sweep;

impl Op for Sweep {
    type Answer = ();

    fn want(&self, wanted: &mut Wanted) {
        wanted.swept_max = SWEPT_MAX;
    }

    fn decide(&self, _: &mut WorkingSet) -> Result<(), Error> {
        Ok(())
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
    /// Lets holds expire that are due, and forgets answers that are too old to be repeated: some of
    /// each, for this is asked for again and again.
    pub async fn expire_holds(&self) -> Result<(), Error> {
        self.submit(Sweep).await
    }
}
