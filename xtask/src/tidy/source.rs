//! Rules for Rust sources.

use super::files::File;
use super::finding::Finding;

/// Nobody reads a longer file from top to bottom.
const LINES_MAX: usize = 600;

/// What no line may start with, and what to write in its place.
const BANNED_STARTS: [(&str, &str); 3] = [
    ("#[allow(", "write #[expect(…, reason = \"…\")], which tells when it is needed no more"),
    ("#![allow(", "write #![expect(…, reason = \"…\")], which tells when it is needed no more"),
    ("#[ignore", "make the test run, or remove it"),
];

/// What no line may contain. Each is cut in two here, or this file would break its own rule.
const BANNED: [(&str, &str); 3] = [
    (concat!("todo", "!("), "build it now, or leave it out"),
    (concat!("unimplemented", "!("), "build it now, or leave it out"),
    (concat!("FIX", "ME"), "mend it now, or file an issue"),
];

/// Checks one file.
pub(crate) fn check(file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut find = |line, what: String, mend| {
        let path = file.path.clone();
        findings.push(Finding { path, line, what, mend });
    };
    if !file.text.starts_with("//! ") {
        find(
            1,
            "there is no module doc".into(),
            "say on the first line, after `//! `, what the file is for",
        );
    }
    let lines = file.text.lines().count();
    if lines > LINES_MAX {
        find(
            LINES_MAX + 1,
            format!("the file has {lines} lines"),
            "split it by noun: 600 lines are the limit",
        );
    }
    for (number, line) in (1..).zip(file.text.lines()) {
        let starts = BANNED_STARTS.iter().filter(|(start, _)| line.trim_start().starts_with(start));
        let contained = BANNED.iter().filter(|(text, _)| line.contains(text));
        for (text, mend) in starts.chain(contained) {
            find(number, format!("`{text}` is banned"), mend);
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::{File, check};

    fn found(text: &str) -> Vec<(usize, String)> {
        let file = File { path: "host/x/src/lib.rs".into(), text: text.into() };
        check(&file).into_iter().map(|finding| (finding.line, finding.what)).collect()
    }

    #[test]
    fn a_good_file_has_no_finding() {
        let text = "//! Nouns.\n\n#[expect(dead_code, reason = \"shown\")]\nfn noun() {}\n";
        assert_eq!(found(text), []);
    }

    #[test]
    fn a_file_without_a_module_doc_is_found() {
        assert_eq!(found("/// A noun.\nfn noun() {}\n"), [(1, "there is no module doc".into())]);
        assert_eq!(found(""), [(1, "there is no module doc".into())]);
    }

    #[test]
    fn a_long_file_is_found() {
        let text = |lines: usize| format!("//! Doc.\n{}", "fn f() {}\n".repeat(lines - 1));
        assert_eq!(found(&text(600)), []);
        assert_eq!(found(&text(601)), [(601, "the file has 601 lines".into())]);
    }

    #[test]
    fn what_is_banned_is_found_on_its_line() {
        for banned in [
            "#[allow(dead_code)]",
            "    #[ignore]",
            "#[ignore = \"slow\"]",
            concat!("    todo", "!()"),
            concat!("let x = unimplemented", "!(\"x\");"),
            concat!("// FIX", "ME"),
        ] {
            let found = found(&format!("//! Doc.\n\n{banned}\n"));
            assert_eq!(found.len(), 1, "{banned}");
            assert_eq!(found[0].0, 3, "{banned}");
        }
        assert_eq!(found("//! Doc.\n#![allow(unused)]\n").len(), 1);
    }
}
