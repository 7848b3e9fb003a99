//! The census says what is in the columns of a table: how many cells are empty, how many values
//! differ, whether they are numbers, and between which bounds they lie.
//!
//! What a table takes is not known before it was read, so the quote is what any table of that length
//! may take, and the manifest has the host capture what this one took: `settle = "fuel"`.

mod column;
mod table;

use stokehold_sdk::{Credits, Failure, Json, Quote, Request, Service};

use crate::table::Table;

/// Fuel that a credit buys, as in the manifest.
const FUEL_PER_CREDIT: u64 = 1_000_000_000;
/// Fuel that every call needs, and what each column and each byte may need at most: measured with the
/// worst tables that we could think of, and twice that.
const FUEL_BASE: u64 = 1_000_000;
const FUEL_PER_COLUMN: u64 = 20_000;
const FUEL_PER_BYTE: u64 = 2_000;

struct Census;

impl Service for Census {
    fn quote(request: &Request) -> Result<Quote, Failure> {
        let table = Table::of(request)?;
        let (columns, bytes) = (table.columns()? as u64, table.csv.len() as u64);
        let fuel = FUEL_BASE + FUEL_PER_COLUMN * columns + FUEL_PER_BYTE * bytes;
        let micro = fuel.div_ceil(FUEL_PER_CREDIT / 1_000_000);
        Ok(Quote::of(Credits::from_micro(micro), format!("A table of {bytes} bytes")))
    }

    fn handle(request: &Request) -> Result<Json, Failure> {
        Table::of(request)?.describe()
    }
}

stokehold_sdk::export!(Census);

#[cfg(test)]
mod tests {
    use stokehold_sdk::{Failure, Request, Service, json};

    use super::{Census, FUEL_PER_CREDIT};

    fn request(csv: &str) -> Request {
        Request {
            call_id: "call".into(),
            route: "columns".into(),
            params: json!({ "csv": csv }).to_string(),
            client_id: "client".into(),
        }
    }

    #[test]
    fn the_manifest_has_the_price_of_the_quote() {
        let manifest = include_str!("../service.toml").replace('_', "");
        assert!(manifest.contains(&format!("fuelpercredit = {FUEL_PER_CREDIT}\n")));
    }

    #[test]
    fn a_quote_grows_with_the_table() {
        let quoted = |rows| {
            Census::quote(&request(&format!("a,b\n{}", "1,2\n".repeat(rows)))).map(|it| it.credits)
        };
        assert_eq!(quoted(1).ok(), Some(1_056));
        assert_eq!(quoted(1_001).ok(), Some(1_056 + 8_000));
    }

    #[test]
    fn a_table_that_is_none_is_refused_before_any_charge() {
        for csv in ["", "\n"] {
            assert!(matches!(Census::quote(&request(csv)), Err(Failure::UserError(_))), "{csv}");
        }
    }
}
