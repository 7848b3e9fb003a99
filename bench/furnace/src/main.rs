//! Benchmarks of the runtime, and of a server that calls guests, side by side in one go: see
//! `docs/benchmarks.md`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what it measures, it prints")]

mod bare;
mod bare_http;
mod calls;
#[path = "../../ledger/src/connection.rs"]
mod connection;
mod crowd;
mod figure;
mod fuel;
mod guests;
mod isolation;
mod load;
mod machine;
mod prices;
mod process;
mod report;
mod served;
mod soak;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use crate::report::Section;

/// The server's, for what it is compared with.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What is measured.
#[derive(Parser)]
#[command(name = "cargo xtask bench")]
enum Subject {
    /// Calls in process: a fresh instance each, with and without the services of WASI
    Calls(Options<15>),
    /// Calls over HTTP: bare, with a guest, unpaid, paid
    Served(Options<5>),
    /// What metering costs: the coal roller native, unmetered, with fuel, with fuel and epochs
    Fuel(Options<15>),
    /// What calls of the host take, beside what their fuel is worth
    Prices(Options<5>),
    /// How much guests slow the broker
    Isolation(IsolationOptions),
    /// A thousand services on one host
    Services(Print),
    /// Mixed load for minutes, and what is left of it
    Soak(SoakOptions),
    /// The bare handlers, for `served`
    #[command(hide = true)]
    Bare,
}

#[derive(clap::Args)]
struct Print {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
struct Options<const ROUNDS: u32> {
    #[command(flatten)]
    print: Print,
    /// How often each sample is taken; the median counts
    #[arg(long, default_value_t = ROUNDS, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
}

#[derive(clap::Args)]
struct IsolationOptions {
    #[command(flatten)]
    options: Options<5>,
    /// On PostgreSQL, which is started for it
    #[arg(long)]
    postgres: bool,
}

#[derive(clap::Args)]
struct SoakOptions {
    #[command(flatten)]
    print: Print,
    /// How long
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
}

fn main() -> ExitCode {
    match run(Subject::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Not `{error:?}`: its backtrace would tell of this program, which is not at fault.
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(subject: Subject) -> Result<()> {
    let (measured, print) = match subject {
        Subject::Calls(options) => (calls::measure(options.rounds), options.print),
        Subject::Served(options) => (served::measure(options.rounds), options.print),
        Subject::Fuel(options) => (fuel::measure(options.rounds), options.print),
        Subject::Prices(options) => (prices::measure(options.rounds), options.print),
        Subject::Isolation(IsolationOptions { options, postgres }) => {
            (isolation::measure(options.rounds, postgres), options.print)
        }
        Subject::Services(print) => (crowd::measure(), print),
        Subject::Soak(options) => (soak::measure(options.minutes), options.print),
        Subject::Bare => return bare_http::serve(),
    };
    measured.map(|section| show(&section, print.json))
}

fn show(section: &Section, as_json: bool) {
    if as_json {
        println!("{:#}", section.json());
    } else {
        println!("{section}");
    }
}
