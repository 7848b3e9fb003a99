//! What the command line gives a service in the place of its operator: secrets, texts of the
//! configuration, hosts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use stokehold_app::{Manifest, Secret};
use toml::{Table, Value};

use crate::commands::secret;
use crate::failure::Failure;
use crate::project::Project;

#[derive(clap::Args)]
pub(super) struct Given {
    /// A secret that service.toml names, as NAME=VALUE; others of this machine can see it
    #[arg(long, value_name = "NAME=VALUE")]
    secret: Vec<String>,
    /// The same from a file; the end of its last line is no part of it
    #[arg(long, value_name = "NAME=FILE")]
    secret_file: Vec<String>,
    /// A text for [config], in the place of the one that service.toml has
    #[arg(long, value_name = "NAME=VALUE")]
    config: Vec<String>,
    /// A host that the service may reach beside those of service.toml. Private addresses may be
    /// reached then, too, such as a stand-in's on this machine
    #[arg(long, value_name = "HOST")]
    allow_host: Vec<String>,
}

impl Given {
    /// Whether addresses may be reached that are not on the Internet. A host reaches none by default,
    /// so a run does so only if it is asked to.
    pub(super) fn private_addresses(&self) -> bool {
        !self.allow_host.is_empty()
    }

    /// The project with its configuration and hosts as they are given.
    pub(super) fn apply(&self, project: Project) -> Result<Project, Failure> {
        if self.config.is_empty() && self.allow_host.is_empty() {
            return Ok(project);
        }
        let mut table = project.table();
        for given in &self.config {
            let (name, value) = pair("--config", given)?;
            if let Some(config) = section(&mut table, "config") {
                config.insert(name.to_owned(), value.into());
            }
        }
        let hosts = section(&mut table, "outbound")
            .map(|section| section.entry("hosts").or_insert_with(|| Value::Array(Vec::new())));
        if let Some(hosts) = hosts.and_then(Value::as_array_mut) {
            hosts.extend(self.allow_host.iter().cloned().map(Value::String));
        }
        project.with(&table).map_err(|error| {
            let faults = error.faults.into_iter().map(|fault| (fault.what, fault.mend));
            Failure::misused("--config and --allow-host do not fit service.toml").faults(faults)
        })
    }

    /// The secrets that were given: those that the manifest names, and all of them.
    pub(super) fn secrets(&self, manifest: &Manifest) -> Result<BTreeMap<String, Secret>, Failure> {
        let mut secrets = BTreeMap::new();
        for given in &self.secret {
            let (name, value) = pair("--secret", given)?;
            secrets.insert(name.to_owned(), Secret::from(value.to_owned()));
        }
        for given in &self.secret_file {
            let (name, file) = pair("--secret-file", given)?;
            secrets.insert(name.to_owned(), secret::read(Some(Path::new(file)))?);
        }
        let named: BTreeSet<_> = manifest.secrets.iter().collect();
        if let Some(name) = named.iter().find(|name| !secrets.contains_key(**name)) {
            return Err(Failure::usage(
                format!("the secret {name} has no value"),
                "[secrets] of service.toml names it, and a call without it is refused",
            )
            .hint(format!(
                "give it with --secret-file {name}=FILE, or with --secret {name}=VALUE"
            )));
        }
        if let Some(name) = secrets.keys().find(|name| !named.contains(name)) {
            return Err(Failure::usage(
                format!("the secret {name} is not known"),
                "[secrets] of service.toml does not name it",
            )
            .hint("write it into `names` of [secrets]"));
        }
        Ok(secrets)
    }
}

/// `NAME=VALUE`. An error does not show it: what stands in the place of a name may be a secret.
fn pair<'a>(option: &str, given: &'a str) -> Result<(&'a str, &'a str), Failure> {
    given.split_once('=').ok_or_else(|| {
        Failure::usage(format!("{option} is not valid"), "it has no `=` after the name")
            .hint(format!("write {option} NAME=… with the name that service.toml has"))
    })
}

/// A section of a manifest; `None` only if it is no table, which the manifest's reading refuses.
fn section<'a>(table: &'a mut Table, name: &str) -> Option<&'a mut Table> {
    table.entry(name).or_insert_with(|| Value::Table(Table::new())).as_table_mut()
}
