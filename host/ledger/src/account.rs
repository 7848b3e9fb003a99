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
    /// The owner is warned when what is available falls to this or below it.
    pub warn_at: Option<Credits>,
}

impl Account {
    /// A new account, with nothing on it.
    pub const fn empty(id: AccountId, service: ServiceId) -> Self {
        Self { id, service, balance: Credits::ZERO, held: Credits::ZERO, warn_at: None }
    }

    /// Whether the owner is to be warned of the change from `before` to this: what is available has
    /// fallen to the threshold or below it, and was above it before.
    pub fn warns_after(&self, before: &Self) -> bool {
        let at = |account: &Self, threshold| account.available() <= threshold;
        self.warn_at.is_some_and(|threshold| at(self, threshold) && !at(before, threshold))
    }

    /// What a new hold may take: the balance less what is held. Never below zero.
    pub fn available(&self) -> Credits {
        self.balance.checked_sub(self.held).unwrap_or(Credits::ZERO)
    }
}
