//! Making a quote.

use crate::{Credits, Quote};

impl Quote {
    /// A quote of `credits`, with the words that will stand on the client's statement.
    pub fn of(credits: Credits, description: impl Into<String>) -> Self {
        Self { credits: credits.micro(), description: Some(description.into()) }
    }
}
