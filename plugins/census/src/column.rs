//! One column, counted cell by cell.

use std::collections::BTreeSet;

use stokehold_sdk::{Json, json};

/// What is known of a column so far.
pub(crate) struct Column {
    name: String,
    empty: u64,
    /// The different values that are not empty.
    values: BTreeSet<String>,
    kind: Kind,
}

/// What the cells are that are not empty.
enum Kind {
    /// There is none yet.
    Unknown,
    /// Each is a number.
    Numbers { min: f64, max: f64, sum: f64 },
    /// At least one is no number.
    Texts,
}

impl Column {
    pub(crate) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), empty: 0, values: BTreeSet::new(), kind: Kind::Unknown }
    }

    /// Counts a cell.
    pub(crate) fn count(&mut self, cell: &str) {
        let cell = cell.trim();
        if cell.is_empty() {
            self.empty += 1;
            return;
        }
        self.values.insert(cell.to_owned());
        self.kind.see(cell);
    }

    /// What the client is told.
    pub(crate) fn report(&self) -> Json {
        let Self { name, empty, values, kind } = self;
        let mut report = json!({ "name": name, "empty": empty, "distinct": values.len() });
        if let Kind::Numbers { min, max, sum } = kind {
            report["numbers"] = json!({ "min": min, "max": max, "sum": sum });
        }
        report
    }
}

impl Kind {
    fn see(&mut self, cell: &str) {
        // What is a text stays one, so nothing is parsed in vain.
        let bounds = match *self {
            Self::Texts => return,
            Self::Unknown => None,
            Self::Numbers { min, max, sum } => Some((min, max, sum)),
        };
        *self = match cell.parse::<f64>() {
            Ok(number) if number.is_finite() => {
                let (min, max, sum) = bounds.unwrap_or((number, number, 0.0));
                Self::Numbers { min: min.min(number), max: max.max(number), sum: sum + number }
            }
            _ => Self::Texts,
        };
    }
}

#[cfg(test)]
mod tests {
    use stokehold_sdk::{Json, json};

    use super::Column;

    fn report(cells: &[&str]) -> Json {
        let mut column = Column::new("c");
        for cell in cells {
            column.count(cell);
        }
        column.report()
    }

    #[test]
    fn numbers_are_known_by_all_of_them() {
        assert_eq!(
            report(&["2", " -0.5 ", "", "2"]),
            json!({ "name": "c", "empty": 1, "distinct": 2,
                    "numbers": { "min": -0.5, "max": 2.0, "sum": 3.5 } })
        );
        for texts in [["1", "one"], ["NaN", "1"], ["1", "1e999"]] {
            let report = report(&texts);
            assert_eq!(report, json!({ "name": "c", "empty": 0, "distinct": 2 }), "{texts:?}");
        }
    }

    #[test]
    fn nothing_is_no_number() {
        assert_eq!(report(&["", " "]), json!({ "name": "c", "empty": 2, "distinct": 0 }));
    }
}
