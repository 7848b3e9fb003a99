//! Orders: purchases of packs.

use stokehold_ledger::{
    AccountToken, BasisPoints, Cents, Commission, Credits, OrderId, PackId, Refusal, ServiceId,
    Source, Timestamp,
};
use uuid::Uuid;

use crate::account::{ensure_account, grant};
use crate::catalogue::load_pack;
use crate::error::Error;
use crate::posting::Cause;
use crate::store::Store;

/// A purchase of a pack, on the terms of its moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Which order this is.
    pub id: OrderId,
    /// What was bought.
    pub pack: PackId,
    /// The pack's name at that time.
    pub pack_name: String,
    /// The credits that were bought.
    pub credits: Credits,
    /// What they cost.
    pub price: Cents,
    /// How the price was split.
    pub commission: Commission,
    /// The account's balance after it.
    pub balance: Credits,
    /// When it was paid.
    pub created_at: Timestamp,
}

impl Store {
    /// Buys a pack of `service` for the account: the order is paid, and its credits are granted.
    pub async fn create_paid_order(
        &self,
        service: ServiceId,
        token: &AccountToken,
        pack: PackId,
        commission: BasisPoints,
    ) -> Result<Order, Error> {
        let token = token.clone();
        let id = OrderId(Uuid::now_v7());
        self.write(move |db, now| {
            let pack = load_pack(db, pack)?.filter(|pack| pack.service == service);
            let pack = pack.ok_or(Error::NotFound("pack"))?;
            let split = Commission::split(pack.price, commission);
            let split = split.ok_or(Refusal::PriceOutOfRange)?;
            // The order names its account, and the posting names its order: first an empty
            // account, then the order, then the grant.
            let account = ensure_account(db, service, &token, now)?;
            db.execute(
                "INSERT INTO purchase (id, service_id, account_id, pack_id, pack_name, credits, \
                 price_cents, commission_bp, commission_cents, status, created_at) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'paid', ?10)",
                rusqlite::params![
                    id.0.as_bytes(),
                    service.0,
                    account.id.0,
                    pack.id.0,
                    pack.name,
                    pack.credits.micros(),
                    pack.price.0,
                    commission.points(),
                    split.operator.0,
                    now.0
                ],
            )?;
            let cause = Cause { order: Some(id), ..Cause::default() };
            let source = Source::Order { price: pack.price, commission };
            let account = grant(db, &account, (pack.credits, source), cause, now)?;
            Ok(Order {
                id,
                pack: pack.id,
                pack_name: pack.name,
                credits: pack.credits,
                price: pack.price,
                commission: split,
                balance: account.balance,
                created_at: now,
            })
        })
        .await
    }
}
