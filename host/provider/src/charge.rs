//! What is charged, and the charge around a piece of work.

use std::time::Duration;

use stokehold_ledger::Credits;
use thiserror::Error;

use crate::broker::Broker;
use crate::error::Error;
use crate::transaction::{Transaction, detached};

/// What to hold, and of whom.
#[derive(Clone, Debug)]
pub struct Charge {
    pub(crate) account_token: String,
    pub(crate) credits: Credits,
    pub(crate) description: Option<String>,
    pub(crate) dbuuid: Option<String>,
    pub(crate) credit_template: Option<String>,
    pub(crate) ttl: Option<Duration>,
}

/// Why a charge came to nothing.
#[derive(Debug, Error)]
pub enum ChargeError<E> {
    /// Nothing was held, and the work was not begun.
    #[error("the charge was not authorized")]
    Authorize(#[source] Error),
    /// The work failed, and the hold was cancelled.
    #[error("the work failed, and nothing is charged")]
    Body(#[source] E),
    /// The work was done, but not paid for, or so it seems: the hold stays as it is.
    #[error("the work was done, but its charge was not captured")]
    Capture(#[source] Error),
}

impl Charge {
    /// `credits` of the account that the client named.
    pub fn new(account_token: impl Into<String>, credits: Credits) -> Self {
        Self {
            account_token: account_token.into(),
            credits,
            description: None,
            dbuuid: None,
            credit_template: None,
            ttl: None,
        }
    }

    /// Why the charge exists, for the client's statement.
    #[must_use]
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = Some(text.into());
        self
    }

    /// The client's database: one that is eligible gets the service's trial credits, once.
    #[must_use]
    pub fn dbuuid(mut self, uuid: impl Into<String>) -> Self {
        self.dbuuid = Some(uuid.into());
        self
    }

    /// HTML that tells the client what credits are good for, where there are too few.
    #[must_use]
    pub fn credit_template(mut self, html: impl Into<String>) -> Self {
        self.credit_template = Some(html.into());
        self
    }

    /// How long the hold may stay open; then the broker cancels it. A broker's own time is long,
    /// 180 days as a rule: a little more than the work may take is better.
    #[must_use]
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }
}

impl Broker {
    /// Authorizes a charge, does the work, and captures [`Transaction::credit`].
    ///
    /// Where the work fails, panics, or the future is dropped, the hold is cancelled: in a task
    /// of its own, so that nobody has to wait for it. Needs a Tokio runtime.
    pub async fn charge<T, E>(
        &self,
        charge: Charge,
        body: impl AsyncFnOnce(&mut Transaction) -> Result<T, E>,
    ) -> Result<T, ChargeError<E>> {
        let opened = detached(Transaction::open(self.clone(), charge));
        let mut transaction = opened.await.map_err(ChargeError::Authorize)?;
        match body(&mut transaction).await {
            Ok(done) => {
                detached(transaction.capture()).await.map_err(ChargeError::Capture)?;
                Ok(done)
            }
            Err(error) => {
                transaction.cancel().await;
                Err(ChargeError::Body(error))
            }
        }
    }
}
