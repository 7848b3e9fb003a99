//! `stokehold price-list`: what a guest's work costs.

use std::process::ExitCode;

use serde_json::{Value, json};
use stokehold_app::types::{PRICE_LIST, Price};

use crate::output;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> ExitCode {
    let list = PRICE_LIST;
    if args.json {
        output::json(&json!({
            "version": list.version,
            "instructions": list.instructions.iter().map(as_json).collect::<Vec<_>>(),
            "host_calls": list.host_calls.iter().map(as_json).collect::<Vec<_>>(),
        }));
    } else {
        output::out(&format!("price list {}, in fuel\n", list.version));
        output::out(&table("instruction", list.instructions));
        output::out(&table("call of the host", list.host_calls));
    }
    ExitCode::SUCCESS
}

fn as_json(price: &Price) -> Value {
    json!({
        "name": price.name,
        "fuel": price.fuel,
        "unit": (!price.unit.is_empty()).then_some(price.unit),
        "unit_fuel": price.unit_fuel,
    })
}

fn table(header: &str, prices: &[Price]) -> String {
    let row = |price: &Price| {
        let more = if price.unit.is_empty() {
            String::new()
        } else {
            format!("{} a {}", price.unit_fuel, price.unit)
        };
        vec![price.name.to_owned(), price.fuel.to_string(), more]
    };
    output::table(&[header, "each time", "and"], 1, prices.iter().map(row).collect())
}
