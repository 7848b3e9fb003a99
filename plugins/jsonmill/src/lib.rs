//! Reads JSON into a tree and writes it again: work that branches and allocates a lot, which is
//! where metering costs most. The benchmarks measure with it.

use serde_json::Value;
use stokehold_sdk::{Credits, Failure, Json, Quote, Request, Service, json};

struct JsonMill;

impl Service for JsonMill {
    fn quote(_request: &Request) -> Result<Quote, Failure> {
        Ok(Quote::of(Credits::from_micro(1_000_000), "one document"))
    }

    fn handle(request: &Request) -> Result<Json, Failure> {
        let document: Value = request.params()?;
        Ok(json!({ "bytes": document.to_string().len() }))
    }
}

stokehold_sdk::export!(JsonMill);
