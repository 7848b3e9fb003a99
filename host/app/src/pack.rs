//! Packs.

use stokehold_ledger::{Cents, Credits, PackId};
use stokehold_store::{NewPack, Pack, PackChange};

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
        let (name, credits, price) = (&request.name, request.credits, request.price);
        check(Some(name), Some(credits), Some(price))?;
        let new = NewPack {
            name: request.name,
            description: request.description,
            credits: request.credits,
            price: request.price,
        };
        Ok(self.store.create_pack(live.service.id, new).await?)
    }

    /// Changes a pack. Orders keep the terms they were made on.
    pub async fn change_pack(
        &self,
        caller: Caller,
        service: &str,
        id: PackId,
        change: PackChange,
    ) -> Result<Pack, Error> {
        let live = self.managed(caller, service)?;
        check(change.name.as_deref(), change.credits, change.price)?;
        Ok(self.store.change_pack(live.service.id, id, change).await?)
    }

    /// Takes a pack out of sale.
    pub async fn delete_pack(
        &self,
        caller: Caller,
        service: &str,
        id: PackId,
    ) -> Result<(), Error> {
        let live = self.managed(caller, service)?;
        Ok(self.store.delete_pack(live.service.id, id).await?)
    }

    /// What a service has for sale. Everybody with a token may know.
    pub async fn packs(&self, service: &str) -> Result<Vec<Pack>, Error> {
        let live = self.catalogue.by_name(service).ok_or(Error::NotFound("service"))?;
        Ok(self.store.packs(live.service.id).await?)
    }
}

fn check(name: Option<&str>, credits: Option<Credits>, price: Option<Cents>) -> Result<(), Error> {
    let mut faults = Vec::new();
    if name.is_some_and(|name| name.trim().is_empty() || name.len() > 100) {
        faults.push("name has to have 1 to 100 characters".to_owned());
    }
    if credits.is_some_and(Credits::is_zero) {
        faults.push("credits has to be above zero".to_owned());
    }
    if price.is_some_and(|price| !(Cents(0)..=Cents::PRICE_MAX).contains(&price)) {
        faults.push(format!("price_cents has to be from 0 to {}", Cents::PRICE_MAX.0));
    }
    if faults.is_empty() { Ok(()) } else { Err(Error::Invalid(faults)) }
}
