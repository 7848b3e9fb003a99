//! The configuration: a file, the environment over it, the command line over both.

use std::env;
use std::fs;
use std::path::Path;

use stokehold_app::Config;
use toml::{Table, Value};

use crate::failure::Failure;

/// Reads the configuration. Each key can be set in the environment: `STOKEHOLD_CALLS_RUNNING_MAX`
/// is `running_max` in `[calls]`.
pub(crate) fn load(file: Option<&Path>) -> Result<Config, Failure> {
    let (mut config, mut table) = match file {
        None => (Config::default(), Table::new()),
        Some(path) => read(path)?,
    };
    let environment = env::vars().filter_map(|(name, value)| {
        let key = name.strip_prefix("STOKEHOLD_")?.to_lowercase();
        Some((key, name, value))
    });
    for (key, name, value) in environment {
        if let Some((section, key)) = split(&key) {
            config = set(&mut table, section, key, &value).map_err(|why| {
                Failure::new(format!("the variable {name} is not valid"), why)
                    .hint("`stokehold config print` shows every key with its default")
            })?;
        }
    }
    Ok(compiling(config))
}

/// The defaults, for a host that one command runs for itself.
pub(crate) fn local() -> Config {
    compiling(Config::default())
}

/// Has components compiled by this program in processes of their own.
fn compiling(mut config: Config) -> Config {
    // On Linux by its link, which leads to this very program also after an upgrade has replaced it.
    config.runtime.compiler = if cfg!(target_os = "linux") {
        Some("/proc/self/exe".into())
    } else {
        env::current_exe().ok()
    };
    config
}

/// What is wrong with the settings, as a failure.
pub(crate) fn check(config: &Config) -> Result<(), Failure> {
    let faults = config.faults();
    if faults.is_empty() {
        return Ok(());
    }
    Err(Failure::new("the configuration is not valid", faults.join("; "))
        .hint("`stokehold config print` shows what is in effect"))
}

/// Reads a file, and says with its lines what is wrong in it.
fn read(path: &Path) -> Result<(Config, Table), Failure> {
    let name = path.display();
    let text = fs::read_to_string(path).map_err(|error| {
        Failure::new(format!("{name} cannot be read"), error).hint("--config names the file")
    })?;
    let invalid = |error: toml::de::Error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        Failure::new(format!("{name}:{line} is not valid"), error.message())
            .hint("`stokehold config print` shows every key with its default")
    };
    let config = toml::from_str(&text).map_err(invalid)?;
    Ok((config, text.parse().map_err(invalid)?))
}

/// Splits `calls_running_max` into section and key; `None` where it is of no section.
fn split(name: &str) -> Option<(&str, &str)> {
    let sections = ["server", "store", "calls", "runtime", "outbound", "secrets", "broker", "mail"];
    sections.into_iter().find_map(|section| {
        let key = name.strip_prefix(section)?.strip_prefix('_')?;
        Some((section, key))
    })
}

/// Sets one key, and answers the configuration as it then is. A value that is no TOML is a string.
fn set(table: &mut Table, section: &str, key: &str, text: &str) -> Result<Config, String> {
    let value = format!("value = {text}").parse::<Table>();
    // A secret is what it is, also where it looks like TOML.
    let value = value
        .ok()
        .filter(|_| !["password", "database"].contains(&key))
        .and_then(|mut parsed| parsed.remove("value"));
    let value = value.unwrap_or_else(|| Value::String(text.to_owned()));
    let entry = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
    let section_table = entry.as_table_mut().ok_or_else(|| format!("{section} is no section"))?;
    section_table.insert(key.to_owned(), value);
    table.clone().try_into().map_err(|error: toml::de::Error| error.message().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_names_section_and_key() {
        assert_eq!(split("calls_running_max"), Some(("calls", "running_max")));
        assert_eq!(split("server"), None);
        assert_eq!(split("admin_token"), None);
        let mut table = Table::new();
        set(&mut table, "server", "listen", "127.0.0.1:1").expect("set");
        let config = set(&mut table, "calls", "running_max", "7").expect("set");
        assert_eq!((config.server.listen.as_str(), config.calls.running_max), ("127.0.0.1:1", 7));
    }
}
