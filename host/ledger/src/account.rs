//! Accounts.

use crate::credits::Credits;
use crate::id::{AccountId, ServiceId};

/// One client's credits for one service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// Which account this is.
    pub id: AccountId,
    /// The service whose credits it holds.
    pub service: ServiceId,
    /// All that was granted less all that was captured: the sum of the account's entries.
    pub balance: Credits,
    /// The part of the balance that open holds have set aside: the sum of their amounts.
    pub held: Credits,
}

impl Account {
    /// A new account, with nothing on it.
    pub const fn empty(id: AccountId, service: ServiceId) -> Self {
        Self { id, service, balance: Credits::ZERO, held: Credits::ZERO }
    }

    /// What a new hold may take: the balance less what is held. Never below zero.
    pub fn available(&self) -> Credits {
        self.balance.checked_sub(self.held).unwrap_or(Credits::ZERO)
    }
}
