//! A guest: a crate in `plugins/` with a manifest, `service.toml`, beside its `Cargo.toml`.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use toml::Table;

use crate::{command, component, paths, target};

/// One guest.
pub(crate) struct Guest {
    /// The name of its crate.
    pub(crate) name: String,
    /// Where its component is committed.
    pub(crate) component: PathBuf,
    /// Where its source is, and the flags of its own.
    folder: PathBuf,
}

impl Guest {
    /// Every guest, by name.
    pub(crate) fn all() -> Result<Vec<Self>> {
        let mut guests = Vec::new();
        for entry in fs::read_dir(paths::plugins())? {
            let folder = entry?.path();
            if folder.join("service.toml").exists() {
                guests.push(Self::read(&folder)?);
            }
        }
        ensure!(!guests.is_empty(), "No crate in plugins/ has a service.toml: nothing to build");
        guests.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(guests)
    }

    fn read(folder: &Path) -> Result<Self> {
        let component = text(&folder.join("service.toml"), "component", "path")?;
        Ok(Self {
            name: text(&folder.join("Cargo.toml"), "package", "name")?,
            component: folder.join(component),
            folder: folder.to_owned(),
        })
    }

    /// Compiles the guest and gives its component.
    pub(crate) fn build(&self) -> Result<Vec<u8>> {
        let target_dir = paths::guest_target_dir();
        let cargo = &mut command::cargo();
        cargo
            .current_dir(&self.folder)
            .args(["build", "--locked", "--release", "--target", target::TARGET])
            .args(["--config", &flags()?])
            .env("CARGO_TARGET_DIR", &target_dir)
            // Either would take the place of all flags in configuration files.
            .env_remove("RUSTFLAGS")
            .env_remove("CARGO_ENCODED_RUSTFLAGS");
        command::run(cargo)?;
        let file = format!("{}/release/{}.wasm", target::TARGET, self.name.replace('-', "_"));
        let module = fs::read(target_dir.join(&file))
            .with_context(|| format!("{} built no {file}: is it a cdylib?", self.name))?;
        component::encode(&module).with_context(|| format!("{} is no component", self.name))
    }
}

/// Compiler flags that keep this machine's folders out of the bytes, as Cargo's configuration has
/// them. They join those of the `.cargo/config.toml` of all guests and of this one.
fn flags() -> Result<String> {
    let cargo_home = match env::var_os("CARGO_HOME") {
        Some(home) => PathBuf::from(home),
        None => env::home_dir().context("There is no home folder")?.join(".cargo"),
    };
    let sysroot = target::sysroot()?;
    // Where two prefixes fit a path, the compiler takes the later one.
    let prefixes =
        [(paths::root(), "/stokehold"), (&cargo_home, "/cargo"), (Path::new(&sysroot), "/rust")];
    let flags = prefixes.map(|(from, to)| format!("--remap-path-prefix={}={to}", from.display()));
    Ok(format!("target.{}.rustflags={}", target::TARGET, toml::Value::from(flags.to_vec())))
}

/// The text `[table] key` of a TOML file.
fn text(file: &Path, table: &str, key: &str) -> Result<String> {
    let toml =
        fs::read_to_string(file).with_context(|| format!("Cannot read {}", file.display()))?;
    let toml: Table = toml.parse().with_context(|| format!("Cannot parse {}", file.display()))?;
    let text = toml.get(table).and_then(|table| table.get(key)).and_then(|text| text.as_str());
    text.map(str::to_owned)
        .with_context(|| format!("{} has no text `{key}` in [{table}]", file.display()))
}
