//! Statements as JSON and CSV: what the management API answers and the command line prints.

use serde::Serialize;
use stokehold_app::types::{Line, PostingKind};
use utoipa::ToSchema;

use crate::amount::Amount;
use crate::when;

/// The first line of a statement as CSV (RFC 4180).
pub const CSV_HEADER: &str = "id,at,kind,credits,balance,description,transaction,order\r\n";

/// One line of a statement.
#[derive(Serialize, ToSchema)]
pub struct Entry {
    /// Later entries have higher numbers.
    pub id: i64,
    /// When it was made, RFC 3339.
    pub at: String,
    /// `gift`, `trial`, `order`, `capture`, `refund` or `order-refund`.
    pub kind: &'static str,
    /// What it added; below zero for what it took.
    #[schema(value_type = f64)]
    pub credits: Amount,
    /// The balance after it.
    #[schema(value_type = f64)]
    pub balance: Amount,
    /// What it was for, in words.
    pub description: Option<String>,
    /// The transaction that was captured or given back; for a call of a hosted service, the call's id.
    pub transaction: Option<String>,
    /// The order that was paid or given back.
    pub order: Option<String>,
}

impl From<Line> for Entry {
    fn from(line: Line) -> Self {
        Self {
            id: line.id,
            at: when::text(line.at),
            kind: kind(line.kind),
            credits: Amount(line.amount),
            balance: Amount(line.balance),
            description: line.description,
            transaction: line.hold.map(|hold| hold.to_string()),
            order: line.order.map(|order| order.to_string()),
        }
    }
}

impl Entry {
    /// The entry as a line of CSV.
    pub fn csv(&self) -> String {
        let fields = [
            self.id.to_string(),
            self.at.clone(),
            self.kind.to_owned(),
            self.credits.0.to_string(),
            self.balance.0.to_string(),
            quoted(self.description.as_deref().unwrap_or_default()),
            self.transaction.clone().unwrap_or_default(),
            self.order.clone().unwrap_or_default(),
        ];
        format!("{}\r\n", fields.join(","))
    }
}

fn kind(kind: PostingKind) -> &'static str {
    match kind {
        PostingKind::Gift => "gift",
        PostingKind::Trial => "trial",
        PostingKind::Order => "order",
        PostingKind::Capture => "capture",
        PostingKind::Refund => "refund",
        PostingKind::OrderRefund => "order-refund",
    }
}

/// A text in quotes. One that a spreadsheet would take for a formula gets an apostrophe before it:
/// it was written by somebody else than its reader.
fn quoted(text: &str) -> String {
    let formula = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    format!("\"{formula}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_quoted_and_starts_no_formula() {
        assert_eq!(quoted(r#"a "b", c"#), r#""a ""b"", c""#);
        assert_eq!(quoted("=1+1"), "\"'=1+1\"");
        assert_eq!(quoted(""), "\"\"");
    }
}
