//! The simplest functions for PostgreSQL that authorize and capture, driven by pgbench.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use stokehold_tests::postgres::Postgres;

use crate::figure::median;
use crate::report::{Section, round};
use crate::{Plan, say};

const SCHEMA: &str = include_str!("../sql/schema.sql");
const PAIR: &str = include_str!("../sql/pair.sql");
/// Clients at once, where nothing else is asked for.
const CLIENTS: [usize; 1] = [16];
/// Accounts to choose from: those of `schema.sql`, or one.
const SPREADS: [(&str, u32); 2] = [("many", 1_000), ("one", 1)];

const COLUMNS: &[&str] = &["what", "accounts", "clients", "pairs_per_s"];

/// Measures a server of its own, in a temporary directory.
pub(crate) fn measure(plan: &Plan<'_>) -> Result<Section> {
    let server = Postgres::start();
    let files = tempfile::tempdir()?;
    let [schema, pair] = [("schema.sql", SCHEMA), ("pair.sql", PAIR)].map(|(name, text)| {
        let path = files.path().join(name);
        fs::write(&path, text).map(|()| path)
    });
    readable(files.path())?;
    output(
        server.client("psql").args(["--quiet", "--set=ON_ERROR_STOP=1", "--file"]).arg(schema?),
    )?;
    let pair = pair?;
    let mut rows = Vec::new();
    for clients in plan.at(&CLIENTS) {
        let mut rates: [Vec<f64>; 2] = Default::default();
        for number in 0..plan.rounds {
            say(&format!("postgres, {clients} clients, round {}", number + 1));
            for (rates, (_, accounts)) in rates.iter_mut().zip(SPREADS) {
                rates.push(pairs_per_s(&server, &pair, (clients, accounts), plan.seconds)?);
            }
        }
        for (rates, (name, _)) in rates.into_iter().zip(SPREADS) {
            let rate = median(rates.into_iter());
            rows.push(vec![json!("pgbench"), json!(name), json!(clients), round(rate, 0)]);
        }
    }
    Ok(Section { name: "postgres", columns: COLUMNS, rows })
}

/// One run of pgbench; it counts whole seconds.
fn pairs_per_s(
    server: &Postgres,
    script: &Path,
    (clients, accounts): (usize, u32),
    seconds: f64,
) -> Result<f64> {
    let mut pgbench = server.client("pgbench");
    pgbench.args(["--no-vacuum", "--protocol=prepared", "--jobs=2"]);
    pgbench.args([format!("--client={clients}"), format!("--define=accounts={accounts}")]);
    pgbench.arg(format!("--time={:.0}", seconds.ceil().max(1.0))).arg("--file").arg(script);
    let printed = output(&mut pgbench)?;
    let rate = printed.lines().find_map(|line| line.strip_prefix("tps = "));
    let rate = rate.and_then(|rate| rate.split(' ').next());
    Ok(rate.with_context(|| format!("pgbench tells no rate: {printed}"))?.parse()?)
}

/// Lets another user of the system read the files in a directory of ours.
fn readable(directory: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    Ok(fs::set_permissions(directory, fs::Permissions::from_mode(0o755))?)
}

/// What a program prints; an error where it fails.
fn output(command: &mut Command) -> Result<String> {
    let output = command.output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{} failed: {said}", command.get_program().display());
    Ok(String::from_utf8(output.stdout)?)
}
