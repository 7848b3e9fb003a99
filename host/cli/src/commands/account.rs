//! `stokehold account`.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;

use super::manage::{self, Format, Request};
use super::pack::credits;
use crate::client::segment;
use crate::failure::Failure;
use crate::remote::Remote;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Show what an account has
    Show(ShowArgs),
    /// Give credits to an account; it is made where there is none
    Grant(GrantArgs),
}

#[derive(clap::Args)]
pub(crate) struct ShowArgs {
    /// The service's name
    service: String,
    /// The account's token
    account: String,
    #[command(flatten)]
    server: Remote,
    #[command(flatten)]
    format: Format,
}

#[derive(clap::Args)]
pub(crate) struct GrantArgs {
    /// The service's name
    service: String,
    /// The account's token
    account: String,
    /// How many credits
    credits: String,
    /// Why, in words for the client's statement
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    server: Remote,
    #[command(flatten)]
    format: Format,
}

pub(crate) async fn run(command: Command) -> Result<ExitCode, Failure> {
    let (request, failed, server, format) = match command {
        Command::Show(ShowArgs { service, account, server, format }) => {
            (Request::Get(path(&service, &account)), "the account was not found", server, format)
        }
        Command::Grant(args) => {
            let body = json!({ "credits": credits(&args.credits)?, "reason": args.reason });
            let path = path(&args.service, &args.account) + "/grants";
            (Request::Post(path, body), "nothing was granted", args.server, args.format)
        }
    };
    let answer = server.ask(move |client| request.send(client)).await?;
    Ok(manage::print_one(&answer.success(failed)?, format))
}

fn path(service: &str, account: &str) -> String {
    format!("/api/v1/services/{}/accounts/{}", segment(service), segment(account))
}
