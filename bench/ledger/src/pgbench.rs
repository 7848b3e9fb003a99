//! The simplest functions for PostgreSQL that authorize and capture, driven by pgbench.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use stokehold_tests::postgres::Postgres;
use tempfile::TempDir;

const SCHEMA: &str = include_str!("../sql/schema.sql");
const PAIR: &str = include_str!("../sql/pair.sql");

/// What pgbench runs on a server whose database has the tables for it.
pub(crate) struct Pgbench<'a> {
    server: &'a Postgres,
    files: TempDir,
}

impl<'a> Pgbench<'a> {
    /// Makes tables, functions and 1,000 accounts.
    pub(crate) fn on(server: &'a Postgres) -> Result<Self> {
        let files = tempfile::tempdir()?;
        readable(&files)?;
        let schema = files.path().join("schema.sql");
        fs::write(&schema, SCHEMA)?;
        fs::write(files.path().join("pair.sql"), PAIR)?;
        let mut psql = server.client("psql");
        output(psql.args(["--quiet", "--set=ON_ERROR_STOP=1", "--file"]).arg(schema))?;
        Ok(Self { server, files })
    }

    /// How many pairs a second so many clients make on the first `accounts`. It runs for whole
    /// seconds.
    pub(crate) fn pairs_per_s(&self, clients: usize, accounts: usize, seconds: f64) -> Result<f64> {
        let mut pgbench = self.server.client("pgbench");
        pgbench.args(["--no-vacuum", "--protocol=prepared", "--jobs=2"]);
        pgbench.args([format!("--client={clients}"), format!("--define=accounts={accounts}")]);
        pgbench.arg(format!("--time={:.0}", seconds.ceil().max(1.0)));
        let printed = output(pgbench.arg("--file").arg(self.files.path().join("pair.sql")))?;
        let rate = printed.lines().find_map(|line| line.strip_prefix("tps = "));
        let rate = rate.and_then(|rate| rate.split(' ').next());
        Ok(rate.with_context(|| format!("pgbench tells no rate: {printed}"))?.parse()?)
    }
}

/// Lets another user of the system read the files in a directory of ours.
fn readable(directory: &TempDir) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    Ok(fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755))?)
}

/// What a program prints; an error where it fails.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command.output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{} failed: {said}", command.get_program().display());
    Ok(String::from_utf8(output.stdout)?)
}
