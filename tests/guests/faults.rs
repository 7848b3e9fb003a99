//! Guests with one fault each, and how each is stopped: the text names the limit, its value, and
//! what was used.

use std::time::Duration;

use stokehold_runtime::{Budget, Run};
use stokehold_tests::guest::{self, Guest};

use crate::{BUDGET, handle_once, stop};

/// A guest with one fault.
pub(crate) struct Fault {
    name: &'static str,
    pub(crate) component: Vec<u8>,
    pub(crate) budget: Budget,
    /// How the text of its stop starts.
    starts: &'static str,
}

impl Fault {
    /// Checks that a run was stopped for the fault, and within its budget.
    pub(crate) fn check(&self, run: &Run<String>) {
        let text = stop(run).to_string();
        assert!(text.starts_with(self.starts), "{}: {text}", self.name);
        assert!(run.fuel_used <= self.budget.fuel, "{}: {run:?}", self.name);
        assert!(run.memory_peak_bytes <= self.budget.memory_bytes_max, "{}: {run:?}", self.name);
    }
}

const FUEL: Budget = Budget { fuel: 1_000_000, ..BUDGET };
const TIME: Budget = Budget { fuel: u64::MAX, deadline: Duration::from_millis(1), ..BUDGET };

const OUT_OF_FUEL: &str = "out of fuel: the run needs more than its 1000000 fuel";
const DEADLINE: &str = "deadline exceeded: the run took ";
const MEMORY: &str = "out of memory: the run asked for ";
const OUTPUT: &str =
    "output too large: the run handed over a text longer than its limit of 10000 bytes";
const HANDLES: &str = "too many handles: the run asked for 1001, its limit is 1000";

fn handling(handle: &str) -> Vec<u8> {
    guest::component(handle)
}

fn importing(imports: &str, handle: &str) -> Vec<u8> {
    Guest { imports, handle, ..Guest::default() }.component()
}

fn declaring(fields: &str, handle: &str) -> Vec<u8> {
    Guest { fields, handle, ..Guest::default() }.component()
}

/// A body that does something for ever.
fn endless(work: &str) -> String {
    format!("(loop $again {work} (br $again)) (unreachable)")
}

const SUBSCRIBE: &str = r#"
    (import "wasi:clocks/monotonic-clock@0.2.6" "subscribe-duration"
      (func $subscribe (param i64) (result i32)))
    (import "wasi:io/poll@0.2.6" "[method]pollable.block" (func $block (param i32)))
    (import "wasi:io/poll@0.2.6" "poll" (func $poll (param i32 i32 i32)))"#;
const STDOUT: &str = r#"
    (import "wasi:cli/stdout@0.2.6" "get-stdout" (func $stdout (result i32)))
    (import "wasi:io/streams@0.2.6" "[method]output-stream.blocking-write-and-flush"
      (func $write (param i32 i32 i32 i32)))"#;
const NOW: &str = r#"(import "wasi:clocks/monotonic-clock@0.2.6" "now" (func $now (result i64)))"#;
const RANDOM: &str = r#"
    (import "wasi:random/random@0.2.6" "get-random-bytes" (func $random (param i64 i32)))"#;
const EXIT: &str = r#"(import "wasi:cli/exit@0.2.6" "exit" (func $exit (param i32)))"#;
const FIELDS: &str =
    r#"(import "wasi:http/types@0.2.6" "[constructor]fields" (func $fields (result i32)))"#;
const OPEN: &str = r#"
    (import "wasi:keyvalue/store@0.2.0-draft" "open" (func $open (param i32 i32 i32)))"#;
const DIRECTORIES: &str = r#"
    (import "wasi:filesystem/preopens@0.2.6" "get-directories" (func $directories (param i32)))"#;
const SOCKET: &str = r#"
    (import "wasi:sockets/tcp-create-socket@0.2.6" "create-tcp-socket"
      (func $socket (param i32 i32)))"#;

/// Every fault.
pub(crate) fn faults() -> Vec<Fault> {
    let fault = |name, component, budget, starts| Fault { name, component, budget, starts };
    let mut faults = vec![
        fault("endless loop", guest::looping(), FUEL, OUT_OF_FUEL),
        fault("endless loop in time", guest::looping(), TIME, DEADLINE),
        fault("endless start function", guest::looping_at_start(), FUEL, OUT_OF_FUEL),
        fault("endless start function in time", guest::looping_at_start(), TIME, DEADLINE),
        fault("flood of host calls", guest::pestering(), FUEL, OUT_OF_FUEL),
        fault("flood of host calls in time", guest::pestering(), TIME, DEADLINE),
        fault("flood of progress", guest::chattering(), FUEL, OUT_OF_FUEL),
        fault("memory bomb", guest::allocating(), BUDGET, MEMORY),
        fault(
            "memory bomb at once",
            handling("(drop (memory.grow (i32.const 1000))) (unreachable)"),
            BUDGET,
            MEMORY,
        ),
        fault(
            "table bomb",
            declaring(
                "(table $table 1 funcref)",
                &endless("(drop (table.grow $table (ref.null func) (i32.const 1000)))"),
            ),
            Budget { memory_bytes_max: 165_536, ..BUDGET },
            MEMORY,
        ),
        fault(
            "bulk work",
            handling(&endless("(memory.fill (i32.const 0) (i32.const 0) (i32.const 60000))")),
            FUEL,
            OUT_OF_FUEL,
        ),
        fault("endless recursion", guest::recursing(), BUDGET, "trap: call stack exhausted"),
        fault("huge answer", guest::big_output(3_000_000), BUDGET, OUTPUT),
        fault(
            "huge message",
            handling(
                "(call $progress (f32.const 0) (i32.const 64) (i32.const 10001)) (call $done)",
            ),
            BUDGET,
            OUTPUT,
        ),
    ];
    faults.extend(
        traps().into_iter().map(|(name, component, starts)| fault(name, component, BUDGET, starts)),
    );
    faults.extend(
        service_faults()
            .into_iter()
            .map(|(name, component, budget, starts)| fault(name, component, budget, starts)),
    );
    faults
}

