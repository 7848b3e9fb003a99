//! A project with a mistake.

use std::fs;
use std::path::PathBuf;

use stokehold_tests::binary::{Ran, command};
use tempfile::TempDir;

/// A project that is gone after the test.
pub(crate) struct Project(TempDir);

impl Project {
    /// A project named `it`, with further lines of the manifest.
    pub(crate) fn new(more: &str, component: &[u8]) -> Self {
        let project = Self(tempfile::tempdir().expect("a directory"));
        let manifest = format!(
            "[service]\nname = \"it\"\nlabel = \"Greeter\"\n\n[component]\npath = \"it.wasm\"\n\n\
             [tariff]\nfuel_per_credit = 10_000_000\n\n{more}"
        );
        fs::write(project.file("service.toml"), manifest).expect("it is written");
        fs::write(project.file("it.wasm"), component).expect("it is written");
        project
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Changes the manifest.
    #[track_caller]
    pub(crate) fn change(&self, from: &str, to: &str) {
        let path = self.file("service.toml");
        let text = fs::read_to_string(&path).expect("the manifest");
        assert!(text.contains(from), "no {from} in {text}");
        fs::write(path, text.replace(from, to)).expect("it is written");
    }

    /// Runs the program in the project, and compares what it prints.
    #[track_caller]
    pub(crate) fn expect(&self, name: &str, arguments: &[&str]) {
        let output = command(arguments).current_dir(self.0.path()).output();
        let ran = Ran::new(output.expect("the program starts"));
        crate::compare(name, &crate::shown(arguments, &ran));
    }
}
