//! `stokehold run`: one paid call, here.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use serde_json::value::RawValue;
use serde_json::{Value, json};
use stokehold_app::types::{AccountToken, Credits};
use stokehold_app::{App, Call, CallFailure, CallRequest, Caller, Config, Error, GrantRequest};

use crate::bundled;
use crate::failure::Failure;
use crate::output;
use crate::project::{self, Project};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// A component, or the directory that holds service.toml
    path: PathBuf,
    /// The route to call, such as `roll`
    route: String,
    /// The params, a JSON object
    #[arg(long, default_value = "{}")]
    params: String,
    /// What the account has, in credits
    #[arg(long, default_value = "1")]
    credits: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: Args) -> Result<ExitCode, Failure> {
    let credits = Credits::from_json_number(&args.credits).map_err(|error| {
        Failure::new(format!("--credits {} is not an amount of credits", args.credits), error)
            .hint("write a number, such as 0.05")
    })?;
    check_params(&args.params)?;
    let project = project::load(&args.path)?;
    let outcome = call(project, &args, credits).await?;
    let is_ok = matches!(&outcome, Ok(Call { outcome: Ok(_), .. }));
    if args.json {
        output::json(&as_json(&outcome));
    } else {
        print(&outcome);
    }
    Ok(if is_ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn check_params(params: &str) -> Result<(), Failure> {
    let hint = "write it in single quotes, such as --params '{\"credits\":0.05}'";
    match serde_json::from_str::<Value>(params) {
        Ok(Value::Object(_)) => Ok(()),
        Ok(_) => Err(Failure::plain("--params has to be a JSON object").hint(hint)),
        Err(error) => Err(Failure::new("--params is not JSON", error).hint(hint)),
    }
}

/// Publishes the project on a host of its own and calls it.
async fn call(
    project: Project,
    args: &Args,
    credits: Credits,
) -> Result<Result<Call, CallFailure>, Failure> {
    let name = project.manifest.name.clone();
    let app = App::in_memory(Config::default())
        .await
        .map_err(|error| Failure::new("the host cannot start", error))?;
    bundled::publish(&app, &project.manifest, project.upload).await.map_err(|error| {
        let refused = format!("{} cannot be run", args.path.display());
        match error {
            Error::BadUpload(faults) => {
                let all: Vec<_> = faults.iter().map(|(what, _)| what.as_str()).collect();
                let hint = faults.first().map(|(_, mend)| mend.clone()).unwrap_or_default();
                Failure::new(refused, all.join("; ")).hint(hint)
            }
            error => Failure::new(refused, error),
        }
    })?;
    let failed = |error: Error| Failure::new("the account cannot be made", error);
    let token: AccountToken =
        "local".parse().map_err(|error| Failure::new("the account cannot be made", error))?;
    if !credits.is_zero() {
        grant(&app, &name, &token, credits).await.map_err(failed)?;
    }
    let request = CallRequest {
        service: name,
        route: args.route.clone(),
        params: args.params.clone(),
        account_token: token,
        dbuuid: None,
    };
    Ok(app.call(request).await)
}

async fn grant(
    app: &Arc<App>,
    service: &str,
    token: &AccountToken,
    credits: Credits,
) -> Result<Credits, Error> {
    let request = GrantRequest { credits, reason: "stokehold run".into(), idempotency_key: None };
    app.grant(Caller::Operator, service, token, request).await
}

fn as_json(outcome: &Result<Call, CallFailure>) -> Value {
    let number = |credits: Credits| {
        serde_json::from_str::<Value>(&credits.to_string()).unwrap_or(Value::Null)
    };
    match outcome {
        Err(failure) => json!({
            "result": null, "outcome": failure.class(), "error": failure.to_string(), "fuel": 0,
            "credits_authorized": 0, "credits_captured": 0, "memory_peak_bytes": 0,
            "duration_ms": 0, "log": [],
        }),
        Ok(call) => {
            let (class, result, error) = match &call.outcome {
                Ok(result) => ("ok", raw(result), Value::Null),
                Err(failure) => (failure.class(), Value::Null, failure.to_string().into()),
            };
            let mut value = json!({
                "result": result, "outcome": class, "fuel": call.fuel_used,
                "credits_authorized": number(call.authorized),
                "credits_captured": number(call.captured),
                "memory_peak_bytes": call.memory_peak_bytes,
                "duration_ms": call.elapsed.as_millis().try_into().unwrap_or(u64::MAX),
                "log": call.log,
            });
            if !error.is_null() {
                value["error"] = error;
            }
            value
        }
    }
}

fn raw(result: &str) -> Value {
    serde_json::from_str(result).unwrap_or(Value::Null)
}

fn print(outcome: &Result<Call, CallFailure>) {
    let call = match outcome {
        Ok(call) => call,
        Err(failure) => return print_failure(failure),
    };
    match &call.outcome {
        Ok(result) => {
            let shown = RawValue::from_string(result.clone()).map(|raw| raw.get().to_owned());
            output::out(&format!("{}\n", shown.unwrap_or_default()));
        }
        Err(failure) => print_failure(failure),
    }
    for line in &call.log {
        output::err(&format!("  log: {line}\n"));
    }
    output::err(&format!(
        "{} fuel, {} credits captured of {} held, {} KiB of memory, {} ms\n",
        call.fuel_used,
        call.captured,
        call.authorized,
        call.memory_peak_bytes >> 10,
        call.elapsed.as_millis(),
    ));
}

fn print_failure(failure: &CallFailure) {
    let shown = match failure {
        CallFailure::Insufficient { needed, .. } => {
            Failure::new("the call was refused", format!("it may cost {needed} credits"))
                .hint("--credits says what the account has")
        }
        failure => Failure::new(format!("the call failed: {}", failure.class()), failure),
    };
    shown.print();
}
