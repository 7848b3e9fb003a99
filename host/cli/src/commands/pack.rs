//! `stokehold pack`.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::{Value, json};
use stokehold_app::types::Credits;

use super::manage::{self, Format, OfService, Request};
use crate::client::segment;
use crate::failure::Failure;
use crate::output;
use crate::remote::Remote;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// List what a service has for sale
    List(OfService),
    /// Put credits up for sale
    Create(CreateArgs),
}

#[derive(clap::Args)]
pub(crate) struct CreateArgs {
    /// The service's name
    service: String,
    /// The pack's name, such as `500 credits`
    name: String,
    /// How many credits it has
    credits: String,
    /// What it costs, in euro cents
    price_cents: u64,
    /// What it is, in words
    #[arg(long, default_value = "")]
    description: String,
    #[command(flatten)]
    server: Remote,
    #[command(flatten)]
    format: Format,
}

pub(crate) async fn run(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::List(OfService { service, server, format }) => {
            let listing = Request::Get(path(&service));
            let listed = server.ask(move |client| listing.send(client)).await?;
            let listed = listed.success("the packs cannot be listed")?;
            let columns = ["name", "id", "credits", "price_cents"];
            Ok(manage::print_list(&listed, "packs", &columns, 1, format))
        }
        Command::Create(args) => create(args).await,
    }
}

fn path(service: &str) -> String {
    format!("/api/v1/services/{}/packs", segment(service))
}

async fn create(args: CreateArgs) -> Result<ExitCode, Failure> {
    let body = json!({
        "name": args.name, "credits": credits(&args.credits)?, "price_cents": args.price_cents,
        "description": args.description,
    });
    let request = Request::Post(path(&args.service), body);
    let answer = args.server.ask(move |client| request.send(client)).await?;
    let made = answer.success(&format!("the pack {} was not made", args.name))?;
    Ok(manage::print_one(&made, args.format))
}

/// An amount of credits as a JSON number, exactly.
pub(super) fn credits(text: &str) -> Result<Value, Failure> {
    let amount = Credits::from_json_number(text).map_err(|error| {
        Failure::usage(format!("{text} is not an amount of credits"), error)
            .hint("write a number, such as 0.05")
    })?;
    Ok(output::number(amount))
}
