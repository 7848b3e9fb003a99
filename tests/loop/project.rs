//! Projects of a test: a directory with a manifest and a component.

use std::fs;

use stokehold_tests::upload;
use tempfile::TempDir;

/// A project that is gone after the test.
#[derive(Debug)]
pub(crate) struct Project(TempDir);

impl Project {
    /// A project named `it`, with further lines of the manifest.
    pub(crate) fn new(component: &[u8], more: &str) -> Self {
        let project = Self(tempfile::tempdir().expect("a directory"));
        project.write("service.toml", upload::manifest("it", more));
        project.write("it.wasm", component);
        project
    }

    pub(crate) fn path(&self) -> &str {
        self.0.path().to_str().expect("a path of text")
    }

    /// Writes a file of the project.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().expect("a directory")).expect("it is made");
        fs::write(path, content).expect("it is written");
    }

    /// Reads a file of the project.
    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.path().join(name)).expect("it is there")
    }

    /// The path of a file of the project.
    pub(crate) fn file(&self, name: &str) -> String {
        format!("{}/{name}", self.path())
    }
}
