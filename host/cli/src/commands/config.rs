//! `stokehold config`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;

use crate::config;
use crate::failure::Failure;
use crate::output;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Validate the configuration
    Check(Args),
    /// Show what is in effect: the file, and the environment over it
    Print(Args),
}

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The configuration file
    #[arg(long)]
    config: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(command: &Command) -> Result<ExitCode, Failure> {
    let (Command::Check(args) | Command::Print(args)) = command;
    let config = config::load(args.config.as_deref())?;
    config::check(&config)?;
    match (command, args.json) {
        (Command::Check(_), false) => output::out("the configuration is valid\n"),
        (Command::Check(_), true) => output::json(&serde_json::json!({ "valid": true })),
        (Command::Print(_), true) => output::json(&config),
        (Command::Print(_), false) => {
            let text = toml::to_string(&config)
                .map_err(|error| Failure::new("the configuration cannot be shown", error))?;
            output::out(&text);
        }
    }
    Ok(ExitCode::SUCCESS)
}
