//! Holds.

use crate::credits::Credits;
use crate::id::{AccountId, HoldId, ServiceId};
use crate::time::Timestamp;

/// Credits set aside. A hold ends exactly once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Which hold this is; its text is the public transaction token.
    pub id: HoldId,
    /// The account whose credits are set aside.
    pub account: AccountId,
    /// The service that may capture them.
    pub service: ServiceId,
    /// How much is set aside. Above zero.
    pub amount: Credits,
    /// Whether and how it has ended.
    pub state: HoldState,
    /// When it was made.
    pub created_at: Timestamp,
    /// From this instant on it can no longer be captured.
    pub expires_at: Timestamp,
    /// Why the charge exists, in words for the client's statement.
    pub description: Option<String>,
}

/// Whether and how a hold has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldState {
    /// It has not: the amount is set aside.
    Open,
    /// Captured: this much was taken, the rest released.
    Captured(Credits),
    /// Cancelled: all of it was released.
    Cancelled,
    /// Expired: all of it was released because nobody captured it in time.
    Expired,
}

impl Hold {
    /// Whether the hold still sets its amount aside although its time is over.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.state == HoldState::Open && self.expires_at <= now
    }
}
