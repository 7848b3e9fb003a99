//! `stokehold key`.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::Value;

use super::manage::{self, OfService, Request};
use crate::client::segment;
use crate::failure::Failure;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Give a service a new key, which is shown only now; the old one stops working at once
    Rotate(OfService),
}

pub(crate) async fn run(command: Command) -> Result<ExitCode, Failure> {
    let Command::Rotate(OfService { service, server, format }) = command;
    let path = format!("/api/v1/services/{}/key", segment(&service));
    let request = Request::Post(path, Value::Null);
    let answer = server.ask(move |client| request.send(client)).await?;
    let made = answer.success(&format!("{service} keeps its key"))?;
    Ok(manage::print_one(&made, format))
}
