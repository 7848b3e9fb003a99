//! Benchmarks of the runtime, side by side in one go: see `docs/benchmarks.md`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what it measures, it prints")]

mod bare;
mod calls;
mod figure;
mod fuel;
mod machine;
mod report;

use std::process::ExitCode;

use clap::Parser;

/// What is measured.
#[derive(Parser)]
#[command(name = "cargo xtask bench")]
enum Subject {
    /// Calls in process: a fresh instance each, with and without the services of WASI
    Calls(Options),
    /// What metering costs: the coal roller native, unmetered, with fuel, with fuel and epochs
    Fuel(Options),
}

#[derive(clap::Args)]
struct Options {
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// How often each sample is taken; the median counts
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
}

fn main() -> ExitCode {
    let (measured, options) = match Subject::parse() {
        Subject::Calls(options) => (calls::measure(options.rounds), options),
        Subject::Fuel(options) => (fuel::measure(options.rounds), options),
    };
    match measured.map(|section| print(&section, options.json)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Not `{error:?}`: its backtrace would tell of this program, which is not at fault.
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn print(section: &report::Section, as_json: bool) {
    if as_json {
        println!("{:#}", section.json());
    } else {
        println!("{section}");
    }
}
