//! `cargo xtask crash`: kill the real program under load, again and again.

use std::fs;

use anyhow::Result;

use crate::{paths, program};

/// Builds the crash loop and runs it; with `--fail-points`, on a program that kills itself where it
/// is told to.
pub(crate) fn run(arguments: &program::Arguments) -> Result<()> {
    let release = paths::target_dir().join("release");
    let mut subject = release.join("stokehold");
    if arguments.contain("--fail-points") {
        let built = subject;
        program::build(&["--features", "stokehold/fail-points"])?;
        // Kept apart: the program as it is shipped is built over it at once.
        subject = release.join("stokehold-fail-points");
        fs::copy(built, &subject)?;
    }
    program::run("stokehold-crash", &[], arguments, &subject)
}
