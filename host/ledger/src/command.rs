//! What can be asked of the ledger.

use crate::credits::Credits;
use crate::id::HoldId;
use crate::money::{BasisPoints, Cents};
use crate::time::Span;

/// One request to the ledger, about one account and at most one hold of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Add credits to the account.
    Grant {
        /// How much. Above zero.
        amount: Credits,
        /// Where they come from.
        source: Source,
    },
    /// Set credits aside.
    Authorize {
        /// The id of the hold to make.
        hold: HoldId,
        /// How much. Above zero.
        amount: Credits,
        /// How long the hold may stay open.
        ttl: Span,
        /// Why the charge exists, in words for the client's statement.
        description: Option<String>,
    },
    /// Take what the hold has set aside, or this much of it, and release the rest.
    Capture(Option<Credits>),
    /// Release what the hold has set aside.
    Cancel,
    /// Release what the hold has set aside because its time is over.
    Expire,
    /// Give back this much of what the hold has captured.
    Refund(Credits),
    /// Take back a pack and give back its price.
    RefundOrder {
        /// The credits that were bought. All of them have to be available.
        credits: Credits,
        /// What was paid.
        price: Cents,
        /// The operator's share of it.
        commission: BasisPoints,
    },
}

/// Where granted credits come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The operator or the provider gives them.
    Gift,
    /// The service's trial credits.
    Trial,
    /// A pack was bought.
    Order {
        /// What was paid.
        price: Cents,
        /// The operator's share of it.
        commission: BasisPoints,
    },
}
