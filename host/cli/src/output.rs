//! What is printed: tables for people, JSON for machines, the log.

use std::io::{Write, stderr, stdout};

use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;
use serde_json::Value;
use stokehold_app::types::Credits;
use tracing_subscriber::EnvFilter;

/// Prints to standard output. A reader that has gone away is no error.
pub(crate) fn out(text: &str) {
    let _ = stdout().lock().write_all(text.as_bytes()).and_then(|()| stdout().flush());
}

/// Prints to standard error.
pub(crate) fn err(text: &str) {
    let _ = stderr().lock().write_all(text.as_bytes());
}

/// Prints a value as indented JSON.
pub(crate) fn json(value: &impl Serialize) {
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    out(&format!("{text}\n"));
}

/// An amount as a JSON number, exactly.
pub(crate) fn number(credits: Credits) -> Value {
    serde_json::from_str(&credits.to_string()).unwrap_or(Value::Null)
}

/// A table with a header, its columns from `first_number` on aligned to the right.
pub(crate) fn table(header: &[&str], first_number: usize, rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_header(header).add_rows(rows);
    for column in table.column_iter_mut().skip(first_number) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    format!("{table}\n")
}

/// Starts the log on standard error. `STOKEHOLD_LOG` says what is logged: `info`, `debug`,
/// `stokehold_app=debug,warn`; by default warnings.
pub(crate) fn start_log() {
    let filter =
        EnvFilter::try_from_env("STOKEHOLD_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr).init();
}
