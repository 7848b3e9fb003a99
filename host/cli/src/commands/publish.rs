//! `stokehold publish`.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::client::Client;
use crate::failure::Failure;
use crate::output;
use crate::project;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The directory that holds service.toml
    #[arg(default_value = ".")]
    directory: PathBuf,
    /// The server's address
    #[arg(long, env = "STOKEHOLD_SERVER", default_value = "http://127.0.0.1:8070")]
    server: String,
    /// The service key
    #[arg(long, env = "STOKEHOLD_SERVICE_KEY", hide_env_values = true)]
    key: String,
    /// Only upload: calls go on running on the version before
    #[arg(long)]
    no_activate: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: Args) -> Result<ExitCode, Failure> {
    let project = project::load_directory(&args.directory)?;
    let name = project.manifest.name.clone();
    let client = Client::new(&args.server, None);
    let (key, activate, service) = (args.key.clone(), !args.no_activate, name.clone());
    let sending = tokio::task::spawn_blocking(move || {
        client.upload(&service, &key, &project.upload, activate)
    });
    let answer = sending.await.map_err(|error| Failure::new("the upload broke off", error))??;
    let version = answer.success(&format!("{name} was not published"))?;
    if args.json {
        output::json(&version);
    } else {
        let state = if activate { "live" } else { "uploaded, not live" };
        output::out(&format!(
            "{name} version {} is {state}\n  digest {}\n  size   {} bytes\n",
            version["version"],
            version["digest"].as_str().unwrap_or_default(),
            version["size"],
        ));
    }
    Ok(ExitCode::SUCCESS)
}
