//! Guests for tests: a few lines of WebAssembly text each, made into components.
//!
//! Written by hand, because then no compiler decides how much fuel they use.

mod outbound;

pub use self::outbound::{asking, asking_host, asking_in_secret};

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

const WIT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../wit/service-0.1.0");
const WORLD: &str = include_str!("../guests/world.wit");
const PRELUDE: &str = include_str!("../guests/prelude.wat");
const PARAMS: &str = "(param $call_id i32) (param $call_id_bytes i32) \
                      (param $route i32) (param $route_bytes i32) \
                      (param $params i32) (param $params_bytes i32) \
                      (param $client_id i32) (param $client_id_bytes i32) (result i32)";

/// A guest as text: what differs between guests. The rest is `guests/prelude.wat`.
#[derive(Clone, Copy, Debug)]
pub struct Guest<'a> {
    /// Further functions that are imported.
    pub imports: &'a str,
    /// Further fields of the module: data, globals, functions.
    pub fields: &'a str,
    /// The body of `quote`; it ends with a call of `$quoted`, `$quoted_for` or `$refuse`.
    pub quote: &'a str,
    /// The body of `handle`; it ends with a call of `$done`, `$answer` or `$fail`.
    pub handle: &'a str,
}

impl Default for Guest<'_> {
    /// Quotes one credit and answers `null`.
    fn default() -> Self {
        Guest {
            imports: "",
            fields: "",
            quote: "(call $quoted (i64.const 1000000))",
            handle: "(call $done)",
        }
    }
}

impl Guest<'_> {
    /// The guest as a component.
    ///
    /// # Panics
    /// If the text is not valid.
    pub fn component(&self) -> Vec<u8> {
        let Guest { imports, fields, quote, handle } = self;
        let text = format!(
            "(module {imports} {PRELUDE} {fields}\n\
             (func $quote (export \"stokehold:service/service@0.1.0#quote\") {PARAMS} {quote})\n\
             (func $handle (export \"stokehold:service/service@0.1.0#handle\") {PARAMS} {handle}))"
        );
        let mut module = wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}"));
        let mut resolve = Resolve::default();
        resolve.push_dir(WIT).expect("the contract parses");
        let package = resolve.push_str("world.wit", WORLD).expect("the guests' world parses");
        let world = resolve.select_world(&[package], Some("guest")).expect("there is a world");
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
            .expect("the world can be embedded");
        ComponentEncoder::default()
            .validate(true)
            .module(&module)
            .and_then(|mut encoder| encoder.encode())
            .unwrap_or_else(|error| panic!("{error:?}"))
    }
}

/// Quotes one credit and runs `handle`.
pub fn component(handle: &str) -> Vec<u8> {
    component_quoting(1_000_000, handle)
}

/// Quotes `microcredits` and runs `handle`.
pub fn component_quoting(microcredits: u64, handle: &str) -> Vec<u8> {
    let quote = format!("(call $quoted (i64.const {microcredits}))");
    let guest = Guest { quote: &quote, handle, ..Guest::default() };
    guest.component()
}

/// Answers with its params.
pub fn echo() -> Vec<u8> {
    component("(call $answer (local.get $params) (local.get $params_bytes))")
}

/// Loops for ever.
pub fn looping() -> Vec<u8> {
    component("(loop $again (br $again)) (unreachable)")
}

/// Takes a page of memory, again and again.
pub fn allocating() -> Vec<u8> {
    component("(loop $again (drop (memory.grow (i32.const 1))) (br $again)) (unreachable)")
}

/// Traps as a panic does.
pub fn trapping() -> Vec<u8> {
    component("(unreachable)")
}

/// Recurses without end.
pub fn recursing() -> Vec<u8> {
    let guest = Guest {
        fields: "(func $deeper (call $deeper) (drop (memory.size)))",
        handle: "(call $deeper) (call $done)",
        ..Guest::default()
    };
    guest.component()
}

/// Answers with `bytes` bytes, a JSON text of spaces and a number.
pub fn big_output(bytes: u32) -> Vec<u8> {
    component(&format!(
        "(local $text i32)
         (local.set $text
           (call $realloc (i32.const 0) (i32.const 0) (i32.const 1) (i32.const {bytes})))
         (memory.fill (local.get $text) (i32.const 32) (i32.const {bytes}))
         (i32.store8 (local.get $text) (i32.const 55))
         (call $answer (local.get $text) (i32.const {bytes}))"
    ))
}

/// Answers with a text that is no JSON.
pub fn bad_json() -> Vec<u8> {
    let guest = Guest {
        fields: r#"(data (i32.const 128) "{\"half\":")"#,
        handle: "(call $answer (i32.const 128) (i32.const 8))",
        ..Guest::default()
    };
    guest.component()
}

