//! `stokehold build`.

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::json;

use crate::failure::Failure;
use crate::output;
use crate::toolchain;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The directory that holds service.toml
    #[arg(default_value = ".")]
    directory: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: Args) -> Result<ExitCode, Failure> {
    let directory = args.directory.clone();
    let building = tokio::task::spawn_blocking(move || toolchain::build(&directory));
    let built = building.await.map_err(|error| Failure::new("the build broke off", error))??;
    let path = built.component_path.display();
    if args.json {
        output::json(&json!({
            "path": path.to_string(), "size": built.size_bytes, "digest": built.digest,
        }));
    } else {
        output::out(&format!(
            "{path} is built\n  size     {size} bytes\n  digest   {digest}\n\
             next: stokehold check {directory}\n",
            size = built.size_bytes,
            digest = built.digest,
            directory = args.directory.display(),
        ));
    }
    Ok(ExitCode::SUCCESS)
}
