//! `stokehold new`.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use stokehold_app::{SERVICE_NAME, is_service_name};

use crate::failure::Failure;
use crate::output;
use crate::template;
use crate::toolchain::Language;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The name of the service, and of the directory that is made
    name: String,
    /// The language to write it in
    #[arg(long)]
    lang: Language,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let name = &args.name;
    if !is_service_name(name) {
        let what = format!("`{name}` cannot be the name of a service");
        return Err(Failure::usage(what, format!("it has to be {SERVICE_NAME}"))
            .hint("use the technical name of your client module, such as coalroller"));
    }
    let directory = Path::new(name);
    ensure_empty(directory)?;
    for (path, text) in template::project(name, args.lang) {
        let path = directory.join(path);
        write(&path, &text).map_err(|error| {
            Failure::new(format!("{} cannot be written", path.display()), error)
        })?;
    }
    output::out(&format!(
        "{name} is made: a service that counts words, for you to change\n  \
         README.md says what is where\n\nnext: {}\n      stokehold build {name}\n",
        install(args.lang, name),
    ));
    Ok(ExitCode::SUCCESS)
}

/// A project is never written over something else.
fn ensure_empty(directory: &Path) -> Result<(), Failure> {
    let is_free = match fs::read_dir(directory) {
        Ok(entries) => entries.count() == 0,
        Err(_) => !directory.exists(),
    };
    if is_free {
        return Ok(());
    }
    let what = format!("{} cannot be made", directory.display());
    Err(Failure::new(what, "there is something of this name, and it is not empty")
        .hint("choose another name, or move what is there"))
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, text)
}

/// How the toolchain of a new project is installed.
fn install(language: Language, name: &str) -> String {
    match language {
        Language::Rust => "rustup target add wasm32-unknown-unknown".to_owned(),
        Language::JavaScript => format!("npm install --prefix {name}"),
        Language::Python | Language::C => format!(
            "python3 -m venv {name}/.venv && {name}/.venv/bin/pip install -r {name}/requirements.txt"
        ),
    }
}
