//! Every way in which the ledger says no.

use thiserror::Error;

use crate::credits::Credits;

/// Why a command was refused. A refused command moves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// A grant or a hold of no credits.
    #[error("the amount must be above zero")]
    ZeroAmount,
    /// Above [`Credits::OPERATION_MAX`].
    #[error("{0} credits are above the limit of {max} for one operation", max = Credits::OPERATION_MAX)]
    AboveOperationMax(Credits),
    /// The account would hold more than [`Credits::ACCOUNT_MAX`].
    #[error("the account would hold more than {max} credits", max = Credits::ACCOUNT_MAX)]
    AboveAccountMax,
    /// A price that is negative or above [`crate::Cents::PRICE_MAX`].
    #[error("the price is out of range")]
    PriceOutOfRange,
    /// No account has this token for this service.
    #[error("no such account")]
    UnknownAccount,
    /// Less is available than asked for.
    #[error("{needed} credits are needed and {available} are available")]
    InsufficientCredits {
        /// What was asked for.
        needed: Credits,
        /// What a hold could have taken.
        available: Credits,
    },
    /// No such hold, or a hold of another service: nobody is told which.
    #[error("no such transaction")]
    UnknownHold,
    /// A capture of more than is held. The hold stays open.
    #[error("{asked} credits cannot be captured: {held} are held")]
    AboveHold {
        /// What was to be captured.
        asked: Credits,
        /// What is held.
        held: Credits,
    },
    /// A refund of a hold that was not captured, or of an order that was not paid.
    #[error("nothing was taken that could be given back")]
    NothingToRefund,
    /// A payment of an order that was refunded.
    #[error("the order was refunded")]
    OrderRefunded,
    /// A refund of more than is left of what was captured.
    #[error("{asked} credits cannot be given back: {left} are left of what was captured")]
    AboveCaptured {
        /// What was to be given back.
        asked: Credits,
        /// What was captured and not given back yet.
        left: Credits,
    },
    /// A cancel after a capture.
    #[error("the transaction was already captured")]
    AlreadyCaptured,
    /// A capture after a cancel.
    #[error("the transaction was already cancelled")]
    AlreadyCancelled,
    /// A capture after the hold expired.
    #[error("the transaction has expired")]
    Expired,
    /// A client may not release the hold yet: its provider may still be at work.
    #[error("the transaction is too young to be released")]
    TooYoung,
    /// The hold is open, and its time is not over.
    #[error("the transaction has not expired yet")]
    NotDue,
}
