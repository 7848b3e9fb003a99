//! `stokehold version`.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::{Value, json};

use super::manage::{self, Format};
use crate::client::{Client, segment};
use crate::failure::Failure;
use crate::output;
use crate::remote::RemoteService;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// List the versions of a service, the newest first
    List(Args),
    /// Put a version into service, forward or back
    Activate(ActivateArgs),
    /// Put the version before the live one back into service
    Rollback(Args),
}

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The service's name
    service: String,
    #[command(flatten)]
    server: RemoteService,
    #[command(flatten)]
    format: Format,
}

#[derive(clap::Args)]
pub(crate) struct ActivateArgs {
    /// The service's name
    service: String,
    /// The version's number
    version: u64,
    #[command(flatten)]
    server: RemoteService,
    #[command(flatten)]
    format: Format,
}

pub(crate) async fn run(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::List(args) => {
            let path = path(&args.service);
            let listed = args.server.ask(move |client| list(client, &path)).await?;
            let columns = ["version", "active", "digest", "created_at"];
            Ok(manage::print_list(&listed, "versions", &columns, 4, args.format))
        }
        Command::Activate(ActivateArgs { service, version, server, format }) => {
            let path = path(&service);
            let done = server.ask(move |client| activate(client, &path, version)).await?;
            Ok(print(&service, &done, format))
        }
        Command::Rollback(Args { service, server, format }) => {
            let path = path(&service);
            let done = server.ask(move |client| rollback(client, &path)).await?;
            Ok(print(&service, &done, format))
        }
    }
}

fn path(service: &str) -> String {
    format!("/api/v1/services/{}/versions", segment(service))
}

fn list(client: &Client, path: &str) -> Result<Value, Failure> {
    client.get(path)?.success("the versions cannot be listed")
}

fn activate(client: &Client, path: &str, version: u64) -> Result<Value, Failure> {
    let answer = client.post(&format!("{path}/{version}/activate"), &json!({}))?;
    answer.success(&format!("version {version} was not activated"))
}

/// The version to go back to is the newest of those that are older than the live one.
fn rollback(client: &Client, path: &str) -> Result<Value, Failure> {
    let listed = list(client, path)?;
    let versions = listed["versions"].as_array().cloned().unwrap_or_default();
    let active = versions.iter().position(|version| version["active"] == true);
    let failed = |why: &str| {
        Failure::new("nothing was rolled back", why)
            .hint("`stokehold version list` shows the versions, and `activate` takes any of them")
    };
    let active = active.ok_or_else(|| failed("no version is live"))?;
    let before = versions.get(active.saturating_add(1)).and_then(|it| it["version"].as_u64());
    activate(client, path, before.ok_or_else(|| failed("the first version is live"))?)
}

fn print(service: &str, version: &Value, format: Format) -> ExitCode {
    if format.json {
        output::json(version);
    } else {
        output::out(&format!("{service} version {} is live\n", version["version"]));
    }
    ExitCode::SUCCESS
}
