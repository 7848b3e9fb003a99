//! JavaScript: `componentize-qjs` puts `QuickJS` and the source into a component of 1 MB. A project that
//! depends on `componentize-js` gets that one's engine, of 12 MB.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Task, program, world};
use crate::failure::Failure;

/// What says of a project that it is in JavaScript.
const PACKAGE: &str = "package.json";
/// Where npm puts programs.
const BIN: &str = "node_modules/.bin";
/// The package with the larger engine.
const LARGE: &str = "@bytecodealliance/componentize-js";

/// What of package.json matters here.
#[derive(Deserialize)]
struct Package {
    #[serde(default = "main")]
    main: String,
    #[serde(default, rename = "devDependencies")]
    dev_dependencies: Map<String, Value>,
}

fn main() -> String {
    "index.js".to_owned()
}

pub(super) fn compile(task: &Task<'_>) -> Result<Vec<u8>, Failure> {
    let package = read(&task.directory.join(PACKAGE))?;
    let world = world::folder(task)?;
    let is_large = package.dev_dependencies.contains_key(LARGE);
    let name = if is_large { "componentize-js" } else { "componentize-qjs" };
    let program = program::find(task, BIN, name).ok_or_else(|| {
        let why = format!("there is no {name} in node_modules, nor on the PATH");
        let is_listed = package.dev_dependencies.contains_key(name) || is_large;
        let install =
            if is_listed { "npm install" } else { "npm install --save-dev componentize-qjs" };
        program::missing(task, &why, install)
    })?;
    let mut command = Command::new(program);
    if is_large {
        command.arg(&package.main);
    } else {
        // Asynchronous components are none of this contract. WASI stays in, though the engine needs
        // none: what an exception says goes that way to the call's log.
        command.arg("--js").arg(&package.main).args(["--sync", "--opt-size", "--minify"]);
    }
    command.arg("--wit").arg(world);
    program::make(task, &mut command)
}

fn read(path: &Path) -> Result<Package, Failure> {
    let what = |verb| format!("{} cannot be {verb}", path.display());
    let text = fs::read_to_string(path).map_err(|error| Failure::new(what("read"), error))?;
    serde_json::from_str(&text).map_err(|error| {
        Failure::new(what("understood"), error).hint("`main` is the path of the source")
    })
}
