//! Orders.

use stokehold_ledger::{AccountName, OrderId, PackId};
use stokehold_store::{Mode, NewOrder, Order, OrderStatus, ServiceStatus};

use crate::app::App;
use crate::caller::Caller;
use crate::error::Error;
use crate::once::once;
use crate::sandbox;

/// What a client wants to buy.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the fields are those of an order")]
pub struct OrderRequest {
    pub service: String,
    pub account: AccountName,
    pub pack: PackId,
    pub idempotency_key: Option<String>,
}

impl OrderRequest {
    /// A new idempotency key, for a form that may be sent twice.
    pub fn new_key() -> String {
        uuid::Uuid::now_v7().simple().to_string()
    }
}

impl App {
    /// Orders a pack. In the sandbox it is paid at once; in production it waits until the operator
    /// confirms the payment.
    pub async fn create_order(&self, request: OrderRequest) -> Result<Order, Error> {
        let live = self.catalogue.by_name(&request.service).ok_or(Error::NotFound("service"))?;
        let service = &live.service;
        check_account(&request.account)?;
        if service.status != ServiceStatus::Active {
            let status = service.status.as_str();
            return Err(Error::Conflict(format!("{} is {status}", service.name)));
        }
        let pack = request.pack.0.to_be_bytes();
        let parts = [&request.account.key.0 as &[u8], &pack];
        let once = once(service.id, "order", request.idempotency_key.as_deref(), &parts);
        let new = NewOrder {
            once: once.map_err(Error::invalid)?,
            service: service.id,
            account: request.account,
            pack: request.pack,
            commission: service.commission,
            paid: self.mode() == Mode::Sandbox,
        };
        let order = self.store.create_order(new).await?;
        let status = order.status.as_str();
        tracing::info!(service = service.name, order = %order.id, status, "order made");
        Ok(order)
    }

    /// An order, for its service's provider.
    pub async fn order(&self, caller: Caller, id: OrderId) -> Result<(String, Order), Error> {
        let order = self.store.order(id).await?;
        let service = self.catalogue.by_id(order.service).ok_or(Error::NotFound("order"))?;
        if !caller.manages(&service.service) {
            return Err(Error::NotFound("order"));
        }
        Ok((service.service.name.clone(), order))
    }

    /// Notes that an order was paid, and grants its credits. Once: a paid one stays as it is.
    pub async fn confirm_order(
        &self,
        caller: Caller,
        id: OrderId,
    ) -> Result<(String, Order), Error> {
        caller.check_operator()?;
        let (service, before) = self.order(caller, id).await?;
        if before.status == OrderStatus::Refunded {
            return Err(Error::Conflict("the order was refunded".into()));
        }
        let order = self.store.pay_order(id).await?;
        tracing::info!(service, order = %id, "order paid");
        Ok((service, order))
    }

    /// Takes an order's credits back and notes that its price was given back.
    pub async fn refund_order(
        &self,
        caller: Caller,
        id: OrderId,
        reason: String,
    ) -> Result<(String, Order), Error> {
        caller.check_operator()?;
        let (service, _) = self.order(caller, id).await?;
        let order = self.store.refund_order(id, reason).await?;
        tracing::info!(service, order = %id, "order refunded");
        Ok((service, order))
    }
}

/// Refuses names that no account is ever made for.
pub(crate) fn check_account(name: &AccountName) -> Result<(), Error> {
    if sandbox::is_reserved(name) {
        return Err(Error::invalid("this account token is reserved: no account can have it"));
    }
    Ok(())
}
