//! Benchmarks of the ledger, side by side in one go: see `docs/benchmarks.md`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what it measures, it prints")]

mod bare;
mod connection;
mod disk;
mod figure;
mod http;
mod in_process;
mod load;
mod machine;
mod pgbench;
mod postgres;
mod process;
mod report;
mod request;
mod scale;
mod subject;
mod swarm;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, ensure};
use clap::{Args, Parser, ValueEnum};

use crate::report::Report;

/// The server's, for what it is compared with.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(name = "cargo xtask bench ledger")]
enum Role {
    /// Measure, and print what was measured
    Run(Options),
    /// Be the bare handler that the server is compared with
    #[command(hide = true)]
    Bare,
}

#[derive(Args)]
struct Options {
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// How long each sample is measured, in seconds
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
    /// How often each sample is taken; the median counts
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// What to measure [default: everything]
    #[arg(long, value_delimiter = ',')]
    only: Vec<Section>,
    /// How many connections, or operations in flight [default: those that the documentation names]
    #[arg(long, value_delimiter = ',')]
    at: Vec<usize>,
    /// Where the databases are put while it runs: the disk below is the one that is measured
    #[arg(long)]
    directory: Option<PathBuf>,
}

/// What is measured.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum Section {
    /// The store alone, at several numbers of operations in flight
    InProcess,
    /// The store with few and with many accounts and holds
    Scale,
    /// The server beside a bare handler
    Http,
    /// The store on PostgreSQL beside the simplest functions for it, driven by pgbench
    Postgres,
}

fn main() -> ExitCode {
    let ran = match Role::parse() {
        Role::Run(options) => run(&options),
        Role::Bare => bare::serve(),
    };
    match ran {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Not `{error:?}`: its backtrace would tell of this program, which is not at fault.
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<()> {
    ensure!(
        std::env::var_os("STOKEHOLD_BIN").is_some(),
        "nothing says where the program is that is to be measured: STOKEHOLD_BIN is not set.\n\
         hint: `cargo xtask bench ledger` builds it and sets it"
    );
    let only: BTreeSet<_> = options.only.iter().copied().collect();
    let is_wanted = |section| only.is_empty() || only.contains(&section);
    let mut directory = tempfile::Builder::new();
    directory.prefix("stokehold-bench-");
    let directory = match &options.directory {
        Some(parent) => directory.tempdir_in(parent)?,
        None => directory.tempdir()?,
    };
    let mut report = Report::new(directory.path())?;
    let plan = Plan {
        seconds: options.seconds,
        rounds: options.rounds,
        at: &options.at,
        directory: directory.path(),
    };
    if is_wanted(Section::InProcess) {
        report.add(in_process::measure(&plan)?);
    }
    if is_wanted(Section::Scale) {
        scale::measure(&plan)?.into_iter().for_each(|section| report.add(section));
    }
    if is_wanted(Section::Http) {
        report.add(http::measure(&plan)?);
    }
    if is_wanted(Section::Postgres) {
        report.add(postgres::measure(&plan)?);
    }
    report.finish(directory.path())?;
    if options.json {
        println!("{}", serde_json::to_string_pretty(&report.json())?);
    } else {
        println!("{report}");
    }
    Ok(())
}

/// How to measure.
struct Plan<'a> {
    /// How long a sample takes.
    seconds: f64,
    /// How many samples are taken of each thing.
    rounds: u32,
    /// Connections or operations in flight; empty for those of the section.
    at: &'a [usize],
    /// Where files may be put.
    directory: &'a std::path::Path,
}

impl Plan<'_> {
    /// The numbers of connections or operations in flight: those that were asked for, or `usual`.
    fn at(&self, usual: &[usize]) -> Vec<usize> {
        if self.at.is_empty() { usual.to_vec() } else { self.at.to_vec() }
    }

    /// How long a sample takes.
    fn sample(&self) -> std::time::Duration {
        std::time::Duration::from_secs_f64(self.seconds)
    }
}

/// Tells a person who waits what is going on; on standard error, so that JSON stays JSON.
fn say(what: &str) {
    eprintln!("{what}");
}
