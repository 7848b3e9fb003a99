//! Orders: pending, paid, refunded.

use stokehold_ledger::Refusal;

use super::{Answer, Model, base, credits, nameable};
use crate::step::{PACKS, Pick, Place};

#[derive(Clone, Copy, Debug)]
pub(super) struct Order {
    pub(super) account: Place,
    pub(super) micros: i64,
    pub(super) status: &'static str,
    price: i64,
}

impl Model {
    /// The orders of an account that wait for their payment, the newest first.
    pub(crate) fn pending_orders(&self, place: Place) -> Vec<usize> {
        let pending = |order: &Order| order.account == base(place) && order.status == "pending";
        (0..self.orders.len()).rev().filter(|number| pending(&self.orders[*number])).collect()
    }

    pub(super) fn order(
        &mut self,
        to: Place,
        stranger: bool,
        pack: usize,
        paid: bool,
    ) -> Result<Answer, Refusal> {
        if stranger {
            return Ok(Answer::NotFound);
        }
        let account = nameable(to)?;
        let (micros, price) = PACKS[pack];
        let mut status = "pending";
        if paid {
            self.check_room(account, micros)?;
            status = "paid";
        }
        self.accounts.insert(account);
        self.orders.push(Order { account, micros, status, price });
        Ok(self.now(self.orders.len() - 1))
    }

    pub(super) fn pay(&mut self, order: Pick) -> Result<Answer, Refusal> {
        let Some(number) = order.among(self.orders.len()) else { return Ok(Answer::NotFound) };
        let order = self.orders[number];
        match order.status {
            "pending" => self.check_room(order.account, order.micros)?,
            "refunded" => return Err(Refusal::OrderRefunded),
            _ => {}
        }
        self.orders[number].status = "paid";
        Ok(self.now(number))
    }

    pub(super) fn refund_order(&mut self, order: Pick) -> Result<Answer, Refusal> {
        let Some(number) = order.among(self.orders.len()) else { return Ok(Answer::NotFound) };
        let order = self.orders[number];
        let available = self.available(order.account);
        match order.status {
            "pending" => return Err(Refusal::NothingToRefund),
            "paid" if order.micros > available => {
                let (needed, available) = (credits(order.micros), credits(available));
                return Err(Refusal::InsufficientCredits { needed, available });
            }
            _ => {}
        }
        self.orders[number].status = "refunded";
        Ok(self.now(number))
    }

    fn now(&self, number: usize) -> Answer {
        let Order { account, status, price, .. } = self.orders[number];
        // A quarter, half a cent to the even neighbour.
        let operator = match (price % 4, price / 4 % 2) {
            (3, _) | (2, 1) => price / 4 + 1,
            _ => price / 4,
        };
        let (balance, provider) = (self.balance(account), price - operator);
        Answer::Order { order: number, status, balance, operator, provider }
    }
}
