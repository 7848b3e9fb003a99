//! The world that a component is built for.

use std::fs;
use std::path::PathBuf;

use super::Task;
use crate::failure::Failure;

/// The contract, as text.
pub(crate) const CONTRACT: &str = include_str!("../../../../wit/service-0.1.0/service.wit");

/// The folder of a project's world, and the contract's file in it.
pub(crate) const FOLDER: &str = "wit";
pub(crate) const FILE: &str = "service.wit";

/// Where the world is: the project's `wit`, or the contract as this program knows it.
pub(super) fn folder(task: &Task<'_>) -> Result<PathBuf, Failure> {
    let own = task.directory.join(FOLDER);
    if own.is_dir() {
        return Ok(own);
    }
    let folder = task.scratch.join(FOLDER);
    fs::create_dir(&folder)
        .and_then(|()| fs::write(folder.join(FILE), CONTRACT))
        .map_err(|error| Failure::new(format!("{} cannot be written", folder.display()), error))?;
    Ok(folder)
}
