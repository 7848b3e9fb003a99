//! Holds: who has them open, releasing, giving back.

use std::time::Duration;

use stokehold_ledger::{AccountKey, Credits, Hold, HoldId, Span, Timestamp};
use stokehold_store::OpenHold;

use crate::app::App;
use crate::caller::Caller;
use crate::error::Error;
use crate::once::once;

impl App {
    /// Open holds of a service, the oldest first: up to `limit` after the hold `after`.
    pub async fn holds(
        &self,
        caller: Caller,
        service: &str,
        after: Option<HoldId>,
        limit: u32,
    ) -> Result<Vec<OpenHold>, Error> {
        let live = self.managed(caller, service)?;
        Ok(self.store.open_holds(live.service.id, None, after, limit).await?)
    }

    /// Releases a hold on its provider's word.
    pub async fn release(&self, caller: Caller, service: &str, id: HoldId) -> Result<(), Error> {
        let live = self.managed(caller, service)?;
        self.store.release(live.service.id, id, None, None).await?;
        tracing::info!(service, hold = %id, "hold released by its provider");
        Ok(())
    }

    /// Releases a hold on its account owner's word, if it is old enough: a provider that is still
    /// at work keeps its claim.
    pub async fn release_own(
        &self,
        service: &str,
        account: AccountKey,
        id: HoldId,
    ) -> Result<(), Error> {
        let live = self.catalogue.by_name(service).ok_or(Error::NotFound("service"))?;
        let instant = self.releasable_before();
        self.store.release(live.service.id, id, Some(account), Some(instant)).await?;
        tracing::info!(service, hold = %id, "hold released by its account's owner");
        Ok(())
    }

    /// From which instant on a hold's account owner may release it; `None` where they may now.
    pub fn releasable_from(&self, hold: &Hold) -> Option<Timestamp> {
        let is_young = hold.created_at > self.releasable_before();
        is_young.then(|| hold.created_at.after(self.release_age()))
    }

    /// Holds that were made before this instant may be released by their account's owner.
    fn releasable_before(&self) -> Timestamp {
        Timestamp(self.store.now().0.saturating_sub(self.release_age().micros()))
    }

    fn release_age(&self) -> Span {
        let minutes = u64::from(self.config.broker.release_after_minutes);
        Span::from_duration(Duration::from_secs(minutes * 60))
    }

    /// Gives back credits that a hold has captured, and answers the account's new balance.
    pub async fn refund(
        &self,
        caller: Caller,
        service: &str,
        id: HoldId,
        credits: Credits,
        reason: String,
        idempotency_key: Option<&str>,
    ) -> Result<Credits, Error> {
        let live = self.managed(caller, service)?;
        let parts = [
            id.0.as_bytes().to_vec(),
            credits.micros().to_be_bytes().to_vec(),
            reason.clone().into_bytes(),
        ];
        let once = once(live.service.id, "refund", idempotency_key, &parts);
        let once = once.map_err(Error::invalid)?;
        let balance = self.store.refund(live.service.id, id, credits, reason, once).await?;
        tracing::info!(service, hold = %id, %credits, "credits given back");
        Ok(balance)
    }
}
