//! `stokehold publish`: to a server, or to a registry.

mod change;

use std::path::Path;
use std::process::ExitCode;

use serde_json::{Value, json};
use stokehold_app::types::component_digest;
use stokehold_app::{App, Manifest};

use self::change::Change;
use crate::cache;
use crate::client::{Client, segment};
use crate::config;
use crate::failure::Failure;
use crate::output;
use crate::project::{self, Project};
use crate::registry::{self, Login, Reference};
use crate::remote::RemoteService;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The directory that holds service.toml, or `oci://HOST/REPOSITORY:TAG` in a registry
    #[arg(default_value = ".")]
    source: String,
    /// Push it to a registry in the place of a server
    #[arg(long, value_name = "oci://…", conflicts_with_all = ["dry_run", "no_activate"])]
    to: Option<String>,
    #[command(flatten)]
    login: Login,
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
    let project = load(&args.source, args.login.clone()).await?;
    let Args { to, login, no_activate, dry_run, json, server, .. } = args;
    match to {
        Some(to) => push(project, reference(&to)?, login, json).await?,
        None => {
            server.ask(move |client| publish(client, &project, no_activate, dry_run, json)).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn reference(text: &str) -> Result<Reference, Failure> {
    text.parse().map_err(|why| {
        Failure::usage("the registry is not named", why)
            .hint("such as oci://ghcr.io/acme/greeter:1.0 or oci://localhost:5000/greeter:1.0")
    })
}

/// Reads the project from its directory, or pulls it.
async fn load(source: &str, login: Login) -> Result<Project, Failure> {
    if !Reference::is_meant(source) {
        return Ok(project::load_directory(Path::new(source))?);
    }
    let reference = reference(source)?;
    let pulling = tokio::task::spawn_blocking(move || registry::pull(&reference, &login));
    let upload = pulling.await.map_err(|error| Failure::new("the pull broke off", error))??;
    Ok(Project::whole(source, upload)?)
}

/// Checks the project, and pushes it.
async fn push(project: Project, to: Reference, login: Login, is_json: bool) -> Result<(), Failure> {
    let checked = App::check(&config::local(), &project.upload, cache::place()).await;
    let checked = checked.map_err(|error| Failure::new("the check could not run", error))?;
    let name = project.manifest.name.clone();
    let checked = checked.map_err(|faults| Failure::plain(failed(&name)).faults(faults))?;
    let place = to.clone();
    let pushing = tokio::task::spawn_blocking(move || {
        registry::push(&place, &login, &project.upload, &checked.report)
    });
    let digest = pushing.await.map_err(|error| Failure::new("the push broke off", error))??;
    if is_json {
        output::json(&json!({ "reference": to.to_string(), "digest": digest }));
    } else {
        output::out(&format!("{name} is at {to}\n  digest {digest}\n"));
    }
    Ok(())
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
