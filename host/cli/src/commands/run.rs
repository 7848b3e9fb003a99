//! `stokehold run`: paid calls, here.

mod fixture;
mod fixtures;
mod given;
mod local;
mod repeat;
mod report;
mod watch;

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::Value;
use stokehold_app::Call;
use stokehold_app::types::Credits;

use self::given::Given;
use self::local::Local;
use crate::failure::Failure;
use crate::output;
use crate::profile;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// A component, or the directory that holds service.toml
    path: PathBuf,
    /// The route to call, such as `roll`
    #[arg(required_unless_present = "fixtures")]
    route: Option<String>,
    /// The params, a JSON object
    #[arg(long, default_value = "{}")]
    params: String,
    /// What the account has, in credits
    #[arg(long, default_value = "1", allow_negative_numbers = true)]
    credits: String,
    #[command(flatten)]
    given: Given,
    /// Make the call so many times, and fail where its fuel varies
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..))]
    repeat: Option<u32>,
    /// Play the recorded requests of a directory in the place of ROUTE, and compare results and prices
    #[arg(long, value_name = "DIR", conflicts_with_all = ["route", "params", "credits", "repeat", "profile"])]
    fixtures: Option<PathBuf>,
    /// Write what happens into the fixtures, as what is expected from now on
    #[arg(long, requires = "fixtures", conflicts_with = "route")]
    record: bool,
    /// Build the project and run it again whenever a file of it is saved, until Ctrl-C
    #[arg(long, conflicts_with = "record")]
    watch: bool,
    /// Write where the fuel went: a flame graph, or stacks as text where the name does not end in .svg
    #[arg(long, value_name = "FILE", conflicts_with = "repeat")]
    profile: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A call that the command line asks for.
struct Asked {
    route: String,
    params: String,
    credits: Credits,
}

pub(crate) async fn run(args: Args) -> Result<ExitCode, Failure> {
    if args.watch { watch::run(&args).await } else { run_once(&args).await }
}

/// Does what the command line says, once.
async fn run_once(args: &Args) -> Result<ExitCode, Failure> {
    if let Some(directory) = &args.fixtures {
        let fixtures = fixture::load(directory)?;
        let local = Local::start(&args.path, &args.given, false).await?;
        return fixtures::play(&local, fixtures, args.record, args.json).await;
    }
    let asked = asked(args)?;
    let local = Local::start(&args.path, &args.given, args.profile.is_some()).await?;
    match args.repeat {
        Some(times) => repeat::run(&local, &asked, times, args.json).await,
        None => call_once(&local, &asked, args).await,
    }
}

async fn call_once(local: &Local, asked: &Asked, args: &Args) -> Result<ExitCode, Failure> {
    let account = local.account(asked.credits).await?;
    let outcome = local.call(&account, &asked.route, &asked.params).await;
    if let (Some(path), Ok(call)) = (&args.profile, &outcome) {
        profile::write(path, call.details.profile.as_ref())?;
    }
    if args.json {
        output::json(&report::as_json(&outcome));
    } else {
        report::print(&outcome);
    }
    let is_ok = matches!(&outcome, Ok(Call { outcome: Ok(_), .. }));
    Ok(if is_ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What is to be called. The params are passed on as they are written.
fn asked(args: &Args) -> Result<Asked, Failure> {
    let credits = Credits::from_json_number(&args.credits).map_err(|error| {
        Failure::usage(format!("--credits {} is not an amount of credits", args.credits), error)
            .hint("write a number, such as 0.05")
    })?;
    check_params(&args.params)?;
    let route = args.route.clone().unwrap_or_default();
    Ok(Asked { route, params: args.params.clone(), credits })
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
