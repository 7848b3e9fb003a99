//! The files that have rules.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// Folders with crates of ours.
const FOLDERS: [&str; 5] = ["bench", "host", "plugins", "tests", "xtask"];
/// The name of a crate's manifest.
const MANIFEST: &str = "Cargo.toml";

/// A text file.
pub(crate) struct File {
    /// Its path from the root of the repository, with `/` between names.
    pub(crate) path: String,
    /// What it says.
    pub(crate) text: String,
}

impl File {
    /// Whether it is a Rust source, and not a manifest.
    pub(crate) fn is_rust(&self) -> bool {
        !self.path.ends_with(MANIFEST)
    }
}

/// Every Rust source and every `Cargo.toml`, by path.
pub(crate) fn all(root: &Path) -> Result<Vec<File>> {
    let mut files = Vec::new();
    for folder in FOLDERS {
        walk(&root.join(folder), folder, &mut files)?;
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(files)
}

fn walk(folder: &Path, path: &str, files: &mut Vec<File>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("Cannot read {path}"))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{path}/{name}");
        if entry.file_type()?.is_dir() {
            if name != "target" && !name.starts_with('.') {
                walk(&entry.path(), &path, files)?;
            }
        } else if name == MANIFEST
            || entry.path().extension().is_some_and(|extension| extension == "rs")
        {
            let text = fs::read_to_string(entry.path());
            let text = text.with_context(|| format!("Cannot read {path}"))?;
            files.push(File { path, text });
        }
    }
    Ok(())
}
