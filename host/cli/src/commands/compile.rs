//! `stokehold compile`: the process that a host compiles in, see `compile_as_child`.

use std::io::{stdin, stdout};
use std::process::ExitCode;

use stokehold_app::types::compile_as_child;

use crate::output;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The most memory it may take, in bytes of address space
    memory_bytes_max: u64,
}

pub(crate) fn run(args: &Args) -> ExitCode {
    match compile_as_child(args.memory_bytes_max, stdin().lock(), stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            output::err(&why);
            ExitCode::FAILURE
        }
    }
}
