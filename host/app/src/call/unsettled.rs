//! Calls whose end could not be written: the database was away for longer than anybody waits.
//!
//! What they came to stays in memory and is written once the database is back, so that a service
//! that was provided is paid, and whoever repeats the request hears of it. There are no more than
//! calls that were under way. A host that stops before cancels them at its next start, as it does
//! calls that were cut off.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use stokehold_ledger::{CallId, Credits, Refusal};
use stokehold_store::{Error as StoreError, Settlement, Spent};

use crate::app::App;

/// See the module.
#[derive(Default)]
pub(crate) struct Unsettled(Mutex<Vec<Ending>>);

/// How a call has ended.
#[derive(Clone)]
struct Ending {
    id: CallId,
    settlement: Settlement,
    spent: Arc<Spent>,
}

impl Unsettled {
    fn lock(&self) -> MutexGuard<'_, Vec<Ending>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl App {
    /// Captures or cancels, and completes the record, in one durable step; later, where the database
    /// is away. The error is for whoever waits for the answer now.
    pub(super) async fn settle_call(
        &self,
        id: CallId,
        settlement: Settlement,
        spent: Spent,
    ) -> Result<(Credits, Option<Refusal>), StoreError> {
        let ending = Ending { id, settlement, spent: Arc::new(spent) };
        let settled = self.write(&ending).await;
        if settled.as_ref().is_err_and(is_away) {
            self.unsettled.lock().push(ending);
        }
        settled
    }

    /// Sees to it that a call of which nobody knows whether it has begun has not.
    pub(super) fn disown(&self, id: CallId) {
        let spent = Spent::cut_off("The database failed as the call began. Nothing was charged.");
        let ending = Ending { id, settlement: Settlement::Cancel, spent: Arc::new(spent) };
        self.unsettled.lock().push(ending);
    }

    /// Writes what could not be written before.
    pub(crate) async fn settle_rest(&self) -> Result<(), StoreError> {
        let mut rest = mem::take(&mut *self.unsettled.lock());
        while let Some(ending) = rest.last() {
            match self.write(ending).await {
                Err(error) if is_away(&error) => {
                    self.unsettled.lock().append(&mut rest);
                    return Err(error);
                }
                Ok(_) => {
                    tracing::warn!(call = %ending.id, "a call that had ended before is settled");
                }
                // It was written all the same, or the call had never begun.
                Err(StoreError::NotFound(_)) => {}
                Err(error) => {
                    tracing::error!(call = %ending.id, %error, "a call cannot be settled");
                }
            }
            rest.pop();
            self.ended.send_replace(());
        }
        Ok(())
    }

    async fn write(&self, ending: &Ending) -> Result<(Credits, Option<Refusal>), StoreError> {
        let Ending { id, settlement, spent } = ending;
        self.store.settle_call(*id, *settlement, spent.clone()).await
    }
}

/// Whether it may be written another time, or was written and nobody knows.
fn is_away(error: &StoreError) -> bool {
    matches!(error, StoreError::Busy | StoreError::NotWritten | StoreError::OutcomeUnknown)
}
