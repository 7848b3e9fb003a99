//! What a plugin's developer does all day, from outside, with the real program.

mod cache;
mod check;
mod fixtures;
mod fuel;
mod given;
mod manage;
mod project;
mod publish;
mod registry;
mod repeat;
mod watch;

use stokehold_tests::binary::{Ran, run};

use crate::project::Project;

/// `stokehold run` of a project.
fn run_project(project: &Project, arguments: &[&str]) -> Ran {
    run(&[&["run", project.path()], arguments].concat())
}
