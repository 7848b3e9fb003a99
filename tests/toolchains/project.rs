//! A project that `stokehold new` has made, and what compiles it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use stokehold_tests::binary::{self, Ran, toolchains};
use tempfile::TempDir;

/// A project in a folder of its own.
pub(crate) struct Project {
    folder: TempDir,
    pub(crate) name: String,
}

impl Project {
    /// Makes one, and gives it the toolchain that a developer would install now.
    pub(crate) fn new(name: &str, language: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let project = Project { folder, name: name.to_owned() };
        project.above(&["new", name, "--lang", language]).success();
        match language {
            "javascript" => project.lend("javascript", "node_modules"),
            "python" | "c" => project.lend("python", ".venv"),
            _ => {}
        }
        project
    }

    fn lend(&self, toolchain: &str, name: &str) {
        let installed = toolchains().join(toolchain).join(name);
        assert!(installed.is_dir(), "no {}: run `cargo xtask toolchains`", installed.display());
        symlink(installed, self.path(name)).expect("a link");
    }

    /// A path in the project.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(&self.name).join(path)
    }

    /// Replaces what has to stand once in a file.
    pub(crate) fn edit(&self, path: &str, from: &str, to: &str) {
        let path = self.path(path);
        let text = fs::read_to_string(&path).expect("a file");
        assert_eq!(text.matches(from).count(), 1, "{from} in {}", path.display());
        fs::write(path, text.replace(from, to)).expect("a file");
    }

    /// Runs the program in the project.
    pub(crate) fn stokehold(&self, arguments: &[&str]) -> Ran {
        let cache = self.folder.path().join("cache");
        run(command(arguments).current_dir(self.path("")).env("STOKEHOLD_CACHE", cache))
    }

    /// Runs the program where the project's folder is.
    pub(crate) fn above(&self, arguments: &[&str]) -> Ran {
        run(command(arguments).current_dir(self.folder.path()))
    }

    /// One paid call here.
    pub(crate) fn call(&self, params: &Value) -> Value {
        self.stokehold(&["run", ".", "count", "--params", &params.to_string(), "--json"]).json()
    }

    /// The requests that the project has recorded, by the names of their files.
    pub(crate) fn recorded(&self) -> Vec<(String, Value)> {
        let entries = fs::read_dir(self.path("tests")).expect("recorded requests");
        let mut recorded: Vec<_> = entries
            .map(|entry| {
                let entry = entry.expect("an entry");
                let text = fs::read_to_string(entry.path()).expect("a recorded request");
                let request = serde_json::from_str(&text).expect("JSON");
                (entry.file_name().to_string_lossy().into_owned(), request)
            })
            .collect();
        recorded.sort_by(|one, other| one.0.cmp(&other.0));
        recorded
    }
}

/// The program, in the environment of a developer.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = binary::command(arguments);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CARGO_") {
            command.env_remove(name);
        }
    }
    // What projects depend on is compiled once, with the compiler of this repository.
    command.env("CARGO_TARGET_DIR", toolchains().join("rust")).env("RUSTUP_TOOLCHAIN", channel());
    if let Some(home) = std::env::var_os("CARGO_HOME") {
        command.env("CARGO_HOME", home);
    }
    command
}

pub(crate) fn run(command: &mut Command) -> Ran {
    Ran::new(command.output().expect("the program starts"))
}

fn channel() -> String {
    let text = fs::read_to_string(binary::root().join("rust-toolchain.toml")).expect("a toolchain");
    let file: toml::Table = text.parse().expect("TOML");
    file["toolchain"]["channel"].as_str().expect("a channel").to_owned()
}

/// Copies the sources of a folder, and nothing that was built.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let to = to.join(entry.file_name());
        if entry.file_name() == "target" {
        } else if entry.file_type().expect("a type").is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).expect("a copy");
        }
    }
}
