//! Links between the documents.

use std::fs;
use std::path::{Path, PathBuf};

use stokehold_tests::binary::root;

use crate::markdown::{anchor, split};

#[test]
fn every_link_leads_somewhere() {
    let documents = documents();
    assert!(documents.len() > 10, "{documents:?}");
    let dead: Vec<_> = documents.iter().flat_map(|document| dead_links(document)).collect();
    assert!(dead.is_empty(), "dead links:\n{}", dead.join("\n"));
}

/// Every Markdown file of the repository.
fn documents() -> Vec<PathBuf> {
    let (mut folders, mut found) = (vec![root()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let entry = entry.expect("an entry");
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.file_type().expect("a type").is_dir() {
                if name != "target" && !name.starts_with('.') {
                    folders.push(entry.path());
                }
            } else if entry.path().extension().is_some_and(|extension| extension == "md") {
                found.push(entry.path());
            }
        }
    }
    found
}

fn dead_links(document: &Path) -> Vec<String> {
    let text = fs::read_to_string(document).expect("a document");
    let (_, prose) = split(&text);
    let links = prose.iter().flat_map(|(line, text)| {
        text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|link| (*line, link.0))
    });
    links
        .filter(|(_, link)| !link.contains("://") && !leads_somewhere(document, link))
        .map(|(line, link)| format!("{}:{line}: {link}", document.display()))
        .collect()
}

fn leads_somewhere(document: &Path, link: &str) -> bool {
    let (path, fragment) = link.split_once('#').unwrap_or((link, ""));
    let target = match path {
        "" => document.to_owned(),
        path => document.with_file_name(path),
    };
    if fragment.is_empty() {
        return target.exists();
    }
    let text = fs::read_to_string(target).unwrap_or_default();
    let (_, prose) = split(&text);
    prose
        .iter()
        .any(|(_, line)| line.starts_with('#') && anchor(line.trim_start_matches('#')) == fragment)
}
