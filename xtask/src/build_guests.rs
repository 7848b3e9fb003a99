//! `cargo xtask build-guests`: the committed components, from their source.

use std::fs;

use anyhow::{Context, Result, bail};

use crate::guest::Guest;
use crate::{component, paths, target};

/// Where the committed components are built. Symbol names, and so bytes, depend on the platform
/// that the compiler runs on.
const RECORDED_HOST: &str = "x86_64-unknown-linux-gnu";

/// Options of the task.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Write nothing: fail where a committed component is not what its source builds
    #[arg(long)]
    pub(crate) check: bool,
}

/// Builds every guest.
pub(crate) fn run(options: &Options) -> Result<()> {
    target::ensure()?;
    for guest in Guest::all()? {
        let built = guest.build()?;
        if options.check {
            check(&guest, &built)?;
        } else {
            fs::write(&guest.component, &built)
                .with_context(|| format!("Cannot write {}", guest.component.display()))?;
            println!("{}: {}", shown(&guest), component::describe(&built));
        }
    }
    Ok(())
}

fn check(guest: &Guest, built: &[u8]) -> Result<()> {
    let file = shown(guest);
    let committed = fs::read(&guest.component).with_context(|| {
        format!("Cannot read {file}\nhint: run `cargo xtask build-guests` and commit the file")
    })?;
    if committed == built {
        println!("{file}: what its source builds ({})", component::describe(built));
        return Ok(());
    }
    let host = target::host()?;
    if host != RECORDED_HOST {
        println!(
            "{file}: its source builds; bytes can be compared on {RECORDED_HOST} only, this is {host}"
        );
        return Ok(());
    }
    bail!(
        "{file} is not what its source builds.\n\
         committed: {}\n\
         built:     {}\n\
         hint: run `cargo xtask build-guests` with the toolchain of rust-toolchain.toml and commit the file",
        component::describe(&committed),
        component::describe(built)
    )
}

/// The component's path as people write it.
fn shown(guest: &Guest) -> String {
    let path = &guest.component;
    path.strip_prefix(paths::root()).unwrap_or(path).display().to_string()
}
