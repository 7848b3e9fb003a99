//! Profiles as people look at them.

use std::fs;
use std::path::Path;

use inferno::flamegraph::{self, Options};
use stokehold_app::types::Profile;

use crate::failure::Failure;

/// Writes a flame graph, or where the name does not end in `.svg` the stacks it is made of.
pub(crate) fn write(path: &Path, profile: Option<&Profile>) -> Result<(), Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        Failure::new(format!("the profile {} cannot be written", path.display()), error)
    };
    let mut stacks: Vec<String> = profile
        .map(|profile| profile.0.iter().map(|(stack, fuel)| format!("{stack} {fuel}")).collect())
        .unwrap_or_default();
    if stacks.is_empty() {
        return Err(failed(&"the run used no fuel").hint("--credits says what the account has"));
    }
    stacks.sort();
    if path.extension().is_none_or(|extension| extension != "svg") {
        return fs::write(path, stacks.join("\n") + "\n").map_err(|error| failed(&error));
    }
    let mut options = Options::default();
    options.title = String::from("Fuel by function");
    options.count_name = String::from("fuel");
    let mut image = Vec::new();
    let stacks = stacks.iter().map(String::as_str);
    flamegraph::from_lines(&mut options, stacks, &mut image).map_err(|error| failed(&error))?;
    fs::write(path, image).map_err(|error| failed(&error))
}
