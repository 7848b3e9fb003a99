//! Orders: purchases of packs.

use stokehold_ledger::{
    AccountId, AccountKey, AccountName, BasisPoints, Cents, Command, Commission, Credits, Decision,
    OrderId, PackId, Refusal, Rows, ServiceId, Source, Timestamp, decide,
};
use uuid::Uuid;

use crate::account::{ensure_account, grant, load_account_by_id};
use crate::catalogue::load_pack;
use crate::db::{Db, Row, values};
use crate::error::Error;
use crate::expiry::ExpireOf;
use crate::posting::{Cause, apply};
use crate::replay::{self, Once};
use crate::row;
use crate::seal::Seal;
use crate::store::Store;
use crate::text;

/// A purchase that is to be made.
#[derive(Clone, Debug)]
pub struct NewOrder {
    /// Whose pack.
    pub service: ServiceId,
    /// The account that gets the credits.
    pub account: AccountName,
    /// What is bought.
    pub pack: PackId,
    /// The operator's share of the price.
    pub commission: BasisPoints,
    /// Whether it is paid already: its credits are then granted at once.
    pub paid: bool,
    /// A key that the buyer chose: a repeat is the same order.
    pub once: Option<Once>,
}

/// A purchase of a pack, on the terms of its moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Which order this is.
    pub id: OrderId,
    /// Whose pack was bought.
    pub service: ServiceId,
    /// What the account is known by.
    pub account: AccountKey,
    /// What was bought.
    pub pack: PackId,
    /// The pack's name at that time.
    pub pack_name: String,
    /// The credits that were bought.
    pub credits: Credits,
    /// What they cost.
    pub price: Cents,
    /// The operator's share of the price.
    pub rate: BasisPoints,
    /// How the price is split.
    pub commission: Commission,
    /// Whether it was paid.
    pub status: OrderStatus,
    /// The account's balance now.
    pub balance: Credits,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Whether an order was paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderStatus {
    /// It waits for its payment.
    Pending,
    /// It was paid, and its credits were granted.
    Paid,
    /// Its price was given back and its credits were taken back.
    Refunded,
}

impl OrderStatus {
    /// The status's name in the API and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Paid => "paid",
            Self::Refunded => "refunded",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        let all = [Self::Pending, Self::Paid, Self::Refunded];
        all.into_iter().find(|status| status.as_str() == name)
    }
}

impl Store {
    /// Orders a pack on its terms of now.
    pub async fn create_order(&self, new: NewOrder) -> Result<Order, Error> {
        let id = OrderId(Uuid::now_v7());
        self.write(move |db, now| {
            if let Some(made) = replay::find(db, new.once.as_ref(), now)? {
                return load(db, OrderId(made));
            }
            let pack = load_pack(db, new.pack)?.filter(|pack| pack.service == new.service);
            let mut pack = pack.ok_or(Error::NotFound("pack"))?;
            text::make_storable([&mut pack.name]);
            let split = Commission::split(pack.price, new.commission);
            let split = split.ok_or(Refusal::PriceOutOfRange)?;
            let account = ensure_account(db, new.service, &new.account, now)?;
            let seal = Seal::of("order")
                .bytes(id.0.as_bytes())
                .number(new.service.0)
                .number(account.id.0)
                .number(pack.id.0)
                .text(Some(&pack.name))
                .number(pack.credits.micros())
                .number(pack.price.0)
                .number(new.commission.points().into())
                .number(split.operator.0)
                .number(now.0);
            db.execute(
                "INSERT INTO purchase (id, service_id, account_id, pack_id, pack_name, credits, \
                 price_cents, commission_bp, commission_cents, status, created_at, seal) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'pending', ?10, ?11)",
                values![
                    id.0.as_bytes(),
                    new.service.0,
                    account.id.0,
                    pack.id.0,
                    &pack.name,
                    pack.credits.micros(),
                    pack.price.0,
                    new.commission.points(),
                    split.operator.0,
                    now.0,
                    seal.value()
                ],
            )?;
            if let Some(once) = &new.once {
                replay::keep(db, once, &id.0.to_string(), now)?;
            }
            if new.paid { pay(db, id, now) } else { load(db, id) }
        })
        .await
    }

    /// Notes that an order was paid, and grants its credits. Once: a paid one stays as it is.
    pub async fn pay_order(&self, id: OrderId) -> Result<Order, Error> {
        self.write(move |db, now| pay(db, id, now)).await
    }

    /// Takes an order's credits back and gives its price back. All of them have to be available.
    pub async fn refund_order(&self, id: OrderId, reason: String) -> Result<Order, Error> {
        let order = self.order(id).await?;
        // What holds that are due have set aside is available.
        self.submit(ExpireOf(order.service, order.account)).await?;
        self.write(move |db, now| refund(db, id, &reason, now)).await
    }

