//! `cargo xtask bench NAME`: measure, side by side in one go. See `docs/benchmarks.md`.

use anyhow::Result;

use crate::{paths, program};

/// What can be measured.
#[derive(clap::Subcommand)]
pub(crate) enum Bench {
    /// The ledger: in process, over HTTP beside a bare handler, beside PostgreSQL's pgbench
    #[command(disable_help_flag = true)]
    Ledger(program::Arguments),
}

/// Builds the benchmark and runs it.
pub(crate) fn run(bench: &Bench) -> Result<()> {
    let stokehold = paths::target_dir().join("release/stokehold");
    match bench {
        Bench::Ledger(arguments) => {
            program::run("stokehold-bench-ledger", &["run"], arguments, &stokehold)
        }
    }
}
