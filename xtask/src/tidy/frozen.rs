//! Released versions of the contract never change: guests out there were built against them.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use toml::Table;

use super::finding::Finding;
use crate::digest::sha256;

/// The list of released versions, in the contract's folder.
const LIST: &str = "frozen.toml";

/// Checks every released version in `wit`.
pub(crate) fn check(wit: &Path) -> Result<Vec<Finding>> {
    let list =
        fs::read_to_string(wit.join(LIST)).with_context(|| format!("Cannot read wit/{LIST}"))?;
    let list = list.parse().with_context(|| format!("Cannot parse wit/{LIST}"))?;
    Ok(find(&list, |version| {
        let mut files = Vec::new();
        read(&wit.join(version), "", &mut files).ok()?;
        Some(digest(files))
    }))
}

/// The versions that are not what `list` says, where `digest` tells what a version is now.
fn find(list: &Table, digest: impl Fn(&str) -> Option<String>) -> Vec<Finding> {
    let changed =
        list.iter().filter(|(version, frozen)| digest(version).as_deref() != frozen.as_str());
    changed
        .map(|(version, _)| Finding {
            path: format!("wit/{version}"),
            line: 1,
            what: match digest(version) {
                Some(digest) => format!("it changed after its release, and is {digest} now"),
                None => "it was released and is gone".into(),
            },
            mend: "put it back as it was, and make a folder for the next version",
        })
        .collect()
}

/// Reads a folder's files, as their paths in it and what they say.
fn read(folder: &Path, path: &str, files: &mut Vec<(String, Vec<u8>)>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = format!("{path}/{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            read(&entry.path(), &path, files)?;
        } else {
            files.push((path, fs::read(entry.path())?));
        }
    }
    Ok(())
}

/// The digest of a folder: of the list of its files and their digests.
fn digest(mut files: Vec<(String, Vec<u8>)>) -> String {
    files.sort();
    let lines = files.iter().map(|(path, bytes)| format!("{} {path}\n", sha256(bytes)));
    sha256(lines.collect::<String>().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::{digest, find};

    fn folder(text: &str) -> String {
        digest(vec![("/service.wit".into(), text.into()), ("/deps.wit".into(), Vec::new())])
    }

    #[test]
    fn a_released_version_that_changed_or_went_is_found() {
        let list = format!("\"service-0.1.0\" = \"{}\"", folder("released"));
        let list = list.parse().expect("it is TOML");
        assert_eq!(find(&list, |_| Some(folder("released"))), []);
        let changed = find(&list, |_| Some(folder("edited")));
        assert!(changed[0].what.starts_with("it changed after its release"));
        let gone = find(&list, |_| None);
        assert_eq!(
            gone[0].to_string().split(';').next(),
            Some("wit/service-0.1.0:1: it was released and is gone")
        );
    }

    #[test]
    fn a_digest_tells_names_and_contents_apart() {
        let file = |path: &str, text: &str| digest(vec![(path.into(), text.into())]);
        assert_ne!(file("/a.wit", "x"), file("/b.wit", "x"));
        assert_ne!(file("/a.wit", "x"), file("/a.wit", "y"));
    }
}
