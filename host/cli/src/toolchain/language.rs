//! The languages that a project can be in, and how one is told.

use std::fs;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use crate::failure::Failure;

/// The language of a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    Rust,
    #[value(name = "javascript", alias = "js")]
    JavaScript,
    Python,
    C,
}

/// The module that a service in Python is.
pub(super) const PYTHON_MODULE: &str = "app";

impl Language {
    /// What the files of `directory` are in.
    pub(crate) fn of(directory: &Path) -> Result<Self, Failure> {
        let has = |name: &str| directory.join(name).is_file();
        if has("Cargo.toml") {
            Ok(Self::Rust)
        } else if has("package.json") {
            Ok(Self::JavaScript)
        } else if has(&format!("{PYTHON_MODULE}.py")) {
            Ok(Self::Python)
        } else if !c_sources(directory).is_empty() {
            Ok(Self::C)
        } else {
            let what = format!("{} cannot be built", directory.display());
            let why = "there is no Cargo.toml, package.json, app.py or file that ends in .c";
            Err(Failure::new(what, why).hint(
                "`stokehold new NAME --lang rust|javascript|python|c` makes a project to begin with",
            ))
        }
    }
}

/// The sources of a service in C, by name.
pub(super) fn c_sources(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    let is_source = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "c");
    let mut sources: Vec<_> = paths.filter(is_source).collect();
    sources.sort();
    sources
}
