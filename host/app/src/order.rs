//! Orders.

use stokehold_ledger::{AccountToken, PackId};
use stokehold_store::{Mode, Order, ServiceStatus};

use crate::app::App;
use crate::error::Error;
use crate::sandbox;

/// What a client wants to buy.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the fields are those of an order")]
pub struct OrderRequest {
    pub service: String,
    pub account_token: AccountToken,
    pub pack: PackId,
}

impl App {
    /// Buys a pack. In the sandbox it is paid at once.
    pub async fn create_order(&self, request: OrderRequest) -> Result<Order, Error> {
        let live = self.catalogue.by_name(&request.service).ok_or(Error::NotFound("service"))?;
        let service = &live.service;
        check_account(&request.account_token)?;
        if service.status != ServiceStatus::Active {
            return Err(Error::Conflict(format!(
                "{} is {}",
                service.name,
                service.status.as_str()
            )));
        }
        if self.mode() == Mode::Production {
            return Err(Error::Conflict(
                "this host has no way to take payments; its operator can grant credits".into(),
            ));
        }
        let (token, commission) = (&request.account_token, service.commission);
        let order =
            self.store.create_paid_order(service.id, token, request.pack, commission).await?;
        tracing::info!(service = service.name, order = %order.id, "order paid");
        Ok(order)
    }
}

/// Refuses tokens that no account is ever made for.
pub(crate) fn check_account(token: &AccountToken) -> Result<(), Error> {
    if sandbox::is_reserved(token) {
        return Err(Error::invalid("this account token is reserved: no account can have it"));
    }
    Ok(())
}
