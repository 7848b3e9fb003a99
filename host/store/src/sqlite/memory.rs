//! What the writer knows from one transaction to the next without reading it again.

use super::accounts::Accounts;
use super::requests::Requests;
use crate::db::Db;
use crate::error::Error;

/// See the module. It changes with the transaction: once that took place, or not at all.
pub(super) struct Memory {
    pub(super) accounts: Accounts,
    pub(super) requests: Requests,
}

impl Memory {
    /// Of a database that was just opened. Of requests that have made a hold `requests_max` are known.
    pub(super) fn load(db: Db<'_>, requests_max: usize) -> Result<Self, Error> {
        let requests = Requests::load(db, requests_max)?;
        Ok(Self { accounts: Accounts::default(), requests })
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
