//! What a new project is made of: the word counter of `examples/`, under another name.

use std::collections::BTreeMap;

use toml::{Table, Value};

use crate::toolchain::{Language, world};

/// The name of the service that projects are made from, and its label.
const NAME: &str = "wordcount";
const LABEL: &str = "Word Count";
/// Where the guest crate stands, seen from the example, and in a project.
const SDK: &str = "../../../plugins/sdk";
const SDK_FOLDER: &str = "sdk";
/// Where the guest crate has the contract.
const SDK_WORLD: &str = "../../wit/service-0.1.0";

type Files = &'static [(&'static str, &'static str)];

/// Files of this repository, by their paths below a folder.
macro_rules! files {
    ($folder:literal: $($path:literal)+) => {
        &[$(($path, include_str!(concat!("../../../", $folder, "/", $path)))),+]
    };
}

const RUST: Files = files!("examples/wordcount/rust":
    ".gitignore" "Cargo.lock" "Cargo.toml" "README.md" "service.toml" "src/lib.rs"
    "tests/count.json" "tests/long.json" "tests/no-text.json");
const JAVASCRIPT: Files = files!("examples/wordcount/javascript":
    ".gitignore" "README.md" "index.js" "package.json" "service.toml"
    "tests/count.json" "tests/long.json" "tests/no-text.json");
const PYTHON: Files = files!("examples/wordcount/python":
    ".gitignore" "README.md" "app.py" "requirements.txt" "service.toml"
    "tests/count.json" "tests/long.json" "tests/no-text.json");
const C: Files = files!("examples/wordcount/c":
    ".gitignore" "README.md" "json.c" "json.h" "requirements.txt" "service.c" "service.toml"
    "tests/count.json" "tests/long.json" "tests/no-text.json");

const SDK_SOURCES: Files = files!("plugins/sdk":
    "src/bindings.rs" "src/charge.rs" "src/config.rs" "src/credits.rs" "src/exchange.rs" "src/http.rs"
    "src/keyvalue.rs" "src/lib.rs" "src/log.rs" "src/quote.rs" "src/request.rs" "src/service.rs");
const SDK_MANIFEST: &str = include_str!("../../../plugins/sdk/Cargo.toml");
const SDK_WORKSPACE: &str = include_str!("../../../plugins/Cargo.toml");

/// The files of a new project, by their paths in it.
pub(crate) fn project(name: &str, language: Language) -> BTreeMap<String, String> {
    let label = label(name);
    let files = match language {
        Language::Rust => RUST,
        Language::JavaScript => JAVASCRIPT,
        Language::Python => PYTHON,
        Language::C => C,
    };
    let rendered = files.iter().map(|(path, text)| {
        let text = text.replace(NAME, name).replace(LABEL, &label).replace(SDK, SDK_FOLDER);
        ((*path).to_owned(), text)
    });
    let mut project: BTreeMap<_, _> = rendered.collect();
    project.insert(format!("{}/{}", world::FOLDER, world::FILE), world::CONTRACT.to_owned());
    if language == Language::Rust {
        project.extend(sdk());
    }
    project
}

/// A name for people: `Word Count` for `word-count`.
fn label(name: &str) -> String {
    let words = name.split(['-', '_']).filter(|word| !word.is_empty()).map(|word| {
        let (first, rest) = word.split_at(1);
        first.to_uppercase() + rest
    });
    words.collect::<Vec<_>>().join(" ")
}

/// The guest crate, on its own: what it has of its workspace stands in its manifest, and the
/// contract beside it.
fn sdk() -> BTreeMap<String, String> {
    let sources = SDK_SOURCES.iter().map(|(path, text)| {
        let text = text.replace(SDK_WORLD, &format!("../{}", world::FOLDER));
        (format!("{SDK_FOLDER}/{path}"), text)
    });
    let mut files: BTreeMap<_, _> = sources.collect();
    let table = |text: &str| text.parse::<Table>().unwrap_or_default();
    let manifest = standalone(table(SDK_MANIFEST), &table(SDK_WORKSPACE));
    files.insert(format!("{SDK_FOLDER}/Cargo.toml"), manifest.to_string());
    files
}

/// A crate's manifest with what it inherits written out, and without lints, which are of no
/// concern to whoever only uses the crate.
fn standalone(mut manifest: Table, root: &Table) -> Table {
    manifest.remove("lints");
    for section in ["package", "dependencies"] {
        let inherited = root.get("workspace").and_then(|workspace| workspace.get(section));
        let Some(Value::Table(keys)) = manifest.get_mut(section) else { continue };
        for (key, value) in keys.iter_mut() {
            if value.get("workspace").is_some()
                && let Some(whole) = inherited.and_then(|inherited| inherited.get(key))
            {
                *value = written_out(value, whole);
            }
        }
    }
    manifest
}

/// What an inherited key stands for, with what the crate adds to it, such as `optional`.
fn written_out(own: &Value, whole: &Value) -> Value {
    let added = own.as_table().into_iter().flatten().filter(|(key, _)| *key != "workspace");
    let mut added = added.map(|(key, value)| (key.clone(), value.clone())).peekable();
    if added.peek().is_none() {
        return whole.clone();
    }
    let whole = match whole {
        Value::Table(table) => table.clone(),
        version => Table::from_iter([("version".to_owned(), version.clone())]),
    };
    Value::Table(whole.into_iter().chain(added).collect())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::{C, Files, JAVASCRIPT, PYTHON, RUST, SDK_SOURCES, label, project};
    use crate::toolchain::Language;

    #[test]
    fn every_source_of_the_guest_crate_comes_along() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/sdk/src");
        let entries = fs::read_dir(folder).expect("the guest crate").map(|entry| {
            let name = entry.expect("an entry").file_name();
            format!("src/{}", name.to_str().expect("text"))
        });
        let mut sources: Vec<_> = entries.collect();
        sources.sort();
        assert_eq!(sources, SDK_SOURCES.iter().map(|(path, _)| *path).collect::<Vec<_>>());
    }

    #[test]
    fn the_guest_crate_inherits_nothing_in_a_project() {
        let project = project("roller", Language::Rust);
        let manifest = &project["sdk/Cargo.toml"];
        assert!(!manifest.contains("workspace"), "{manifest}");
        assert!(manifest.contains("[dependencies.wit-bindgen]"), "{manifest}");
        let wasip2 = manifest.split("[dependencies.wasip2]\n").nth(1).expect("it is there");
        assert!(wasip2.contains("optional = true") && wasip2.contains("version = "), "{wasip2}");
        assert!(project["sdk/src/bindings.rs"].contains("path: \"../wit\""));
        assert!(project["Cargo.toml"].contains("{ path = \"sdk\" }"));
    }

    #[test]
    fn one_service_has_one_manifest_and_the_same_recorded_requests_in_all_languages() {
        let shared = |files: Files| -> Vec<_> {
            let is_shared = |path: &str| path.starts_with("tests/") || path == "service.toml";
            files.iter().filter(|(path, _)| is_shared(path)).collect()
        };
        assert_eq!(shared(RUST).len(), 4);
        for other in [JAVASCRIPT, PYTHON, C] {
            assert_eq!(shared(other), shared(RUST));
        }
    }

    #[test]
    fn nothing_of_the_example_is_left_but_its_code() {
        for language in [Language::Rust, Language::JavaScript, Language::Python, Language::C] {
            for (path, text) in project("roller-2", language) {
                assert!(!text.contains("wordcount") && !text.contains("Word Count"), "{path}");
            }
        }
        assert_eq!(label("roller-2"), "Roller 2");
    }
}
