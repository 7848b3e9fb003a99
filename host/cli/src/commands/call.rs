//! `stokehold call`.

use std::process::ExitCode;

use clap::Subcommand;

use super::manage::{self, Format, Request};
use crate::client::segment;
use crate::failure::Failure;
use crate::remote::Remote;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Show the record of a call
    Show(Args),
}

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The call's id, as `Stokehold-Call` tells it
    id: String,
    #[command(flatten)]
    server: Remote,
    #[command(flatten)]
    format: Format,
}

pub(crate) async fn run(command: Command) -> Result<ExitCode, Failure> {
    let Command::Show(Args { id, server, format }) = command;
    let request = Request::Get(format!("/api/v1/calls/{}", segment(&id)));
    let answer = server.ask(move |client| request.send(client)).await?;
    let mut call = answer.success(&format!("the call {id} was not found"))?;
    if let (false, Some(call)) = (format.json, call.as_object_mut()) {
        // Long, and for machines: `stokehold receipt verify` reads it.
        call.remove("receipt");
    }
    Ok(manage::print_one(&call, format))
}