/// Broken rules of WebAssembly and of the component model.
fn traps() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    vec![
        ("panic", guest::trapping(), "trap: wasm `unreachable` instruction executed"),
        (
            "panic after a promise",
            guest::capture_at_most_then_trap(7),
            "trap: wasm `unreachable` instruction executed",
        ),
        (
            "read out of bounds",
            handling("(drop (i32.load (i32.const -4))) (call $done)"),
            "trap: out of bounds memory access",
        ),
        (
            "division by zero",
            handling("(drop (i32.div_u (i32.const 1) (i32.const 0))) (call $done)"),
            "trap: integer divide by zero",
        ),
        (
            "answer out of bounds",
            handling("(call $answer (i32.const 70000) (i32.const 9))"),
            "trap: string pointer/length out of bounds of memory",
        ),
        (
            "answer that is no text",
            handling(
                "(i32.store8 (i32.const 128) (i32.const 255))
                 (call $answer (i32.const 128) (i32.const 1))",
            ),
            "trap: invalid utf-8 sequence",
        ),
        (
            "failure of no kind",
            handling("(call $fail (i32.const 3) (i32.const 64) (i32.const 4))"),
            "trap: unexpected discriminant: 3",
        ),
        (
            "exit",
            importing(EXIT, "(call $exit (i32.const 1)) (call $done)"),
            "trap: the guest ended itself with status 1",
        ),
        (
            "handle that is none",
            importing(SUBSCRIBE, "(call $block (i32.const 7)) (call $done)"),
            "trap: unknown handle index 7",
        ),
        (
            "waiting for nothing",
            importing(
                SUBSCRIBE,
                "(call $poll (i32.const 0) (i32.const 0) (i32.const 128)) (call $done)",
            ),
            "trap: empty poll list",
        ),
        (
            "too many random bytes",
            importing(RANDOM, "(call $random (i64.const 65537) (i32.const 128)) (call $done)"),
            "trap: 65537 random bytes in one call; the limit is 65536",
        ),
    ]
}

/// Too much of what WASI offers.
fn service_faults() -> Vec<(&'static str, Vec<u8>, Budget, &'static str)> {
    let print = "(local $out i32)
        (local.set $out (call $stdout))
        (loop $again
          (call $write (local.get $out) (i32.const 64) (i32.const 4096) (i32.const 16))
          (br $again))
        (unreachable)";
    let sleep = "(call $block (call $subscribe (i64.const 3600000000000))) (call $done)";
    let hoard = endless("(drop (call $subscribe (i64.const 0)))");
    vec![
        ("flood of time", importing(NOW, &endless("(drop (call $now))")), FUEL, OUT_OF_FUEL),
        ("flood of time in time", importing(NOW, &endless("(drop (call $now))")), TIME, DEADLINE),
        (
            "flood of randomness",
            importing(RANDOM, &endless("(call $random (i64.const 10) (i32.const 128))")),
            FUEL,
            OUT_OF_FUEL,
        ),
        ("flood of print", importing(STDOUT, print), FUEL, OUT_OF_FUEL),
        ("hoard of handles", importing(SUBSCRIBE, &hoard), BUDGET, HANDLES),
        ("hoard of headers", importing(FIELDS, &endless("(drop (call $fields))")), BUDGET, HANDLES),
        ("long sleep", importing(SUBSCRIBE, sleep), TIME, DEADLINE),
        (
            "flood of buckets",
            importing(OPEN, &endless("(call $open (i32.const 0) (i32.const 0) (i32.const 128))")),
            FUEL,
            OUT_OF_FUEL,
        ),
        (
            "flood of directories",
            importing(DIRECTORIES, &endless("(call $directories (i32.const 128))")),
            FUEL,
            OUT_OF_FUEL,
        ),
        (
            "flood of sockets",
            importing(SOCKET, &endless("(call $socket (i32.const 0) (i32.const 128))")),
            FUEL,
            OUT_OF_FUEL,
        ),
    ]
}

#[tokio::test]
async fn each_fault_is_stopped_by_its_name() {
    let faults = faults();
    assert!(faults.len() >= 30);
    for fault in &faults {
        fault.check(&handle_once(&fault.component, fault.budget).await);
    }
}
