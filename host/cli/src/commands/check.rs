//! `stokehold check`.

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Value, json};
use stokehold_app::{App, Checked, Config, Cost, Faults, Manifest, On, Settle};

use crate::cache;
use crate::config;
use crate::failure::Failure;
use crate::output;
use crate::project::{self, Unloaded};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// A component, or the directory that holds service.toml
    path: PathBuf,
    /// The configuration of a host: whether it allows what the service asks for
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: Args) -> Result<ExitCode, Failure> {
    let config = host(&args)?;
    let project = match project::load(&args.path) {
        Err(Unloaded::Manifest { error, .. }) if args.json => return Ok(refuse(&error.named())),
        project => project?,
    };
    let checked = App::check(&config, &project.upload, cache::place()).await;
    let checked = checked.map_err(|error| Failure::new("the check could not run", error))?;
    match checked {
        Ok(checked) if args.json => output::json(&as_json(&checked)),
        Ok(checked) => {
            output::out(&as_text(&project.component_path.display().to_string(), &checked));
        }
        Err(faults) if args.json => return Ok(refuse(&faults)),
        Err(faults) => {
            let path = project.component_path.display();
            return Err(Failure::plain(format!("{path} cannot be a service")).faults(faults));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The host that the service is meant for; where none is named, one that allows every host that a
/// manifest can name.
fn host(args: &Args) -> Result<Config, Failure> {
    if args.config.is_some() {
        let config = config::load(args.config.as_deref())?;
        config::check(&config)?;
        return Ok(config);
    }
    let mut config = config::local();
    config.outbound.hosts = vec!["*".to_owned()];
    Ok(config)
}

/// Names every fault and its mend.
fn refuse(faults: &Faults) -> ExitCode {
    output::json(&json!({ "valid": false, "errors": named(faults) }));
    ExitCode::FAILURE
}

fn named(faults: &Faults) -> Vec<Value> {
    faults.iter().map(|(what, mend)| json!({ "what": what, "mend": mend })).collect()
}

fn as_json(checked: &Checked) -> Value {
    let Checked { manifest, report, notes, .. } = checked;
    json!({
        "valid": true,
        "service": manifest.name,
        "settle": manifest.settle,
        "on": manifest.on,
        "digest": report.digest,
        "size": report.size_bytes,
        "memory_bytes_min": report.memory_bytes_min,
        "hosts": hosts(manifest),
        "secrets": manifest.secrets,
        "imports": report.imports,
        "exports": report.exports,
        "notes": named(notes),
    })
}

fn as_text(path: &str, checked: &Checked) -> String {
    let Checked { manifest, report, .. } = checked;
    let mut text = format!("{path} is a service\n");
    let mut line = |name: &str, value: String| text.push_str(&format!("  {name:8} {value}\n"));
    line("service", format!("{} ({})", manifest.name, manifest.label));
    line("tariff", format!("{} fuel a credit", manifest.tariff.fuel_per_credit()));
    line("costs", costs(manifest));
    let memory = manifest.memory_bytes_max >> 20;
    let (deadline, at_once) = (manifest.deadline.as_secs(), manifest.concurrency);
    line("limits", format!("{memory} MiB, {deadline} s, {at_once} at once"));
    line("memory", format!("{} KiB at the start", report.memory_bytes_min >> 10));
    line("size", format!("{} bytes", report.size_bytes));
    line("digest", report.digest.clone());
    if !manifest.outbound.is_empty() {
        line(
            "hosts",
            format!("{}, as far as a host's operator allows", hosts(manifest).join(", ")),
        );
    }
    if !manifest.secrets.is_empty() {
        line("secrets", format!("{}, to be set before it goes live", manifest.secrets.join(", ")));
    }
    line("imports", list(&report.imports));
    line("exports", list(&report.exports));
    for (what, mend) in &checked.notes {
        text.push_str(&format!("note: {what}\nhint: {mend}\n"));
    }
    text
}

fn hosts(manifest: &Manifest) -> Vec<String> {
    manifest.outbound.iter().map(ToString::to_string).collect()
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join("\n           ") }
}

/// What clients pay, by how their calls end.
fn costs(manifest: &Manifest) -> String {
    let answer = match manifest.settle {
        Settle::Authorized => "what was held",
        Settle::Fuel => "the fuel that was used",
    };
    let On { user_error, out_of_fuel, deadline } = manifest.on;
    let failures =
        [("user-error", user_error), ("out-of-fuel", out_of_fuel), ("deadline", deadline)];
    let paid = failures.into_iter().filter(|(_, cost)| *cost == Cost::CaptureUsed);
    let paid: Vec<_> = paid.map(|(class, _)| class).collect();
    if paid.is_empty() {
        format!("an answer {answer}, a failure nothing")
    } else {
        format!(
            "an answer {answer}, {} the fuel that was used, other failures nothing",
            paid.join(", ")
        )
    }
}
