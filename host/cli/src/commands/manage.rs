//! The management API from the shell: one request, and its answer as a table or as JSON.

use std::process::ExitCode;

use serde_json::Value;

use crate::client::{Answer, Client};
use crate::failure::Failure;
use crate::output;
use crate::remote::Remote;

/// How an answer is asked for.
#[derive(Clone, Copy, clap::Args)]
pub(crate) struct Format {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// What is asked of one service.
#[derive(clap::Args)]
pub(crate) struct OfService {
    /// The service's name
    pub(crate) service: String,
    #[command(flatten)]
    pub(crate) server: Remote,
    #[command(flatten)]
    pub(crate) format: Format,
}

/// A request.
pub(crate) enum Request {
    Get(String),
    Post(String, Value),
}

impl Request {
    pub(crate) fn send(&self, client: &Client) -> Result<Answer, Failure> {
        match self {
            Self::Get(path) => client.get(path),
            Self::Post(path, body) => client.post(path, body),
        }
    }
}

/// Prints the rows of a list: its member `list`, with these columns, the numbers among them last.
pub(crate) fn print_list(
    answer: &Value,
    list: &str,
    columns: &[&str],
    first_number: usize,
    format: Format,
) -> ExitCode {
    if format.json {
        output::json(answer);
        return ExitCode::SUCCESS;
    }
    let rows = answer[list].as_array().into_iter().flatten();
    let row = |row: &Value| columns.iter().map(|column| cell(&row[*column])).collect();
    let header: Vec<_> = columns.iter().map(|column| column.replace('_', " ")).collect();
    let header: Vec<_> = header.iter().map(String::as_str).collect();
    output::out(&output::table(&header, first_number, rows.map(row).collect()));
    ExitCode::SUCCESS
}

/// Prints one thing, a line for each of its members.
pub(crate) fn print_one(answer: &Value, format: Format) -> ExitCode {
    if format.json {
        output::json(answer);
        return ExitCode::SUCCESS;
    }
    let members = answer.as_object().into_iter().flatten();
    let rows = members.map(|(name, value)| vec![name.replace('_', " "), cell(value)]).collect();
    output::out(&output::table(&["", ""], 2, rows));
    ExitCode::SUCCESS
}

/// A value as people read it.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => String::new(),
        value => value.to_string(),
    }
}
