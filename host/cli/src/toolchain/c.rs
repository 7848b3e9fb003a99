//! C: `zig cc`, or a clang that knows WASI, links a core module from the sources and from bindings that
//! are made here.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use wit_bindgen_core::Files;
use wit_bindgen_core::wit_parser::Resolve;

use super::{Task, encode, language, program, world};
use crate::failure::Failure;

/// Where the bindings are, in the project: an editor finds the header there.
const BINDINGS: &str = "bindings";
/// The module is a library: nothing in it is called but by the host. Its stack is as large as one of
/// Rust is: Zig's would take 16 MiB of the memory that a call may have.
const FLAGS: [&str; 7] = [
    "--target=wasm32-wasi",
    "-mexec-model=reactor",
    "-Os",
    "-s",
    "-Wall",
    "-Wextra",
    "-Wl,-z,stack-size=1048576",
];

pub(super) fn compile(task: &Task<'_>) -> Result<Vec<u8>, Failure> {
    let bindings = write_bindings(task)?;
    let mut command = compiler(task)?;
    command.args(FLAGS).arg(format!("-I{BINDINGS}"));
    command.args(language::c_sources(task.directory));
    command.args(bindings);
    encode(task, &program::make(task, &mut command)?)
}

/// Writes what calls the service's functions and what they call, and answers what is to be linked.
fn write_bindings(task: &Task<'_>) -> Result<Vec<PathBuf>, Failure> {
    let world = world::folder(task)?;
    let files = generate(&world).map_err(|error| {
        Failure::new(format!("{} is no world", world.display()), error)
            .hint("it has to be the contract's package, or one whose only world includes it")
    })?;
    let folder = task.directory.join(BINDINGS);
    let mut linked = Vec::new();
    for (name, content) in files.iter() {
        let path = folder.join(name);
        replace(&path, content).map_err(|error| {
            Failure::new(format!("{} cannot be written", path.display()), error)
        })?;
        if path.extension().is_some_and(|extension| extension != "h") {
            linked.push(path);
        }
    }
    Ok(linked)
}

/// The bindings to the only world of a package.
fn generate(world: &Path) -> Result<Files, String> {
    let text = |error| format!("{error:#}");
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(world).map_err(text)?;
    let world = resolve.select_world(&[package], None).map_err(text)?;
    let mut files = Files::default();
    let mut generator = wit_bindgen_c::Opts::default().build();
    generator.generate(&mut resolve, world, &mut files).map_err(text)?;
    Ok(files)
}

/// Writes a file, unless it says so already: who watches the project need not look again.
fn replace(path: &Path, content: &[u8]) -> std::io::Result<()> {
    if fs::read(path).is_ok_and(|before| before == content) {
        return Ok(());
    }
    fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
    fs::write(path, content)
}

/// The first compiler that there is.
fn compiler(task: &Task<'_>) -> Result<Command, Failure> {
    if let Some(zig) = program::find(task, program::VENV, "zig") {
        let mut command = Command::new(zig);
        command.arg("cc");
        return Ok(command);
    }
    // The package `ziglang` has no program of this name.
    if let Some(python) = program::find(task, program::VENV, "python3")
        && program::succeeds(task, Command::new(&python).args(["-c", "import ziglang"]))
    {
        let mut command = Command::new(python);
        command.args(["-m", "ziglang", "cc"]);
        return Ok(command);
    }
    if let Some(clang) = clang(task) {
        return Ok(clang);
    }
    let why =
        "there is neither zig, nor the Python package ziglang, nor a clang that has wasi-libc";
    Err(program::missing(task, why, &program::pip_install(task, "ziglang")))
}

/// The clang of the WASI SDK, or of a system that has wasi-libc.
fn clang(task: &Task<'_>) -> Option<Command> {
    let sdk = std::env::var_os("WASI_SDK_PATH").map(|sdk| PathBuf::from(sdk).join("bin/clang"));
    let clang = sdk.filter(|sdk| sdk.is_file()).or_else(|| program::find(task, "", "clang"))?;
    let mut libc = Command::new(&clang);
    libc.args(["--target=wasm32-wasi", "-print-file-name=libc.a"]);
    // One that does not know answers the name alone.
    let answer = libc.output().ok()?.stdout;
    let has_libc = Path::new(String::from_utf8_lossy(&answer).trim()).is_absolute();
    has_libc.then(|| Command::new(clang))
}