    /// An order.
    pub async fn order(&self, id: OrderId) -> Result<Order, Error> {
        self.read(move |db| load(db, id)).await
    }

    /// The last orders of an account that wait for their payment, the newest first.
    pub async fn pending_orders(
        &self,
        service: ServiceId,
        key: AccountKey,
        limit: u32,
    ) -> Result<Vec<Order>, Error> {
        self.read(move |db| {
            let sql = format!(
                "{ORDERS} WHERE account.key = ?1 AND account.service_id = ?2 \
                 AND status = 'pending' ORDER BY purchase.id DESC LIMIT ?3"
            );
            let values = values![&key.0, service.0, limit];
            db.query(&sql, values, |row| order(row).map(|(order, _)| order))
        })
        .await
    }
}

/// Orders with their accounts.
const ORDERS: &str = "SELECT purchase.id, purchase.service_id, account.key, pack_id, pack_name, \
     credits, price_cents, commission_bp, commission_cents, status, \
     account_balance.balance, purchase.created_at, account.id \
     FROM purchase JOIN account ON account.id = purchase.account_id \
     JOIN account_balance ON account_balance.account_id = account.id";

fn pay(db: Db<'_>, id: OrderId, now: Timestamp) -> Result<Order, Error> {
    let (order, account) = load_with_account(db, id)?;
    match order.status {
        OrderStatus::Paid => return Ok(order),
        OrderStatus::Refunded => return Err(Refusal::OrderRefunded.into()),
        OrderStatus::Pending => {}
    }
    let account = load_account_by_id(db, account)?.ok_or(Refusal::UnknownAccount)?;
    let cause = Cause { order: Some(id), ..Cause::default() };
    let source = Source::Order { price: order.price, commission: order.rate };
    grant(db, &account, (order.credits, source), cause, now)?;
    set_status(db, id, OrderStatus::Paid, now)?;
    load(db, id)
}

fn refund(db: Db<'_>, id: OrderId, reason: &str, now: Timestamp) -> Result<Order, Error> {
    let (order, account) = load_with_account(db, id)?;
    match order.status {
        OrderStatus::Refunded => return Ok(order),
        OrderStatus::Pending => return Err(Refusal::NothingToRefund.into()),
        OrderStatus::Paid => {}
    }
    let account = load_account_by_id(db, account)?.ok_or(Refusal::UnknownAccount)?;
    let (credits, price, commission) = (order.credits, order.price, order.rate);
    let rows = Rows { account: Some(&account), ..Rows::default() };
    let command = Command::RefundOrder { credits, price, commission };
    if let Decision::Change(change) = decide(rows, &command, now)? {
        let cause = Cause { order: Some(id), reason: Some(reason), ..Cause::default() };
        apply(db, &account, &change, cause, now)?;
    }
    set_status(db, id, OrderStatus::Refunded, now)?;
    load(db, id)
}

fn set_status(db: Db<'_>, id: OrderId, status: OrderStatus, now: Timestamp) -> Result<(), Error> {
    let sql = "UPDATE purchase SET status = ?2, ended_at = ?3 WHERE id = ?1";
    db.execute(sql, values![id.0.as_bytes(), status.as_str(), now.0]).map(drop)
}

fn load(db: Db<'_>, id: OrderId) -> Result<Order, Error> {
    load_with_account(db, id).map(|(order, _)| order)
}

fn load_with_account(db: Db<'_>, id: OrderId) -> Result<(Order, AccountId), Error> {
    let sql = format!("{ORDERS} WHERE purchase.id = ?1");
    db.find(&sql, values![id.0.as_bytes()], order)?.ok_or(Error::NotFound("order"))
}

fn order(row: Row<'_>) -> Result<(Order, AccountId), Error> {
    let (price, operator) = (Cents(row.get(6)?), Cents(row.get(8)?));
    let provider = price.0.checked_sub(operator.0).map(Cents);
    let order = Order {
        id: OrderId(row::uuid(row, 0)?),
        service: ServiceId(row.get(1)?),
        account: AccountKey(row.get(2)?),
        pack: PackId(row.get(3)?),
        pack_name: row.get(4)?,
        credits: row::credits(row, 5)?,
        price,
        rate: row::known(row.get(7)?, BasisPoints::new(row.get(7)?))?,
        commission: Commission { operator, provider: row::known(operator.0, provider)? },
        status: row.known(9, OrderStatus::parse)?,
        balance: row::credits(row, 10)?,
        created_at: Timestamp(row.get(11)?),
    };
    Ok((order, AccountId(row.get(12)?)))
}
