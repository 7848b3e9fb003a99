//! From a component to machine code, in a process of its own.
//!
//! A component can be made to keep the compiler busy for hours or to have it take all memory. So a
//! host compiles in a child process that is killed at its limits, and what was refused once is
//! remembered by the `library`.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{ExitStatus, Output, Stdio};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, setrlimit};
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};
use wasmtime::Engine;

use crate::engine;
use crate::fault::Fault;

/// The hidden subcommand of the host's program that is the child's side.
pub const SUBCOMMAND: &str = "compile";

/// Threads of one compilation. Each takes address space, which is what the limit counts.
const THREADS_MAX: &str = "4";

/// What Rust says when memory runs out, before and after the number of bytes.
const ALLOCATION: (&str, &str) = ("memory allocation of ", " bytes failed");

/// How components are compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompileSettings {
    /// The program that has the subcommand `compile`: the host's own. Without one, components are
    /// compiled in this process and without limits, which is for what its user wrote himself.
    pub program: Option<PathBuf>,
    /// The most memory that one compilation may take, in bytes of address space. 2 GiB by
    /// default: the largest component known, a Python guest of 18 MB, takes a third of that.
    pub memory_bytes_max: u64,
    /// How long one compilation may take. 2 minutes by default: the largest component known takes
    /// 15 s on two busy cores.
    pub time_max: Duration,
    /// Compilations at the same time; further ones wait. 1 by default: each uses several cores.
    pub at_once_max: usize,
}

impl Default for CompileSettings {
    fn default() -> Self {
        CompileSettings {
            program: None,
            memory_bytes_max: 2 << 30,
            time_max: Duration::from_mins(2),
            at_once_max: 1,
        }
    }
}

/// Why there is no machine code.
#[derive(Debug)]
pub(crate) enum NotCompiled {
    /// The component is at fault.
    Refused(Fault),
    /// The host is.
    Host(String),
}

/// Compiles here. This takes up to seconds of all cores.
pub(crate) fn compile_here(engine: &Engine, component: &[u8]) -> Result<Vec<u8>, Fault> {
    engine.precompile_component(component).map_err(|error| not_compiled(&format!("{error:#}")))
}

/// Compiles in a child process within its limits.
pub(crate) async fn compile_apart(
    settings: &CompileSettings,
    program: &PathBuf,
    component: &[u8],
) -> Result<Vec<u8>, NotCompiled> {
    let lost = |error| NotCompiled::Host(format!("the compiler cannot be run: {error}"));
    let mut child = start(program, settings).map_err(lost)?;
    let compiling = async {
        if let Some(mut input) = child.stdin.take() {
            // A child that ends before it has read everything says why by itself.
            let _ = input.write_all(component).await;
        }
        child.wait_with_output().await
    };
    match tokio::time::timeout(settings.time_max, compiling).await {
        // The child is dropped here, and so killed.
        Err(_) => Err(NotCompiled::Refused(too_slow(settings.time_max))),
        Ok(output) => {
            let output = output.map_err(lost)?;
            if output.status.success() {
                return Ok(output.stdout);
            }
            Err(NotCompiled::Refused(broken(&output, settings.memory_bytes_max)))
        }
    }
}

fn start(program: &PathBuf, settings: &CompileSettings) -> std::io::Result<Child> {
    Command::new(program)
        .arg(SUBCOMMAND)
        .arg(settings.memory_bytes_max.to_string())
        // It shall know no secret.
        .env_clear()
        .env("RAYON_NUM_THREADS", THREADS_MAX)
        // Address space that the host's allocator sets aside at a time, as it is counted too.
        .env("MIMALLOC_ARENA_RESERVE", "32M")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
}

/// The child's side: bounds itself, compiles what it reads from `input` and writes machine code
/// to `output`. An error is a text for whoever uploaded the component.
pub fn compile_as_child(
    memory_bytes_max: u64,
    mut input: impl Read,
    mut output: impl Write,
) -> Result<(), String> {
    let bound = |resource, max| {
        setrlimit(resource, Rlimit { current: Some(max), maximum: Some(max) })
            .map_err(|error| format!("the compiler cannot bound itself: {error}"))
    };
    bound(Resource::As, memory_bytes_max)?;
    bound(Resource::Core, 0)?;
    crate::threads::stand_back();
    let mut component = Vec::new();
    input.read_to_end(&mut component).map_err(|error| error.to_string())?;
    let engine = engine::start_compiler().map_err(|error| error.to_string())?;
    let code = engine.precompile_component(&component).map_err(|error| format!("{error:#}"))?;
    output.write_all(&code).and_then(|()| output.flush()).map_err(|error| error.to_string())
}

fn broken(output: &Output, memory_bytes_max: u64) -> Fault {
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.trim();
    match asked(said) {
        Some(bytes) => too_large(memory_bytes_max, &format!("asked for {bytes} bytes more")),
        None if is_out_of_memory(said) => too_large(memory_bytes_max, "used them all"),
        None if output.status.code() == Some(1) => not_compiled(said),
        None => not_compiled(&format!("the compiler broke ({}) {said}", how(output.status))),
    }
}

/// How many bytes an allocation asked for that failed.
fn asked(said: &str) -> Option<u64> {
    let (_, rest) = said.split_once(ALLOCATION.0)?;
    rest.split_once(ALLOCATION.1)?.0.parse().ok()
}

fn is_out_of_memory(said: &str) -> bool {
    said.contains(
        &std::io::Error::from_raw_os_error(rustix::io::Errno::NOMEM.raw_os_error()).to_string(),
    ) || said.contains("out of memory")
}

fn how(status: ExitStatus) -> String {
    status.to_string()
}

pub(crate) fn not_compiled(why: &str) -> Fault {
    Fault::new(
        format!("the component does not compile: {why}"),
        "build it again and upload the whole file; if the message names a limit, stay below it",
    )
}

fn too_slow(max: Duration) -> Fault {
    Fault::new(
        format!(
            "compiling took too long: the limit is {} s, and it was not done after that",
            max.as_secs()
        ),
        "build it optimised for size, and split functions that a tool has made very long",
    )
}

fn too_large(max: u64, used: &str) -> Fault {
    Fault::new(
        format!("compiling takes too much memory: the limit is {max} bytes, and it {used}"),
        "build it optimised for size, and split functions that a tool has made very long",
    )
}

#[cfg(test)]
mod tests {
    use super::{asked, is_out_of_memory};

    #[test]
    fn what_the_child_asked_for_is_read() {
        assert_eq!(asked("memory allocation of 4096 bytes failed\n"), Some(4096));
        assert_eq!(asked("a trap"), None);
        assert!(is_out_of_memory("mmap failed: Cannot allocate memory (os error 12)"));
    }
}
