//! `run --watch`: build and run again whenever something is saved.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use notify_debouncer_mini::notify::RecursiveMode;
use notify_debouncer_mini::{DebounceEventResult, new_debouncer};
use tokio::sync::mpsc;

use super::Args;
use crate::failure::Failure;
use crate::output;
use crate::{project, toolchain};

/// What belongs to one save comes within this time: editors write several files.
const QUIET: Duration = Duration::from_millis(200);

/// Folders that tools fill, beside those whose names begin with a dot.
const NOT_SOURCES: [&str; 3] = ["target", "node_modules", "__pycache__"];

/// Builds and runs until Ctrl-C. What fails is told, and the next save is waited for.
pub(super) async fn run(args: &Args) -> Result<ExitCode, Failure> {
    let unwatched = |why: &dyn std::fmt::Display| {
        Failure::new(format!("{} cannot be watched", args.path.display()), why)
            .hint("name the directory that holds service.toml")
    };
    let directory = args.path.canonicalize().map_err(|error| unwatched(&error))?;
    let component = directory.join(project::load_manifest(&directory)?.component_path);
    let (saved, mut saves) = mpsc::channel(1);
    let watched = directory.clone();
    let tell = move |events: DebounceEventResult| {
        let is_source = |path: &Path| is_source(&watched, &component, path);
        if events.unwrap_or_default().iter().any(|event| is_source(&event.path)) {
            // A save that is still to be looked at stands for this one as well.
            let _ = saved.try_send(());
        }
    };
    let mut debouncer = new_debouncer(QUIET, tell).map_err(|error| unwatched(&error))?;
    let watching = debouncer.watcher().watch(&directory, RecursiveMode::Recursive);
    watching.map_err(|error| unwatched(&error))?;
    let mut interrupted = pin!(tokio::signal::ctrl_c());
    loop {
        let turn = async {
            if let Err(failure) = build_and_run(args).await {
                failure.print();
            }
            output::err("waiting for a file to be saved; Ctrl-C ends\n");
            saves.recv().await
        };
        tokio::select! {
            saved = turn => if saved.is_none() { return Ok(ExitCode::SUCCESS) },
            _ = &mut interrupted => return Ok(ExitCode::SUCCESS),
        }
    }
}

async fn build_and_run(args: &Args) -> Result<ExitCode, Failure> {
    let directory: PathBuf = args.path.clone();
    let building = tokio::task::spawn_blocking(move || toolchain::build(&directory));
    building.await.map_err(|error| Failure::new("the build broke off", error))??;
    super::run_once(args).await
}

/// Whether somebody has written this file, and no tool: neither the component, nor what is in a
/// folder of a tool's or hidden.
fn is_source(directory: &Path, component: &Path, path: &Path) -> bool {
    let is_tools = |name: &OsStr| {
        let name = name.to_string_lossy();
        name.starts_with('.') || NOT_SOURCES.contains(&name.as_ref())
    };
    let inside = path.strip_prefix(directory).unwrap_or(path);
    path != component && path != directory && !inside.iter().any(is_tools)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tools_write_is_no_source() {
        let (directory, component) =
            (Path::new("/p/.hidden/it"), Path::new("/p/.hidden/it/it.wasm"));
        for (path, expected) in [
            ("src/lib.rs", true),
            ("service.toml", true),
            ("tests/a.json", true),
            ("it.wasm", false),
            (".tmpAbC", false),
            ("target/release/x", false),
            ("node_modules/a/b.js", false),
            (".venv/bin/python", false),
            ("__pycache__/app.pyc", false),
        ] {
            assert_eq!(is_source(directory, component, &directory.join(path)), expected, "{path}");
        }
    }
}