/// Says to capture `microcredits` at most, then answers.
pub fn capture_at_most_then_answer(microcredits: u64) -> Vec<u8> {
    component(&format!("(call $capture_at_most (i64.const {microcredits})) (call $done)"))
}

/// Says to capture `microcredits` at most, then traps.
pub fn capture_at_most_then_trap(microcredits: u64) -> Vec<u8> {
    component(&format!("(call $capture_at_most (i64.const {microcredits})) (unreachable)"))
}

/// Fails with the `kind`-th case of `failure` and the text `no luck`.
pub fn failing(kind: u8) -> Vec<u8> {
    let guest = Guest {
        fields: r#"(data (i32.const 128) "no luck")"#,
        handle: &format!("(call $fail (i32.const {kind}) (i32.const 128) (i32.const 7))"),
        ..Guest::default()
    };
    guest.component()
}

/// Reports progress for ever.
pub fn chattering() -> Vec<u8> {
    component(
        "(loop $again
           (call $progress (f32.const 0.5) (i32.const 64) (i32.const 4)) (br $again))
         (unreachable)",
    )
}

/// Calls the host for ever.
pub fn pestering() -> Vec<u8> {
    component("(loop $again (drop (call $authorized)) (br $again)) (unreachable)")
}

/// Loops for ever before it can be called at all.
pub fn looping_at_start() -> Vec<u8> {
    let guest = Guest {
        fields: "(func $spin (loop $again (br $again))) (start $spin)",
        ..Guest::default()
    };
    guest.component()
}

/// Answers with the number of calls that its instance has seen: 1.
pub fn counting() -> Vec<u8> {
    let guest = Guest {
        fields: "(global $calls (mut i32) (i32.const 48))",
        handle: "(global.set $calls (i32.add (global.get $calls) (i32.const 1)))
                 (i32.store8 (i32.const 128) (global.get $calls))
                 (call $answer (i32.const 128) (i32.const 1))",
        ..Guest::default()
    };
    guest.component()
}

/// What a guest imports that keeps things.
pub const KEY_VALUES: &str = r#"
    (import "wasi:keyvalue/store@0.2.0-draft" "open" (func $open (param i32 i32 i32)))
    (import "wasi:keyvalue/store@0.2.0-draft" "[method]bucket.set"
      (func $set (param i32 i32 i32 i32 i32 i32)))
    (import "wasi:keyvalue/atomics@0.2.0-draft" "increment"
      (func $increment (param i32 i32 i32 i64 i32)))"#;

/// How it begins: it opens the bucket, which has to be there, and has its handle at 132.
pub const OPEN: &str = "(call $open (i32.const 0) (i32.const 0) (i32.const 128))
    (if (i32.load8_u (i32.const 128)) (then unreachable))";

/// Answers with the number of calls that its service has had: its last digit.
pub fn tallying() -> Vec<u8> {
    let handle = format!(
        "{OPEN}
         (call $increment (i32.load (i32.const 132)) (i32.const 64) (i32.const 4) (i64.const 1)
           (i32.const 136))
         (if (i32.load8_u (i32.const 136)) (then unreachable))
         (i32.store8 (i32.const 256) (i32.add (i32.const 48)
           (i32.rem_u (i32.load (i32.const 144)) (i32.const 10))))
         (call $answer (i32.const 256) (i32.const 1))"
    );
    Guest { imports: KEY_VALUES, handle: &handle, ..Guest::default() }.component()
}

/// Works for as long as there is fuel left, then answers.
pub fn using_up() -> Vec<u8> {
    component(
        "(loop $again (br_if $again (i64.gt_u (call $fuel_remaining) (i64.const 0)))) (call $done)",
    )
}

/// Says how far it is, `lines` times, then answers.
pub fn reporting(lines: u32) -> Vec<u8> {
    component(&format!(
        "(local $left i32) (local.set $left (i32.const {lines}))
         (loop $again
           (call $progress (f32.const 0.5) (i32.const 64) (i32.const 4))
           (local.set $left (i32.sub (local.get $left) (i32.const 1)))
           (br_if $again (local.get $left)))
         (call $done)"
    ))
}

/// Says that it begins, works for `rounds` rounds of a few instructions, says so, and answers.
pub fn working(rounds: u64) -> Vec<u8> {
    component(&format!(
        "(local $left i64) (local.set $left (i64.const {rounds}))
         (call $progress (f32.const 0) (i32.const 64) (i32.const 4))
         (loop $again
           (local.set $left (i64.sub (local.get $left) (i64.const 1)))
           (br_if $again (i64.gt_u (local.get $left) (i64.const 0))))
         (call $progress (f32.const 1) (i32.const 64) (i32.const 4))
         (call $done)"
    ))
}
