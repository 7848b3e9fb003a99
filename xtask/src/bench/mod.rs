//! `cargo xtask bench NAME`: measure, side by side in one go. See `docs/benchmarks.md`.

use anyhow::Result;

use crate::{paths, program};

/// What can be measured.
#[derive(clap::Subcommand)]
pub(crate) enum Bench {
    /// The ledger: in process, over HTTP beside a bare handler, beside PostgreSQL's pgbench
    #[command(disable_help_flag = true)]
    Ledger(program::Arguments),
    /// Calls in process: a fresh instance each, with and without the services of WASI
    #[command(disable_help_flag = true)]
    Calls(program::Arguments),
    /// What metering costs: the coal roller native, unmetered, with fuel, with fuel and epochs
    #[command(disable_help_flag = true)]
    Fuel(program::Arguments),
}

/// Builds the benchmark and runs it.
pub(crate) fn run(bench: &Bench) -> Result<()> {
    let stokehold = paths::target_dir().join("release/stokehold");
    match bench {
        Bench::Ledger(arguments) => {
            program::run("stokehold-bench-ledger", &["run"], arguments, &stokehold)
        }
        Bench::Calls(arguments) => {
            program::run("stokehold-bench-furnace", &["calls"], arguments, &stokehold)
        }
        Bench::Fuel(arguments) => {
            program::run("stokehold-bench-furnace", &["fuel"], arguments, &stokehold)
        }
    }
}
