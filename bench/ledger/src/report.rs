//! What is printed in the end: a table for each section for people, JSON for machines.

use std::fmt;
use std::path::Path;

use anyhow::Result;
use comfy_table::{CellAlignment, Table, presets};
use serde_json::{Value, json};

use crate::disk::Disk;
use crate::machine::Machine;

/// All figures, with what a reader needs to judge them.
pub(crate) struct Report {
    machine: Machine,
    disk: Disk,
    sections: Vec<Section>,
}

/// What one part of the benchmark has measured.
pub(crate) struct Section {
    pub(crate) name: &'static str,
    /// The names of the columns, their units last.
    pub(crate) columns: &'static [&'static str],
    pub(crate) rows: Vec<Vec<Value>>,
}

impl Report {
    /// Looks at the machine and its disk before anything else is measured.
    pub(crate) fn new(directory: &Path) -> Result<Self> {
        let machine = Machine::look();
        let mut disk = Disk::default();
        disk.measure(directory)?;
        Ok(Self { machine, disk, sections: Vec::new() })
    }

    pub(crate) fn add(&mut self, section: Section) {
        self.sections.push(section);
    }

    /// Looks at the disk once more.
    pub(crate) fn finish(&mut self, directory: &Path) -> Result<()> {
        self.disk.measure(directory)
    }

    /// What is told of the machine, by name.
    fn facts(&self) -> Vec<(&'static str, Value)> {
        let machine = &self.machine;
        vec![
            ("date", json!(machine.date)),
            ("cores", json!(machine.cores)),
            ("cpu", json!(machine.cpu)),
            ("kernel", json!(machine.kernel)),
            ("load_average_at_start", json!(machine.load_average)),
            ("stokehold", json!(machine.stokehold)),
            ("sqlite", json!(machine.sqlite)),
            ("postgres", json!(machine.postgres)),
            ("durability", json!(machine.durability)),
            ("fdatasync_4k_p50_us", round(self.disk.percentile_us(50), 0)),
            ("fdatasync_4k_p99_us", round(self.disk.percentile_us(99), 0)),
        ]
    }

    /// The report for machines.
    pub(crate) fn json(&self) -> Value {
        let facts = self.facts().into_iter().map(|(name, value)| (name.to_owned(), value));
        let sections =
            self.sections.iter().map(|section| (section.name.to_owned(), section.json()));
        Value::Object(facts.chain(sections).collect())
    }
}

impl Section {
    fn json(&self) -> Value {
        let names = || self.columns.iter().map(|name| (*name).to_owned());
        let rows = self.rows.iter().map(|row| names().zip(row.iter().cloned()).collect());
        Value::Array(rows.map(Value::Object).collect::<Vec<_>>())
    }

    fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_style(presets::UTF8_FULL_CONDENSED);
        table.set_header(self.columns.iter().map(|name| name.replace('_', " ")));
        for row in &self.rows {
            table.add_row(row.iter().map(cell));
        }
        let first = self.rows.first().into_iter().flatten();
        for (column, value) in table.column_iter_mut().zip(first) {
            if value.is_number() {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        table
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut facts = Table::new();
        facts.load_style(presets::NOTHING);
        facts.add_rows(
            self.facts().iter().map(|(name, value)| [name.replace('_', " "), cell(value)]),
        );
        writeln!(f, "{facts}")?;
        for section in &self.sections {
            writeln!(f, "\n{}\n{}", section.name.replace('_', " "), section.table())?;
        }
        Ok(())
    }
}

fn cell(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A figure with so many digits after the point.
pub(crate) fn round(figure: f64, digits: usize) -> Value {
    serde_json::from_str(&format!("{figure:.digits$}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_objects_for_machines_and_columns_for_people() {
        let rows = vec![vec![json!("many"), round(1234.56, 0)]];
        let section = Section { name: "http", columns: &["accounts", "per_s"], rows };
        assert_eq!(section.json(), json!([{ "accounts": "many", "per_s": 1235 }]));
        let table = section.table().to_string();
        assert!(table.contains("per s") && table.contains("1235"), "{table}");
    }
}
