//! The crash loop: the real program under load is killed, started again, and compared with what its
//! clients had heard, again and again on the same data.
//!
//! Acknowledged ⊆ stored ⊆ attempted, for each operation; every invariant holds; and a repeat under
//! the same key gets the answer that was given before the crash.
#![expect(clippy::print_stdout, reason = "what it does, it prints")]

mod caller;
mod check;
mod cycle;
mod heard;
mod journal;
mod kill;
mod load;
mod retry;
mod seen;
mod subject;

use std::fmt;
use std::process::ExitCode;
use std::time::Instant;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, ValueEnum};
use fastrand::Rng;

use crate::kill::Kills;
use crate::subject::Subject;

#[derive(Parser)]
#[command(name = "cargo xtask crash")]
struct Options {
    /// How often to kill
    #[arg(long, default_value_t = 500)]
    cycles: u32,
    /// What the load and the moments of the kills are drawn from [default: a random one]
    #[arg(long)]
    seed: Option<u64>,
    /// Where the ledger is
    #[arg(long, value_enum, default_value_t = Kind::Sqlite)]
    store: Kind,
    /// Kill at named points of the program as well; it has to be built with the feature
    #[arg(long)]
    fail_points: bool,
    /// Kill the database server as well
    #[arg(long)]
    kill_database: bool,
}

/// Where the ledger is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// In a data directory
    Sqlite,
    /// On a PostgreSQL server, which the loop starts
    Postgres,
}

fn main() -> ExitCode {
    let options = Options::parse();
    if options.kill_database && options.store == Kind::Sqlite {
        let message = "--kill-database needs --store postgres: SQLite has no server";
        Options::command().error(ErrorKind::ArgumentConflict, message).exit();
    }
    let seed = options.seed.unwrap_or_else(|| fastrand::u64(..));
    println!("seed {seed}, {} cycles, {}", options.cycles, options.store);
    let start = Instant::now();
    let mut subject = Subject::found(options.store);
    let mut rng = Rng::with_seed(seed);
    let mut kills = Kills::new(options.kill_database, options.fail_points);
    let (mut operations, mut violations) = (0, Vec::new());
    for number in 1..=options.cycles {
        let outcome = cycle::run(&mut subject, number, &mut rng, &mut kills);
        operations += outcome.operations;
        for violation in &outcome.violations {
            println!("cycle {number}, {}: {violation}", outcome.kill);
        }
        violations.extend(outcome.violations);
        if number % 50 == 0 {
            let elapsed = start.elapsed().as_secs();
            println!("{number} cycles, {operations} operations, {elapsed} s");
        }
    }
    println!("store {}", options.store);
    println!("seed {seed}");
    println!("cycles {}", options.cycles);
    println!("operations {operations}");
    println!("kills {kills}");
    println!("violations {}", violations.len());
    println!("seconds {}", start.elapsed().as_secs());
    if violations.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!("data {}", subject.keep().display());
    println!("repeat with: cargo xtask crash {}", options.repeat(seed));
    ExitCode::FAILURE
}

impl Options {
    /// The arguments that draw the same kills again.
    fn repeat(&self, seed: u64) -> String {
        let flag = |is_set, flag: &'static str| if is_set { flag } else { "" };
        format!(
            "--store {} --cycles {} --seed {seed}{}{}",
            self.store,
            self.cycles,
            flag(self.fail_points, " --fail-points"),
            flag(self.kill_database, " --kill-database"),
        )
    }
}

/// As it is written on the command line.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        })
    }
}
