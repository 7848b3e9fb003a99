//! `cargo xtask tidy`: the rules of the code base that no other tool checks.

mod edges;
mod files;
mod finding;
mod frozen;
mod manifest;
mod source;

use anyhow::{Result, bail};

use crate::paths;

/// Prints every finding, and fails if there is one.
pub(crate) fn run() -> Result<()> {
    let files = files::all(paths::root())?;
    let mut findings = edges::check()?;
    findings.extend(frozen::check(&paths::root().join("wit"))?);
    for file in &files {
        if file.is_rust() {
            findings.extend(source::check(file));
        } else {
            findings.extend(manifest::check(file));
        }
    }
    for finding in &findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => println!("tidy: {} files, nothing to mend", files.len()),
        count => bail!("tidy: {count} to mend"),
    }
    Ok(())
}
