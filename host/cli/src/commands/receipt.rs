//! `stokehold receipt`.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use serde_json::{Map, Value, json};
use stokehold_app::{Jwks, JwsError, verify_receipt};

use crate::client::Client;
use crate::failure::Failure;
use crate::output;

/// Where a server publishes its keys.
const KEYS: &str = "/.well-known/jwks.json";

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Say whether a receipt is genuine, and what it says
    Verify(VerifyArgs),
}

#[derive(clap::Args)]
pub(crate) struct VerifyArgs {
    /// The receipt, or a call as the server shows it with its receipt; `-` reads standard input
    file: PathBuf,
    /// The server whose keys are asked for
    #[arg(long, env = "STOKEHOLD_SERVER", default_value = "http://127.0.0.1:8070")]
    server: String,
    /// A file with the server's keys, in place of the server
    #[arg(long)]
    jwks: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Verify(args) => verify(args).await,
    }
}

async fn verify(args: VerifyArgs) -> Result<ExitCode, Failure> {
    let receipt = receipt(&read(&args.file)?)?;
    let keys = match &args.jwks {
        Some(file) => keys(&read(file)?, &file.display().to_string())?,
        None => fetch(args.server.clone()).await?,
    };
    match verify_receipt(&receipt, &keys) {
        Ok(fields) if args.json => output::json(&json!({ "genuine": true, "receipt": fields })),
        Ok(fields) => output::out(&table(&fields)),
        Err(error) if args.json => {
            output::json(&json!({ "genuine": false, "error": error.to_string() }));
            return Ok(ExitCode::FAILURE);
        }
        Err(error) => {
            let hint = mend(&error);
            return Err(Failure::new("the receipt is not genuine", error).hint(hint));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn mend(error: &JwsError) -> &'static str {
    match error {
        JwsError::Malformed(_) => {
            "the receipt is the text in `receipt` of GET /api/v1/calls/{id}, all of it"
        }
        JwsError::OtherType { .. } => "a quote is no receipt: that is what a call leaves",
        JwsError::UnknownKey(_) => "--server or --jwks has to be of the host that signed it",
        JwsError::BadSignature => "ask the host for it again: this one was altered",
    }
}

fn read(file: &Path) -> Result<String, Failure> {
    let text = if file == Path::new("-") {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        fs::read_to_string(file)
    };
    text.map_err(|error| {
        Failure::new(format!("{} cannot be read", file.display()), error)
            .hint("name a file with a receipt, or - for standard input")
    })
}

/// The receipt itself, also out of a call as the server shows it.
fn receipt(text: &str) -> Result<String, Failure> {
    if !text.trim_start().starts_with('{') {
        return Ok(text.trim().to_owned());
    }
    let call = serde_json::from_str::<Value>(text).ok();
    let receipt = call.as_ref().and_then(|call| call["receipt"].as_str());
    receipt.map(str::to_owned).ok_or_else(|| {
        Failure::plain("this JSON has no `receipt`")
            .hint("GET /api/v1/calls/{id} has one once the call has ended")
    })
}

fn keys(text: &str, source: &str) -> Result<Jwks, Failure> {
    serde_json::from_str(text).map_err(|error| {
        Failure::new(format!("{source} holds no keys"), error)
            .hint(format!("the keys of a host are at its {KEYS}"))
    })
}

async fn fetch(server: String) -> Result<Jwks, Failure> {
    let source = format!("{server}{KEYS}");
    let asking = tokio::task::spawn_blocking(move || Client::new(&server, None).get(KEYS));
    let answer = asking.await.map_err(|error| Failure::new("the request broke off", error))??;
    let body = answer.success("the keys cannot be had")?;
    keys(&body.to_string(), &source)
}

fn table(fields: &Map<String, Value>) -> String {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Null => "none".into(),
        value => value.to_string(),
    };
    let rows = fields.iter().map(|(name, value)| vec![name.clone(), text(value)]).collect();
    format!(
        "genuine: one of the host's keys has signed this\n{}",
        output::table(&["field", "value"], 2, rows)
    )
}
