//! What the writer knows from one transaction to the next without reading it again.

use super::accounts::{ACCOUNTS_MAX, Accounts};
use super::requests::{REQUESTS_MAX, Requests};
use crate::db::Db;
use crate::error::Error;

/// How much of an SQLite database is known in memory, so that it need not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryMax {
    /// Requests that have made a hold. They are counted in sixteenths of this, and take 29 to 57
    /// bytes each. An older one is not recognised when it is repeated.
    pub requests: usize,
    /// Accounts that were paid with, 140 to 280 bytes each. Another one is read when it is needed.
    pub accounts: usize,
}

impl Default for MemoryMax {
    fn default() -> Self {
        Self { requests: REQUESTS_MAX, accounts: ACCOUNTS_MAX }
    }
}

/// See the module. It changes with the transaction: once that took place, or not at all.
pub(super) struct Memory {
    pub(super) accounts: Accounts,
    pub(super) requests: Requests,
}

impl Memory {
    /// Of a database that was just opened.
    pub(super) fn load(db: Db<'_>, max: MemoryMax) -> Result<Self, Error> {
        let requests = Requests::load(db, max.requests)?;
        Ok(Self { accounts: Accounts::new(max.accounts), requests })
    }

    /// How much is known at the most.
    pub(super) fn max(&self) -> MemoryMax {
        MemoryMax { requests: self.requests.max(), accounts: self.accounts.max() }
    }

    /// The transaction took place.
    pub(super) fn settled(&mut self) {
        self.accounts.settled();
        self.requests.settled();
    }

    /// The transaction did not take place.
    pub(super) fn undone(&mut self) {
        self.accounts.undone();
        self.requests.undone();
    }
}
