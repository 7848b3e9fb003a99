//! `stokehold`: run a host, and everything around one from the shell.

mod bundled;
mod cache;
mod client;
mod commands;
mod config;
mod failure;
mod output;
mod place;
mod profile;
mod project;
mod registry;
mod remote;
mod template;
mod toolchain;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::failure::Failure;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A WebAssembly host for pluggable paid services.
#[derive(Parser)]
#[command(name = "stokehold", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show the whole story on a throw-away store: a pack is bought, calls are paid, refused, cancelled
    Demo(commands::demo::Args),
    /// Run the server
    Serve(commands::serve::Args),
    /// Make a project to begin with
    New(commands::new::Args),
    /// Build the project in a directory into a component
    Build(commands::build::Args),
    /// Validate a component against the contract
    Check(commands::check::Args),
    /// Make one paid call here, with a ledger in memory
    Run(commands::run::Args),
    /// Upload a version to a server and make it live
    Publish(commands::publish::Args),
    /// List the versions of a service, go forward and back
    #[command(subcommand)]
    Version(commands::version::Command),
    /// Register services, look at them, approve and suspend them
    #[command(subcommand)]
    Service(commands::service::Command),
    /// Put credits up for sale
    #[command(subcommand)]
    Pack(commands::pack::Command),
    /// Look at a client's account, give it credits
    #[command(subcommand)]
    Account(commands::account::Command),
    /// Look at calls
    #[command(subcommand)]
    Call(commands::call::Command),
    /// Replace the key of a service
    #[command(subcommand)]
    Key(commands::key::Command),
    /// Set, list and drop the secrets of a service
    #[command(subcommand)]
    Secret(commands::secret::Command),
    /// Look at the receipts of calls
    #[command(subcommand)]
    Receipt(commands::receipt::Command),
    /// Look at a ledger, copy it, bring it back
    #[command(subcommand)]
    Ledger(commands::ledger::Command),
    /// Look at the configuration
    #[command(subcommand)]
    Config(commands::config::Command),
    /// Show what a guest's work costs in fuel
    PriceList(commands::price_list::Args),
    /// Compile what comes in for a host that is this process's parent
    #[command(name = stokehold_app::types::COMPILE, hide = true)]
    Compile(commands::compile::Args),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli.command) {
        Ok(code) => code,
        Err(failure) => failure.print(),
    }
}

fn run(command: Command) -> Result<ExitCode, Failure> {
    if let Command::Compile(args) = command {
        return Ok(commands::compile::run(&args));
    }
    output::start_log();
    if let Command::Ledger(command) = command {
        return commands::ledger::run(command);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new("the threads cannot be started", error))?;
    runtime.block_on(async {
        match command {
            Command::Demo(args) => commands::demo::run(args).await,
            Command::Serve(args) => commands::serve::run(args).await,
            Command::New(args) => commands::new::run(&args),
            Command::Build(args) => commands::build::run(args).await,
            Command::Check(args) => commands::check::run(args).await,
            Command::Run(args) => commands::run::run(args).await,
            Command::Publish(args) => commands::publish::run(args).await,
            Command::Version(command) => commands::version::run(command).await,
            Command::Service(command) => commands::service::run(command).await,
            Command::Pack(command) => commands::pack::run(command).await,
            Command::Account(command) => commands::account::run(command).await,
            Command::Call(command) => commands::call::run(command).await,
            Command::Key(command) => commands::key::run(command).await,
            Command::Secret(command) => commands::secret::run(command).await,
            Command::Receipt(command) => commands::receipt::run(command).await,
            Command::Ledger(command) => commands::ledger::run(command),
            Command::Config(command) => commands::config::run(&command),
            Command::PriceList(args) => Ok(commands::price_list::run(&args)),
            Command::Compile(args) => Ok(commands::compile::run(&args)),
        }
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
