//! The rule for crate manifests: every crate has the lints of its workspace.

use toml::{Table, Value};

use super::files::File;
use super::finding::Finding;

/// Checks one `Cargo.toml`.
pub(crate) fn check(file: &File) -> Option<Finding> {
    let table = file.text.parse::<Table>().unwrap_or_default();
    let lints = table.get("lints").and_then(|lints| lints.get("workspace"));
    let is_crate = table.contains_key("package");
    (is_crate && lints != Some(&Value::Boolean(true))).then(|| Finding {
        path: file.path.clone(),
        line: 1,
        what: "the crate does without the workspace's lints".into(),
        mend: "add `[lints] workspace = true`",
    })
}

#[cfg(test)]
mod tests {
    use super::{File, check};

    fn is_found(text: &str) -> bool {
        let file = File { path: "host/x/Cargo.toml".into(), text: text.into() };
        check(&file).is_some()
    }

    #[test]
    fn a_crate_without_the_lints_is_found() {
        assert!(is_found("[package]\nname = 'x'"));
        assert!(is_found("[package]\nname = 'x'\n[lints]\nworkspace = false"));
        assert!(!is_found("[package]\nname = 'x'\n[lints]\nworkspace = true"));
    }

    #[test]
    fn a_workspace_has_no_lints_to_inherit() {
        assert!(!is_found("[workspace]\nmembers = ['x']"));
    }
}
