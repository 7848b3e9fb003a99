//! Postcards: a bridge between clients who pay in credits and a printing house that has an API, a
//! key and bad days of its own.
//!
//! One call takes many cards. Each has a state of its own in the answer, and only those that were
//! sent are charged, so that nobody has to guess what became of half a batch.

mod batch;
mod gateway;
mod order;
mod state;

use stokehold_sdk::{Credits, Failure, Json, Quote, Request, Service, charge, config, json};

use crate::gateway::Gateway;
use crate::order::{Order, Plan};
use crate::state::Line;

struct Postcards;

impl Service for Postcards {
    /// The postage of every card that can be sent. The others cost nothing: the answer says why.
    fn quote(request: &Request) -> Result<Quote, Failure> {
        let plans = Order::of(request)?.plans(&config::required("home")?);
        let postages = plans.iter().filter_map(Plan::postage);
        let total = postages.clone().map(Credits::micro).sum();
        let description = match postages.count() {
            1 => "1 postcard".to_owned(),
            count => format!("{count} postcards"),
        };
        Ok(Quote::of(Credits::from_micro(total), description))
    }

    fn handle(request: &Request) -> Result<Json, Failure> {
        let order = Order::of(request)?;
        let plans = order.plans(&config::required("home")?);
        let gateway = Gateway::open(&request.client_id)?;
        let lines = batch::post(&order.postcards, plans, |card| gateway.send(card));
        let total = Credits::from_micro(lines.iter().map(|line| line.credits.micro()).sum());
        charge::capture_at_most(total);
        let lines: Json = lines.iter().map(Line::json).collect();
        Ok(json!({ "credits": total, "postcards": lines }))
    }
}

stokehold_sdk::export!(Postcards);
