//! An open hold that nobody can forget.

use std::panic::resume_unwind;

use stokehold_ledger::Credits;
use tokio::runtime::Handle;

use crate::broker::{Broker, TransactionToken};
use crate::charge::Charge;
use crate::error::Error;

/// The hold of a running charge. Dropped before its end, it is cancelled.
#[derive(Debug)]
pub struct Transaction {
    broker: Broker,
    token: TransactionToken,
    credit: Credits,
    is_open: bool,
}

impl Transaction {
    pub(crate) async fn open(broker: Broker, charge: Charge) -> Result<Self, Error> {
        let token = broker.authorize(&charge).await?;
        Ok(Self { broker, token, credit: charge.credits, is_open: true })
    }

    /// The transaction token.
    pub fn token(&self) -> &TransactionToken {
        &self.token
    }

    /// How much will be captured.
    pub fn credit(&self) -> Credits {
        self.credit
    }

    /// Lowers what will be captured to `credits`. Nothing raises it: more than now is as now.
    pub fn capture_at_most(&mut self, credits: Credits) {
        self.credit = self.credit.min(credits).max(Credits::ZERO);
    }

    /// From here on the hold is the broker's: after a capture whose answer was lost, a cancel
    /// could only be wrong.
    pub(crate) async fn capture(mut self) -> Result<(), Error> {
        self.is_open = false;
        self.broker.capture(&self.token, self.credit).await
    }

    /// A hold that cannot be cancelled now expires: there is a better error to tell of.
    pub(crate) async fn cancel(mut self) {
        self.is_open = false;
        let (broker, token) = (self.broker.clone(), self.token.clone());
        let cancelled = detached(async move { broker.cancel(&token).await }).await;
        warn_unless(cancelled);
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if !self.is_open {
            return;
        }
        let (broker, token) = (self.broker.clone(), self.token.clone());
        match Handle::try_current() {
            Ok(runtime) => {
                runtime.spawn(async move { warn_unless(broker.cancel(&token).await) });
            }
            Err(_) => warn_unless(Err(Error::Stopped)),
        }
    }
}

fn warn_unless(cancelled: Result<(), Error>) {
    if let Err(error) = cancelled {
        let error = &error as &dyn std::error::Error;
        tracing::warn!(error, "a hold was not cancelled, and stays until it expires");
    }
}

/// Runs a request to its end, even where whoever waits for it goes away. Then its result is
/// dropped: a [`Transaction`] that nobody took is cancelled.
pub(crate) async fn detached<T: Send + 'static>(
    request: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Result<T, Error> {
    match tokio::spawn(request).await {
        Ok(result) => result,
        Err(ended) if ended.is_panic() => resume_unwind(ended.into_panic()),
        Err(_) => Err(Error::Stopped),
    }
}
