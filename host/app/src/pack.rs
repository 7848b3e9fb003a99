//! Packs.

use stokehold_ledger::{Cents, Credits};
use stokehold_store::{NewPack, Pack};

use crate::app::App;
use crate::caller::Caller;
use crate::error::Error;

/// What a provider puts up for sale.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the fields are those of a pack")]
pub struct PackRequest {
    pub name: String,
    pub description: String,
    pub credits: Credits,
    pub price: Cents,
}

impl App {
    /// Puts credits up for sale.
    pub async fn create_pack(
        &self,
        caller: Caller,
        service: &str,
        request: PackRequest,
    ) -> Result<Pack, Error> {
        let live = self.managed(caller, service)?;
        let mut faults = Vec::new();
        if request.name.trim().is_empty() || request.name.len() > 100 {
            faults.push("name has to have 1 to 100 characters".to_owned());
        }
        if request.credits.is_zero() {
            faults.push("credits has to be above zero".to_owned());
        }
        if !(Cents(0)..=Cents::PRICE_MAX).contains(&request.price) {
            faults.push(format!("price_cents has to be from 0 to {}", Cents::PRICE_MAX.0));
        }
        if !faults.is_empty() {
            return Err(Error::Invalid(faults));
        }
        let new = NewPack {
            name: request.name,
            description: request.description,
            credits: request.credits,
            price: request.price,
        };
        Ok(self.store.create_pack(live.service.id, new).await?)
    }

    /// What a service has for sale. Everybody with a token may know.
    pub async fn packs(&self, service: &str) -> Result<Vec<Pack>, Error> {
        let live = self.catalogue.by_name(service).ok_or(Error::NotFound("service"))?;
        Ok(self.store.packs(live.service.id).await?)
    }
}
