//! What is printed in the end: a table for people, JSON for machines.

use std::fmt;

use comfy_table::{CellAlignment, Table, presets};
use serde_json::{Value, json};

use crate::machine;

/// What was measured, with what a reader needs to judge it.
pub(crate) struct Section {
    /// The names of the columns, their units last.
    columns: &'static [&'static str],
    rows: Vec<(String, Vec<f64>)>,
    facts: Vec<(&'static str, String)>,
}

impl Section {
    /// Looks at the machine before anything is measured.
    pub(crate) fn new(columns: &'static [&'static str]) -> Self {
        Self { columns, rows: Vec::new(), facts: machine::facts() }
    }

    pub(crate) fn add(&mut self, name: impl Into<String>, figures: Vec<f64>) {
        self.rows.push((name.into(), figures));
    }

    pub(crate) fn json(&self) -> Value {
        let row = |(name, figures): &(String, Vec<f64>)| {
            let figures = self.columns.iter().zip(figures);
            let figures = figures.map(|(column, figure)| ((*column).to_owned(), json!(figure)));
            Value::Object([("what".to_owned(), json!(name))].into_iter().chain(figures).collect())
        };
        let facts = self.facts.iter().map(|(name, fact)| ((*name).to_owned(), json!(fact)));
        let rows = ("rows".to_owned(), Value::Array(self.rows.iter().map(row).collect()));
        Value::Object(facts.chain([rows]).collect())
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, fact) in &self.facts {
            writeln!(f, "{name:14} {fact}")?;
        }
        let mut table = Table::new();
        table.load_style(presets::UTF8_FULL_CONDENSED);
        let columns = self.columns.iter().map(|column| column.replace('_', " "));
        table.set_header(std::iter::once(String::new()).chain(columns));
        for (name, figures) in &self.rows {
            let figures = figures.iter().map(|figure| format!("{figure:.2}"));
            table.add_row(std::iter::once(name.clone()).chain(figures));
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        write!(f, "{table}")
    }
}
