//! Where things are.

use std::env;
use std::path::{Path, PathBuf};

/// The folder of the repository.
pub(crate) fn root() -> &'static Path {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask)
}

/// The workspace of the guests.
pub(crate) fn plugins() -> PathBuf {
    root().join("plugins")
}

/// Where the host is compiled.
pub(crate) fn target_dir() -> PathBuf {
    let set = env::var_os("CARGO_TARGET_DIR");
    root().join(set.map_or_else(|| PathBuf::from("target"), PathBuf::from))
}

/// Where guests are compiled: apart from the host, which has other profiles and flags.
pub(crate) fn guest_target_dir() -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => root().join(dir).join("guests"),
        None => plugins().join("target"),
    }
}
