//! `stokehold secret`.

use std::fs;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use serde_json::Value;
use stokehold_app::Secret;

use crate::client::segment;
use crate::failure::Failure;
use crate::output;
use crate::remote::Remote;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Set a secret of a service: its value is read from standard input, or from a file
    Set(SetArgs),
    /// List the names of a service's secrets, and when they were set
    List(ListArgs),
    /// Drop a secret of a service
    Delete(DeleteArgs),
}

#[derive(clap::Args)]
pub(crate) struct SetArgs {
    /// The service's name
    service: String,
    /// The secret's name
    name: String,
    /// A file that holds the value; the end of its last line is no part of it
    #[arg(long)]
    file: Option<PathBuf>,
    #[command(flatten)]
    server: Remote,
}

#[derive(clap::Args)]
pub(crate) struct ListArgs {
    /// The service's name
    service: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: Remote,
}

#[derive(clap::Args)]
pub(crate) struct DeleteArgs {
    /// The service's name
    service: String,
    /// The secret's name
    name: String,
    #[command(flatten)]
    server: Remote,
}

pub(crate) async fn run(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Set(args) => set(args).await,
        Command::List(args) => list(args).await,
        Command::Delete(args) => delete(args).await,
    }
}

async fn set(args: SetArgs) -> Result<ExitCode, Failure> {
    let value = read(args.file.as_deref())?;
    let path = path(&args.service, &args.name);
    let answer = args.server.ask(move |client| client.put(&path, value.reveal())).await?;
    answer.success(&format!("the secret {} was not set", args.name))?;
    output::out(&format!("{} has the secret {}\n", args.service, args.name));
    Ok(ExitCode::SUCCESS)
}

async fn list(args: ListArgs) -> Result<ExitCode, Failure> {
    let path = format!("/api/v1/services/{}/secrets", segment(&args.service));
    let answer = args.server.ask(move |client| client.get(&path)).await?;
    let listed = answer.success("the secrets cannot be listed")?;
    if args.json {
        output::json(&listed);
        return Ok(ExitCode::SUCCESS);
    }
    let text = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
    let rows = listed["secrets"].as_array().into_iter().flatten();
    let rows = rows.map(|row| vec![text(row, "name"), text(row, "set_at")]).collect();
    output::out(&output::table(&["secret", "set at"], 2, rows));
    Ok(ExitCode::SUCCESS)
}

async fn delete(args: DeleteArgs) -> Result<ExitCode, Failure> {
    let path = path(&args.service, &args.name);
    let answer = args.server.ask(move |client| client.delete(&path)).await?;
    answer.success(&format!("the secret {} was not dropped", args.name))?;
    output::out(&format!("{} no longer has the secret {}\n", args.service, args.name));
    Ok(ExitCode::SUCCESS)
}

fn path(service: &str, name: &str) -> String {
    format!("/api/v1/services/{}/secrets/{}", segment(service), segment(name))
}

/// Reads a value from a file, or from standard input. The end of its last line is no part of it.
pub(crate) fn read(file: Option<&Path>) -> Result<Secret, Failure> {
    let text = match file {
        Some(path) => fs::read_to_string(path)
            .map_err(|error| Failure::new(format!("{} cannot be read", path.display()), error)),
        None if io::stdin().is_terminal() => {
            Err(Failure::usage("there is no value", "standard input is a terminal, which shows it")
                .hint(
                    "redirect it, as in `stokehold secret set SERVICE NAME < FILE`, or use --file",
                ))
        }
        None => {
            let mut text = String::new();
            let read = io::stdin().read_to_string(&mut text);
            read.map(|_| text).map_err(|error| Failure::new("standard input cannot be read", error))
        }
    }?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned().into())
}
