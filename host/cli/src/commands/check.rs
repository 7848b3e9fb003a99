//! `stokehold check`.

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::json;
use stokehold_app::types::{Fault, Report};
use stokehold_app::{App, Cost, Manifest, On, Settle};

use crate::config;
use crate::failure::Failure;
use crate::output;
use crate::project::{self, Project};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// A component, or the directory that holds service.toml
    path: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: Args) -> Result<ExitCode, Failure> {
    let project = project::load(&args.path)?;
    let checked = App::check_component(&config::local(), project.upload.component.clone()).await;
    let checked = checked.map_err(|error| Failure::new("the check could not run", error))?;
    match checked {
        Ok(report) => {
            if args.json {
                output::json(&as_json(&project, &report));
            } else {
                output::out(&as_text(&project, &report));
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(faults) => {
            let path = project.component_path.display().to_string();
            Ok(refuse(&path, faults.0, args.json))
        }
    }
}

fn as_json(project: &Project, report: &Report) -> serde_json::Value {
    json!({
        "valid": true,
        "service": project.manifest.name,
        "settle": project.manifest.settle,
        "on": project.manifest.on,
        "digest": report.digest,
        "size": report.size_bytes,
        "secrets": project.manifest.secrets,
        "imports": report.imports,
        "exports": report.exports,
    })
}

fn as_text(project: &Project, report: &Report) -> String {
    let manifest = &project.manifest;
    let list = |names: &[String]| {
        if names.is_empty() { "none".to_owned() } else { names.join("\n           ") }
    };
    format!(
        "{path} is a service\n  service  {name} ({label})\n  tariff   {fuel} fuel a credit\n  \
         costs    {costs}\n  \
         limits   {memory} MiB, {deadline} s, {concurrency} at once\n  size     {size} bytes\n  \
         digest   {digest}\n{secrets}  imports  {imports}\n  exports  {exports}\n",
        path = project.component_path.display(),
        name = manifest.name,
        label = manifest.label,
        fuel = manifest.tariff.fuel_per_credit(),
        costs = costs(manifest),
        memory = manifest.memory_bytes_max >> 20,
        deadline = manifest.deadline.as_secs(),
        concurrency = manifest.concurrency,
        size = report.size_bytes,
        digest = report.digest,
        secrets = secrets(&manifest.secrets),
        imports = list(&report.imports),
        exports = list(&report.exports),
    )
}

/// A line for the secrets that have to be set, where there are any.
fn secrets(names: &[String]) -> String {
    if names.is_empty() { String::new() } else { format!("  secrets  {}\n", names.join(", ")) }
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

/// Names every fault and its mend.
fn refuse(path: &str, faults: Vec<Fault>, as_json: bool) -> ExitCode {
    if as_json {
        let errors: Vec<_> =
            faults.iter().map(|fault| json!({ "what": fault.what, "mend": fault.mend })).collect();
        output::json(&json!({ "valid": false, "errors": errors }));
        return ExitCode::FAILURE;
    }
    let faults = faults.into_iter().map(|fault| (fault.what, fault.mend));
    Failure::plain(format!("{path} cannot be a service")).faults(faults).print()
}
