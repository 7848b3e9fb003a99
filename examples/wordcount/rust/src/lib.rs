//! Counts the words and characters of a text, for a hundredth of a credit per 1,000 characters.

use serde::Deserialize;
use stokehold_sdk::{Credits, Failure, Json, Quote, Request, Service, json};

/// What every 1,000 characters cost that have begun, in millionths of a credit.
const PRICE_MICROCREDITS: u64 = 10_000;
/// What is paid for at a time.
const CHARACTERS: u64 = 1_000;

struct WordCount;

/// The parameters of the route `count`.
#[derive(Deserialize)]
struct Count {
    text: String,
}

impl Count {
    /// Reads them. What does not fit is a user error: the client is told, and pays nothing.
    fn of(request: &Request) -> Result<Self, Failure> {
        match request.route.as_str() {
            "count" => request.params(),
            _ => Err(request.unknown_route(&["count"])),
        }
    }

    fn words(&self) -> u64 {
        self.text.split_ascii_whitespace().count() as u64
    }

    fn characters(&self) -> u64 {
        self.text.chars().count() as u64
    }
}

impl Service for WordCount {
    // What a call costs is known before it is paid for: the text is there.
    fn quote(request: &Request) -> Result<Quote, Failure> {
        let thousands = Count::of(request)?.characters().div_ceil(CHARACTERS).max(1);
        let credits = Credits::from_micro(thousands * PRICE_MICROCREDITS);
        Ok(Quote::of(credits, format!("Words counted, {thousands} × 1,000 characters")))
    }

    // It runs once the credits are held, in an instance of its own.
    fn handle(request: &Request) -> Result<Json, Failure> {
        let count = Count::of(request)?;
        Ok(json!({ "words": count.words(), "characters": count.characters() }))
    }
}

stokehold_sdk::export!(WordCount);
