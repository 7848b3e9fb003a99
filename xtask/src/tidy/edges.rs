//! Who may depend on whom, so that each layer can be read alone.

use anyhow::{Context, Result};
use serde_json::Value;

use super::finding::Finding;
use crate::{command, paths};

/// Each crate, and those of ours that it may depend on, in its tests too.
const EDGES: [(&str, &[&str]); 11] = [
    ("stokehold-ledger", &[]),
    ("stokehold-runtime", &[]),
    ("stokehold-wire", &["ledger"]),
    ("stokehold-provider", &["ledger"]),
    ("stokehold-store", &["ledger"]),
    ("stokehold-app", &["ledger", "store", "runtime"]),
    ("stokehold-server", &["app", "wire"]),
    ("stokehold", &["app", "server", "wire", "runtime", "ledger"]),
    ("stokehold-bench-furnace", &["app", "ledger", "runtime", "store", "tests"]),
    ("stokehold-bench-ledger", &["ledger", "store", "tests"]),
    ("xtask", &[]),
];
/// Tests cross crates: this one may depend on all.
const TESTS: &str = "stokehold-tests";

/// Checks the host's workspace.
pub(crate) fn check() -> Result<Vec<Finding>> {
    let cargo = &mut command::cargo();
    cargo.current_dir(paths::root()).args([
        "metadata",
        "--locked",
        "--no-deps",
        "--format-version=1",
    ]);
    let metadata = serde_json::from_str(&command::output(cargo)?)?;
    find(&metadata).context("`cargo metadata` has another form than this task knows")
}

/// The findings in what `cargo metadata` prints, or nothing if it has another form.
fn find(metadata: &Value) -> Option<Vec<Finding>> {
    let root = metadata["workspace_root"].as_str()?;
    let mut findings = Vec::new();
    for package in metadata["packages"].as_array()? {
        let name = package["name"].as_str()?;
        let manifest = package["manifest_path"].as_str()?;
        let path = manifest.strip_prefix(root)?.trim_start_matches(['/', '\\']);
        let mut find = |what, mend| {
            let path = path.to_owned();
            findings.push(Finding { path, line: 1, what, mend });
        };
        let Some((_, allowed)) = EDGES.iter().find(|(from, _)| *from == name) else {
            if name != TESTS {
                find(
                    format!("nobody said what `{name}` may depend on"),
                    "add it to the edges in xtask",
                );
            }
            continue;
        };
        for dependency in package["dependencies"].as_array()? {
            let to = dependency["name"].as_str()?;
            let ours = !dependency["path"].is_null();
            if ours && !allowed.iter().any(|noun| to.strip_prefix("stokehold-") == Some(noun)) {
                find(
                    format!("`{name}` may not depend on `{to}`"),
                    "move the code to a crate that may, or argue for the edge in ARCHITECTURE.md",
                );
            }
        }
    }
    Some(findings)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::find;

    /// What is found where `name` depends on `dependency`.
    fn found(name: &str, dependency: &Value) -> Vec<String> {
        let metadata = json!({
            "workspace_root": "/repo",
            "packages": [{
                "name": name,
                "manifest_path": "/repo/host/x/Cargo.toml",
                "dependencies": [dependency],
            }],
        });
        let findings = find(&metadata).expect("this is its form");
        findings.into_iter().map(|finding| format!("{}: {}", finding.path, finding.what)).collect()
    }

    #[test]
    fn an_edge_that_is_not_allowed_is_found() {
        let store = json!({ "name": "stokehold-store", "path": "/repo/host/store" });
        assert_eq!(found("stokehold-app", &store), [""; 0]);
        assert_eq!(found("stokehold-tests", &store), [""; 0]);
        assert_eq!(
            found("stokehold-ledger", &store),
            ["host/x/Cargo.toml: `stokehold-ledger` may not depend on `stokehold-store`"]
        );
    }

    #[test]
    fn crates_of_others_are_not_our_business() {
        assert_eq!(found("stokehold-ledger", &json!({ "name": "serde", "path": null })), [""; 0]);
    }

    #[test]
    fn a_crate_without_a_rule_is_found() {
        assert_eq!(
            found("stokehold-new", &json!({ "name": "serde", "path": null })),
            ["host/x/Cargo.toml: nobody said what `stokehold-new` may depend on"]
        );
    }
}
