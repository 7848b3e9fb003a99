//! `cargo xtask bench NAME`: measure, side by side in one go. See `docs/benchmarks.md`.

use anyhow::Result;

use crate::{paths, program};

/// What can be measured.
#[derive(clap::Subcommand)]
pub(crate) enum Bench {
    /// The ledger: in process, over HTTP beside a bare handler, beside PostgreSQL's pgbench
    #[command(disable_help_flag = true)]
    Ledger(program::Arguments),
    /// Calls in process: a fresh instance each, with and without the services of WASI; and over HTTP,
    /// bare, unpaid, paid
    #[command(disable_help_flag = true)]
    Calls(program::Arguments),
    /// What metering costs: the coal roller native, unmetered, with fuel, with fuel and epochs
    #[command(disable_help_flag = true)]
    Fuel(program::Arguments),
    /// What calls of the host take, beside what their fuel is worth
    #[command(disable_help_flag = true)]
    Prices(program::Arguments),
    /// How much guests slow the broker
    #[command(disable_help_flag = true)]
    Isolation(program::Arguments),
    /// A thousand services on one host: how soon it starts, what calls over all of them take
    #[command(disable_help_flag = true)]
    Services(program::Arguments),
    /// Mixed load for ten minutes, and what is left of it
    #[command(disable_help_flag = true)]
    Soak(program::Arguments),
}

/// Builds the benchmark and runs it.
pub(crate) fn run(bench: &Bench) -> Result<()> {
    let stokehold = paths::target_dir().join("release/stokehold");
    let furnace = |section: &str, arguments| {
        program::run("stokehold-bench-furnace", &[section], arguments, &stokehold)
    };
    match bench {
        Bench::Ledger(arguments) => {
            program::run("stokehold-bench-ledger", &["run"], arguments, &stokehold)
        }
        Bench::Calls(arguments) => {
            furnace("calls", arguments)?;
            furnace("served", arguments)
        }
        Bench::Fuel(arguments) => furnace("fuel", arguments),
        Bench::Prices(arguments) => furnace("prices", arguments),
        Bench::Isolation(arguments) => furnace("isolation", arguments),
        Bench::Services(arguments) => furnace("services", arguments),
        Bench::Soak(arguments) => furnace("soak", arguments),
    }
}
