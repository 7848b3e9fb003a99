//! `stokehold service`.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::{Value, json};

use super::manage::{self, Format, OfService, Request};
use crate::client::segment;
use crate::failure::Failure;
use crate::remote::Remote;

const SERVICES: &str = "/api/v1/services";

#[derive(Subcommand)]
pub(crate) enum Command {
    /// List the services that one manages
    List(ListArgs),
    /// Show a service
    Show(OfService),
    /// Register a service; its key is shown only now
    Create(CreateArgs),
    /// Let a service be used
    Approve(OfService),
    /// Stop a service from being used
    Suspend(OfService),
}

#[derive(clap::Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    server: Remote,
    #[command(flatten)]
    format: Format,
}

#[derive(clap::Args)]
pub(crate) struct CreateArgs {
    /// The technical name, such as `greeter`
    service: String,
    /// The name for people, such as `Greeter`
    #[arg(long)]
    label: String,
    /// What one credit is called
    #[arg(long)]
    unit: Option<String>,
    /// What the service does, in words
    #[arg(long)]
    description: Option<String>,
    /// A link to its privacy policy
    #[arg(long, value_name = "URL")]
    privacy_policy: Option<String>,
    #[command(flatten)]
    server: Remote,
    #[command(flatten)]
    format: Format,
}

pub(crate) async fn run(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::List(ListArgs { server, format }) => {
            let listing = Request::Get(SERVICES.to_owned());
            let listed = server.ask(move |client| listing.send(client)).await?;
            let listed = listed.success("the services cannot be listed")?;
            let columns = ["name", "label", "status", "active_version"];
            Ok(manage::print_list(&listed, "services", &columns, 3, format))
        }
        Command::Show(args) => one(args, "was not found", Request::Get).await,
        Command::Approve(args) => one(args, "was not approved", |path| post(path, "approve")).await,
        Command::Suspend(args) => {
            one(args, "was not suspended", |path| post(path, "suspend")).await
        }
        Command::Create(args) => create(args).await,
    }
}

fn post(path: String, what: &str) -> Request {
    Request::Post(path + "/" + what, Value::Null)
}

async fn one(
    args: OfService,
    failed: &str,
    request: impl FnOnce(String) -> Request,
) -> Result<ExitCode, Failure> {
    let request = request(format!("{SERVICES}/{}", segment(&args.service)));
    let answer = args.server.ask(move |client| request.send(client)).await?;
    let shown = answer.success(&format!("{} {failed}", args.service))?;
    Ok(manage::print_one(&shown, args.format))
}

async fn create(args: CreateArgs) -> Result<ExitCode, Failure> {
    let mut body = json!({ "name": args.service, "label": args.label });
    let optional = [
        ("unit", args.unit),
        ("description", args.description),
        ("privacy_policy", args.privacy_policy),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            body[name] = value.into();
        }
    }
    let request = Request::Post(SERVICES.to_owned(), body);
    let answer = args.server.ask(move |client| request.send(client)).await?;
    let made = answer.success(&format!("{} was not registered", args.service))?;
    Ok(manage::print_one(&made, args.format))
}
