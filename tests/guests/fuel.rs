//! What things cost: programs and their exact fuel.
//!
//! Prices hang on these numbers. A change here, by a new Wasmtime or by us, is a change of the
//! price list: it needs a new `PRICE_LIST.version`, and providers have to be told.

use stokehold_runtime::{Budget, End, PRICE_LIST, Runtime};
use stokehold_tests::guest::Guest;

use crate::{BUDGET, handle, load, runtime};

/// A call of a guest that does nothing: its start, room for the request, the answer.
const EMPTY: u64 = 90;

const FIELDS: &str = "
    (table $table 2 20 funcref)
    (elem (i32.const 0) $nothing $count)
    (type $plain (func))
    (func $nothing)
    (func $count (param $n i32)
      (loop $again
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (br_if $again (local.get $n))))";

struct Row {
    what: &'static str,
    body: &'static str,
    /// Fuel on top of `EMPTY`.
    fuel: u64,
}

const fn row(what: &'static str, body: &'static str, fuel: u64) -> Row {
    Row { what, body, fuel }
}

const TABLE: &[Row] = &[
    row("nothing", "", 0),
    row("nop", "nop nop nop", 0),
    row("block and drop", "(block (drop (i32.const 1)))", 1),
    row("arithmetic", "(drop (i32.add (i32.const 1) (i32.const 2)))", 3),
    row("division", "(drop (i64.div_u (i64.const 7) (i64.const 2)))", 3),
    row("float", "(drop (f64.sqrt (f64.const 2)))", 2),
    row("load", "(drop (i32.load (i32.const 0)))", 2),
    row("store", "(i32.store (i32.const 256) (i32.const 1))", 3),
    row("loop of 1,000", "(call $count (i32.const 1000))", 6003),
    row("loop of 2,000", "(call $count (i32.const 2000))", 12003),
    row("call", "(call $nothing)", 2),
    row("call_indirect", "(call_indirect (type $plain) (i32.const 0))", 3),
    row("br_table", "(block $a (block $b (br_table $a $b (i32.const 1))))", 2),
    row("memory.fill of 0", "(memory.fill (i32.const 512) (i32.const 1) (i32.const 0))", 4),
    row(
        "memory.fill of 1,000",
        "(memory.fill (i32.const 512) (i32.const 1) (i32.const 1000))",
        1004,
    ),
    row(
        "memory.copy of 1,000",
        "(memory.copy (i32.const 512) (i32.const 0) (i32.const 1000))",
        1004,
    ),
    row(
        "memory.copy backwards",
        "(memory.copy (i32.const 600) (i32.const 512) (i32.const 1000))",
        1004,
    ),
    row("memory.grow by 1", "(drop (memory.grow (i32.const 1)))", 511),
    row("memory.grow by 10", "(drop (memory.grow (i32.const 10)))", 2806),
    row("table.grow by 10", "(drop (table.grow $table (ref.null func) (i32.const 10)))", 267),
    row("authorized", "(drop (call $authorized))", 2501),
    row("fuel-remaining", "(drop (call $fuel_remaining))", 2501),
    row("capture-at-most", "(call $capture_at_most (i64.const 1))", 2502),
    row(
        "progress of 0 bytes",
        "(call $progress (f32.const 0) (i32.const 64) (i32.const 0))",
        10010,
    ),
    row(
        "progress of 4 bytes",
        "(call $progress (f32.const 0) (i32.const 64) (i32.const 4))",
        10090,
    ),
];

/// Fuel of `body`, twice and on two budgets: it is always the same.
async fn fuel(runtime: &Runtime, body: &str) -> u64 {
    let guest =
        Guest { fields: FIELDS, handle: &format!("{body} (call $done)"), ..Guest::default() };
    let program = load(runtime, &guest.component());
    let mut used = Vec::new();
    for fuel in [BUDGET.fuel, BUDGET.fuel, u64::MAX] {
        let run = handle(runtime, &program, Budget { fuel, ..BUDGET }).await;
        assert_eq!(run.end, End::Answered("null".to_owned()), "{body}");
        used.push(run.fuel_used);
    }
    assert!(used.iter().all(|fuel| *fuel == used[0]), "{body}: {used:?}");
    used[0]
}

#[tokio::test]
async fn programs_use_their_exact_fuel() {
    assert_eq!(PRICE_LIST.version, "wasmtime-48/3");
    let runtime = runtime();
    let mut wrong = Vec::new();
    for Row { what, body, fuel } in TABLE {
        let found = self::fuel(&runtime, body).await;
        if found != EMPTY + fuel {
            wrong.push(format!("{what}: expected {EMPTY} + {fuel}, found {found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn a_start_function_is_paid_for() {
    let runtime = runtime();
    let guest = Guest {
        fields: "(func $start (drop (i32.const 1)) (drop (i32.const 1))) (start $start)",
        ..Guest::default()
    };
    let program = load(&runtime, &guest.component());
    let run = handle(&runtime, &program, BUDGET).await;
    // Two constants, and the calls that lead to them.
    assert_eq!(run.fuel_used, EMPTY + 5);
}
