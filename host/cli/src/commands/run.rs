//! `stokehold run`: one paid call, here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use serde_json::value::RawValue;
use serde_json::{Value, json};
use stokehold_app::types::{AccountToken, Credits, Stop};
use stokehold_app::{
    App, Call, CallFailure, CallRequest, Caller, Config, Error, GrantRequest, Manifest, Secret,
};

use crate::bundled;
use crate::commands::secret;
use crate::config;
use crate::failure::Failure;
use crate::output;
use crate::profile;
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
    #[arg(long, default_value = "1", allow_negative_numbers = true)]
    credits: String,
    /// A secret that service.toml names, as NAME=VALUE; others of this machine can see it
    #[arg(long, value_name = "NAME=VALUE")]
    secret: Vec<String>,
    /// The same from a file; the end of its last line is no part of it
    #[arg(long, value_name = "NAME=FILE")]
    secret_file: Vec<String>,
    /// Write where the fuel went: a flame graph, or stacks as text where the name does not end in .svg
    #[arg(long, value_name = "FILE")]
    profile: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: Args) -> Result<ExitCode, Failure> {
    let credits = Credits::from_json_number(&args.credits).map_err(|error| {
        Failure::usage(format!("--credits {} is not an amount of credits", args.credits), error)
            .hint("write a number, such as 0.05")
    })?;
    check_params(&args.params)?;
    let project = project::load(&args.path)?;
    let outcome = call(project, &args, credits).await?;
    if let (Some(path), Ok(call)) = (&args.profile, &outcome) {
        profile::write(path, call.details.profile.as_ref())?;
    }
    let is_ok = matches!(&outcome, Ok(Call { outcome: Ok(_), .. }));
    if args.json {
        output::json(&as_json(&outcome));
    } else {
        print(&outcome);
    }
    Ok(if is_ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// On one's own machine one's own component may reach what its manifest names.
fn config(args: &Args) -> Config {
    let mut config = config::local();
    config.outbound.hosts = vec!["*".to_owned()];
    config.outbound.private_addresses = true;
    if args.profile.is_some() {
        config.runtime.profile = true;
        // The code of a profile is not what a host compiles.
        config.runtime.compiler = None;
    }
    config
}

fn check_params(params: &str) -> Result<(), Failure> {
    let hint = "write it in single quotes, such as --params '{\"credits\":0.05}'";
    match serde_json::from_str::<Value>(params) {
        Ok(Value::Object(_)) => Ok(()),
        Ok(_) => {
            Err(Failure::usage("--params is not valid", "it has to be a JSON object").hint(hint))
        }
        Err(error) => Err(Failure::usage("--params is not JSON", error).hint(hint)),
    }
}

/// Publishes the project on a host of its own and calls it.
async fn call(
    project: Project,
    args: &Args,
    credits: Credits,
) -> Result<Result<Call, CallFailure>, Failure> {
    let name = project.manifest.name.clone();
    let secrets = secrets(args, &project.manifest)?;
    let app = App::in_memory(config(args))
        .await
        .map_err(|error| Failure::new("the host cannot start", error))?;
    publish(&app, project, &secrets).await.map_err(|error| {
        let refused = format!("{} cannot be run", args.path.display());
        match error {
            Error::BadUpload(faults) => Failure::plain(refused).faults(faults),
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
        idempotency_key: None,
        quote: None,
    };
    Ok(app.call(request).await)
}

async fn publish(
    app: &Arc<App>,
    project: Project,
    secrets: &BTreeMap<String, Secret>,
) -> Result<(), Error> {
    let name = &project.manifest.name;
    bundled::register(app, &project.manifest).await?;
    for (secret, value) in secrets {
        app.set_secret(Caller::Operator, name, secret, value).await?;
    }
    app.upload(Caller::Operator, name, project.upload, true).await.map(drop)
}

/// The secrets that were given: those that the manifest names, and all of them.
fn secrets(args: &Args, manifest: &Manifest) -> Result<BTreeMap<String, Secret>, Failure> {
    let mut secrets = BTreeMap::new();
    for (option, given) in [("--secret", &args.secret), ("--secret-file", &args.secret_file)] {
        for given in given {
            // What stands in the place of a name may be the value.
            let (name, value) = given.split_once('=').ok_or_else(|| {
                Failure::usage(format!("{option} is not valid"), "it has no `=` after the name")
            })?;
            let value = match option {
                "--secret" => value.to_owned().into(),
                _ => secret::read(Some(Path::new(value)))?,
            };
            secrets.insert(name.to_owned(), value);
        }
    }
    let named: BTreeSet<_> = manifest.secrets.iter().collect();
    let fault = |what: &str, name: &str, hint: String| {
        Failure::usage(format!("the secret {name} {what}"), "service.toml says which there are")
            .hint(hint)
    };
    if let Some(name) = named.iter().find(|name| !secrets.contains_key(**name)) {
        let hint = format!("give it with --secret-file {name}=FILE, or with --secret {name}=VALUE");
        return Err(fault("has no value", name, hint));
    }
    if let Some(name) = secrets.keys().find(|name| !named.contains(name)) {
        return Err(fault("is not known", name, "write it into `names` of [secrets]".to_owned()));
    }
    Ok(secrets)
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
            "duration_ms": 0, "log": [], "host_calls": [], "repeatable": true,
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
                "host_calls": call.details.host_calls.iter().map(|kind| json!({
                    "name": kind.name, "calls": kind.calls, "fuel": kind.fuel,
                })).collect::<Vec<_>>(),
                "repeatable": call.details.is_repeatable,
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
    for kind in &call.details.host_calls {
        output::err(&format!("  host: {} x {}, {} fuel\n", kind.calls, kind.name, kind.fuel));
    }
    if !call.details.is_repeatable {
        output::err(
            "  it asked for a clock, a random number, a stored value or another host: the next run may differ\n",
        );
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
    let why = match failure {
        CallFailure::Insufficient { needed, .. } => format!("it may cost {needed} credits"),
        failure => failure.to_string(),
    };
    Failure::new(format!("the call failed: {}", failure.class()), why).hint(mend(failure)).print();
}

/// What the plugin's developer can do about a call that failed here.
fn mend(failure: &CallFailure) -> &'static str {
    match failure {
        CallFailure::Insufficient { .. } => "--credits says what the account has",
        CallFailure::Failed(_) => "the service itself said so: look at the route and at --params",
        CallFailure::Stopped { stop: Stop::OutOfFuel { .. }, .. } => {
            "quote more credits, or buy more fuel with each: fuel_per_credit in service.toml"
        }
        CallFailure::Stopped { stop: Stop::Memory { .. } | Stop::Deadline { .. }, .. } => {
            "use less, or raise the limit in [limits] of service.toml"
        }
        CallFailure::Stopped { stop: Stop::Handles { .. }, .. } => {
            "close streams and requests when they are done"
        }
        CallFailure::Stopped { stop: Stop::Output { .. }, .. } => {
            "answer with less, or in several calls"
        }
        CallFailure::Stopped { stop: Stop::Trap { .. }, .. } => {
            "the log says where, for a quote with STOKEHOLD_LOG=info: a panic traps, too"
        }
        CallFailure::BadOutput(_) => "answer with JSON text, and quote a sane amount",
        _ => "STOKEHOLD_LOG=debug shows what the host does",
    }
}
