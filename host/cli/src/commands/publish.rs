//! `stokehold publish`.

mod change;

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Value, json};
use stokehold_app::Manifest;
use stokehold_app::types::component_digest;

use self::change::Change;
use crate::client::{Client, segment};
use crate::failure::Failure;
use crate::output;
use crate::project::{self, Project};
use crate::remote::RemoteService;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The directory that holds service.toml
    #[arg(default_value = ".")]
    directory: PathBuf,
    #[command(flatten)]
    server: RemoteService,
    /// Only upload: calls go on running on the version before
    #[arg(long, conflicts_with = "dry_run")]
    no_activate: bool,
    /// Only show what would change for clients
    #[arg(long)]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What a service has before the upload.
struct Before {
    /// The numbers of all versions.
    numbers: Vec<u64>,
    live: Option<Live>,
}

/// The version that calls run on.
struct Live {
    number: u64,
    digest: String,
    /// `None` where this program cannot read it.
    manifest: Option<Manifest>,
}

pub(crate) async fn run(args: Args) -> Result<ExitCode, Failure> {
    let project = project::load_directory(&args.directory)?;
    let Args { no_activate, dry_run, json, server, .. } = args;
    server.ask(move |client| publish(client, &project, no_activate, dry_run, json)).await?;
    Ok(ExitCode::SUCCESS)
}

fn publish(
    client: &Client,
    project: &Project,
    no_activate: bool,
    dry_run: bool,
    is_json: bool,
) -> Result<(), Failure> {
    let name = &project.manifest.name;
    let before = Before::of(client, name)?;
    let changes = before.changes(project);
    if !is_json {
        before.print(name, &changes);
    }
    if dry_run {
        if is_json {
            output::json(&json!({ "dry_run": true, "changes": changes }));
        }
        return Ok(());
    }
    let answer = client.upload(name, &project.upload, !no_activate)?;
    let mut version = answer.success(&failed(name))?;
    let number = version["version"].as_u64().unwrap_or_default();
    let is_known = before.numbers.contains(&number);
    if is_json {
        version["new"] = (!is_known).into();
        version["changes"] = json!(changes);
        output::json(&version);
        return Ok(());
    }
    let state = match (no_activate, is_known) {
        (false, false) => "live",
        (false, true) => "live; it was uploaded before, and nothing is new",
        (true, false) => "uploaded, not live",
        (true, true) => "there already",
    };
    output::out(&format!(
        "{name} version {number} is {state}\n  digest {}\n  size   {} bytes\n",
        version["digest"].as_str().unwrap_or_default(),
        version["size"],
    ));
    for note in version["notes"].as_array().into_iter().flatten() {
        let text = |key: &str| note[key].as_str().unwrap_or_default();
        output::out(&format!("note: {}\nhint: {}\n", text("what"), text("mend")));
    }
    Ok(())
}

fn failed(name: &str) -> String {
    format!("{name} was not published")
}

impl Before {
    /// Asks the server what there is.
    fn of(client: &Client, name: &str) -> Result<Self, Failure> {
        let path = format!("/api/v1/services/{}/versions", segment(name));
        let listed = client.get(&path)?.success(&failed(name))?;
        let versions = listed["versions"].as_array().cloned().unwrap_or_default();
        let number = |version: &Value| version["version"].as_u64();
        let numbers: Vec<_> = versions.iter().filter_map(number).collect();
        let active = versions.iter().find(|version| version["active"] == true).and_then(number);
        let live = match active {
            None => None,
            Some(number) => {
                let shown = client.get(&format!("{path}/{number}"))?.success(&failed(name))?;
                Some(Live::of(number, &shown))
            }
        };
        Ok(Self { numbers, live })
    }

    /// What would change, the component itself apart.
    fn changes(&self, project: &Project) -> Vec<Change> {
        let Some(live) = &self.live else { return Vec::new() };
        let mut changes = Vec::new();
        if let Some(manifest) = &live.manifest {
            changes = change::between(manifest, &project.manifest);
        }
        let new = component_digest(&project.upload.component);
        changes.extend(Change::of("component", short(&live.digest), short(&new)));
        changes
    }

    fn print(&self, name: &str, changes: &[Change]) {
        let Some(live) = &self.live else {
            output::out(&format!("{name} has no live version yet\n"));
            return;
        };
        let number = live.number;
        if live.manifest.is_none() {
            output::out(&format!(
                "what changes cannot be told: the manifest of version {number} is not valid here\n"
            ));
        }
        if changes.is_empty() {
            output::out(&format!("nothing changes against version {number}, which is live\n"));
            return;
        }
        let rows = changes.iter().map(Change::row).collect();
        let header = ["", &format!("version {number}, live"), "this one"];
        output::out(&output::table(&header, 3, rows));
    }
}

impl Live {
    fn of(number: u64, shown: &Value) -> Self {
        let text = |key: &str| shown[key].as_str().unwrap_or_default();
        let manifest = Manifest::parse(Manifest::FILE_NAME, text("manifest")).ok();
        Self { number, digest: text("digest").to_owned(), manifest }
    }
}

/// Enough of a digest for people to tell two apart.
fn short(digest: &str) -> String {
    digest.chars().take(12).collect()
}
