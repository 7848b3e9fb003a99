//! Why the host stopped a run.

use std::time::Duration;

use wasmtime::component::ResourceTableError;
use wasmtime::{Error, OutOfMemory, PoolConcurrencyLimitError, Trap, WasmBacktrace, WasmtimeBug};

use wasmtime_wasi::I32Exit;

use crate::memory::{HostMemoryShort, MemoryLimitBroken};
use crate::services::HANDLES_MAX;

/// Names in a backtrace are the guest's own, and so of any length.
const FUNCTION_NAME_CHARS_MAX: usize = 120;

/// Why the host stopped a run. Its text names the limit, its value and what was used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    /// All fuel is used.
    #[error("out of fuel: the run needs more than its {limit} fuel")]
    OutOfFuel {
        /// What the run had.
        limit: u64,
    },
    /// The guest asked for more memory than it may have.
    #[error(
        "out of memory: the run asked for {asked_bytes} bytes, its limit is {limit_bytes} bytes"
    )]
    Memory {
        /// The limit, in bytes.
        limit_bytes: usize,
        /// What all memories and tables would have taken together, in bytes.
        asked_bytes: usize,
    },
    /// The run took too long.
    #[error("deadline exceeded: the run took {} ms, its limit is {} ms", elapsed.as_millis(), limit.as_millis())]
    Deadline {
        /// The limit.
        limit: Duration,
        /// How long it ran.
        elapsed: Duration,
    },
    /// The guest handed over a text that is too long.
    #[error(
        "output too large: the run handed over a text longer than its limit of {limit_bytes} bytes"
    )]
    Output {
        /// The limit, in bytes.
        limit_bytes: usize,
    },
    /// The guest asked for more handles, to streams, requests and the like, than it may have.
    #[error("too many handles: the run asked for {asked}, its limit is {limit}")]
    Handles {
        /// The limit.
        limit: usize,
        /// How many it would have had.
        asked: usize,
    },
    /// The guest broke a rule of WebAssembly or of the component model; a panic does, too. The
    /// backtrace is for its provider and not part of the text, which clients see.
    #[error("trap: {reason}")]
    Trap {
        /// The trap's name.
        reason: String,
        /// Functions, innermost first, by name where the component has names.
        backtrace: Vec<String>,
    },
    /// The host is at fault, not the guest.
    #[error("host fault: {0}")]
    HostFault(String),
}

/// Where an error came from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Instances were made: what is no trap is the host's shortage.
    Instantiating,
    /// The guest was called: what is no trap is a value that breaks the component model's rules.
    Calling,
}

impl Stop {
    pub(crate) fn new(error: &Error, phase: Phase, fuel: u64, output_bytes_max: usize) -> Self {
        if let Some(broken) = error.downcast_ref::<MemoryLimitBroken>() {
            return Stop::Memory {
                limit_bytes: broken.limit_bytes,
                asked_bytes: broken.asked_bytes,
            };
        }
        if let Some(ResourceTableError::Full) = error.downcast_ref() {
            return Stop::Handles { limit: HANDLES_MAX, asked: HANDLES_MAX + 1 };
        }
        let reason = match error.downcast_ref::<Trap>() {
            Some(Trap::OutOfFuel) => return Stop::OutOfFuel { limit: fuel },
            Some(trap) => {
                let text = trap.to_string();
                text.strip_prefix("wasm trap: ").unwrap_or(&text).to_owned()
            }
            None if is_too_long(error) => {
                return Stop::Output { limit_bytes: output_bytes_max };
            }
            None if let Some(I32Exit(status)) = error.downcast_ref() => {
                format!("the guest ended itself with status {status}")
            }
            None if phase == Phase::Instantiating || is_host_fault(error) => {
                return Stop::HostFault(format!("{error:#}"));
            }
            None => error.root_cause().to_string(),
        };
        Stop::Trap { reason, backtrace: backtrace(error) }
    }
}

/// Whether the guest handed over more than Wasmtime's limit for one transfer. The type of that
/// error is private in Wasmtime 48; the test `huge_output` notices when its text changes.
fn is_too_long(error: &Error) -> bool {
    error
        .root_cause()
        .to_string()
        .starts_with("too much data is being copied between the host and the guest")
}

fn is_host_fault(error: &Error) -> bool {
    error.is::<HostMemoryShort>()
        || error.is::<OutOfMemory>()
        || error.is::<PoolConcurrencyLimitError>()
        || error.is::<WasmtimeBug>()
}

fn backtrace(error: &Error) -> Vec<String> {
    let backtrace = error.downcast_ref::<WasmBacktrace>();
    backtrace.map(function_names).unwrap_or_default()
}

/// Functions, innermost first, by name where the component has names.
pub(crate) fn function_names(backtrace: &WasmBacktrace) -> Vec<String> {
    let name = |frame: &wasmtime::FrameInfo| match frame.func_name() {
        // `#` leaves the compiler's own hash of a Rust function out.
        Some(name) => {
            let name = format!("{:#}", rustc_demangle::demangle(name));
            name.chars().take(FUNCTION_NAME_CHARS_MAX).collect()
        }
        None => format!("function {}", frame.func_index()),
    };
    backtrace.frames().iter().map(name).collect()
}
