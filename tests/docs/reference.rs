//! The references of `service.toml` and of the configuration: a row for each key, a key for each row.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;
use stokehold_tests::binary;

use crate::read;

#[test]
fn every_setting_stands_in_its_reference_with_its_default() {
    let config = binary::run(&["config", "print", "--json"]).json();
    let mut keys = BTreeSet::new();
    let rows = rows("docs/configuration.md");
    for (section, settings) in config.as_object().expect("sections") {
        for (key, default) in settings.as_object().expect("keys") {
            let key = format!("{section}.{key}");
            let shown = match default {
                Value::Null => "none".to_owned(),
                Value::String(text) => format!("`\"{text}\"`"),
                default => format!("`{default}`"),
            };
            let row = rows.iter().find(|row| row[0] == key);
            assert_eq!(row.map(|row| &row[1]), Some(&shown), "{key} in docs/configuration.md");
            keys.insert(key);
        }
    }
    assert_eq!(names(&rows), keys, "docs/configuration.md");
}

#[test]
fn every_key_of_the_manifest_stands_in_its_reference() {
    let tables = known("[nothing]\n");
    assert!(tables.contains("service"), "{tables:?}");
    let mut keys = BTreeSet::new();
    for table in &tables {
        let header = if table == "pack" { "[[pack]]" } else { &format!("[{table}]") };
        keys.extend(
            known(&format!("{header}\nnothing = 1\n")).iter().map(|key| format!("{table}.{key}")),
        );
    }
    assert_eq!(names(&rows("docs/manifest.md")), keys, "docs/manifest.md");
}

/// The names that a manifest could have had in the place of the one it has: the error lists them.
fn known(manifest: &str) -> BTreeSet<String> {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("service.toml"), manifest).expect("a manifest");
    let error = binary::run(&["check", folder.path().to_str().expect("text")]).stderr;
    let (_, expected) = error.split_once("expected ").unwrap_or_else(|| panic!("{error}"));
    let expected = expected.lines().next().unwrap_or_default();
    expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The rows whose first cell is a key, as the key and the cells after it.
fn rows(path: &str) -> Vec<Vec<String>> {
    let cells = |line: &str| {
        let line = line.strip_prefix("| `")?.strip_suffix(" |")?;
        let (key, rest) = line.split_once("` | ")?;
        let rest = rest.split(" | ").map(str::to_owned);
        key.contains('.').then(|| [key.to_owned()].into_iter().chain(rest).collect())
    };
    read(path).lines().filter_map(cells).collect()
}

fn names(rows: &[Vec<String>]) -> BTreeSet<String> {
    rows.iter().map(|row| row[0].clone()).collect()
}
