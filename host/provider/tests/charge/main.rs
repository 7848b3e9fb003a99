//! A charge ends its hold in every case, and exactly once.

mod ending;
mod fake;
mod losing;

use stokehold_provider::{Charge, Credits};

/// Five credits of an account.
fn five() -> Charge {
    Charge::new("account", credits("5"))
}

fn credits(text: &str) -> Credits {
    Credits::from_json_number(text).expect("an amount")
}
