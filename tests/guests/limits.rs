//! Guests that break a limit: the stop names it, and what the guest did before still counts.

use std::time::Duration;

use stokehold_runtime::{Access, Budget, End, Stop};
use stokehold_tests::guest::{self, Guest};

use crate::{BUDGET, handle, handle_once, load, request, runtime, stop};

const MIB: usize = 1 << 20;

/// A guest cannot use this up before the deadline of `in_haste`.
const ENDLESS_FUEL: u64 = u64::MAX;

fn in_haste(budget: Budget) -> Budget {
    Budget { fuel: ENDLESS_FUEL, deadline: Duration::from_millis(50), ..budget }
}

#[tokio::test]
async fn an_endless_loop_runs_out_of_fuel() {
    let budget = Budget { fuel: 3_000_000, ..BUDGET };
    let run = handle_once(&guest::looping(), budget).await;
    assert_eq!(*stop(&run), Stop::OutOfFuel { limit: 3_000_000 });
    assert_eq!(run.fuel_used, 3_000_000);
    assert_eq!(stop(&run).to_string(), "out of fuel: the run needs more than its 3000000 fuel");
}

#[tokio::test]
async fn no_fuel_is_not_enough_for_anything() {
    let run = handle_once(&guest::echo(), Budget { fuel: 0, ..BUDGET }).await;
    assert_eq!(*stop(&run), Stop::OutOfFuel { limit: 0 });
    assert_eq!(run.fuel_used, 0);
}

#[tokio::test]
async fn an_endless_loop_ends_at_its_deadline() {
    for guest in
        [guest::looping(), guest::looping_at_start(), guest::pestering(), guest::chattering()]
    {
        let run = handle_once(&guest, in_haste(BUDGET)).await;
        let Stop::Deadline { limit, elapsed } = stop(&run) else {
            panic!("{run:?}");
        };
        assert_eq!(*limit, Duration::from_millis(50));
        assert!(elapsed >= limit && *elapsed <= run.elapsed);
        assert!(run.fuel_used > 0, "{run:?}");
    }
}

#[tokio::test]
async fn a_start_function_runs_on_the_calls_fuel() {
    let run = handle_once(&guest::looping_at_start(), BUDGET).await;
    assert_eq!(*stop(&run), Stop::OutOfFuel { limit: BUDGET.fuel });
}

#[tokio::test]
async fn endless_host_calls_run_out_of_fuel() {
    for guest in [guest::pestering(), guest::chattering()] {
        let run = handle_once(&guest, BUDGET).await;
        assert_eq!(*stop(&run), Stop::OutOfFuel { limit: BUDGET.fuel });
        assert_eq!(run.fuel_used, BUDGET.fuel);
    }
}

#[tokio::test]
async fn a_flood_of_progress_is_cut() {
    let run = handle_once(&guest::chattering(), BUDGET).await;
    let (last, kept) = run.log.split_last().expect("a log");
    assert_eq!(last, "[log cut: it is limited to 1000 bytes]");
    assert_eq!(kept.len(), 100);
}

#[tokio::test]
async fn endless_allocation_breaks_the_memory_limit() {
    let run = handle_once(&guest::allocating(), BUDGET).await;
    let Stop::Memory { limit_bytes, asked_bytes } = *stop(&run) else {
        panic!("{run:?}");
    };
    assert_eq!(limit_bytes, 4 * MIB);
    assert!(asked_bytes > limit_bytes && asked_bytes <= limit_bytes + 65_536);
    assert!(run.memory_peak_bytes <= limit_bytes && run.memory_peak_bytes > 3 * MIB);
}

#[tokio::test]
async fn a_memory_too_large_from_the_start_breaks_the_limit() {
    let budget = Budget { memory_bytes_max: 65_535, ..BUDGET };
    let run = handle_once(&guest::echo(), budget).await;
    assert!(matches!(stop(&run), Stop::Memory { .. }), "{run:?}");
    assert_eq!(run.fuel_used, 0);
}

#[tokio::test]
async fn the_runtimes_maximum_holds_above_a_larger_budget() {
    let budget = Budget { memory_bytes_max: usize::MAX, ..BUDGET };
    let run = handle_once(&guest::allocating(), budget).await;
    assert!(
        matches!(*stop(&run), Stop::Memory { limit_bytes, .. } if limit_bytes == 16 * MIB),
        "{run:?}"
    );
}

#[tokio::test]
async fn tables_count_as_memory() {
    let guest = Guest {
        fields: "(table $table 1 funcref)",
        handle: "(loop $again
                   (drop (table.grow $table (ref.null func) (i32.const 1000))) (br $again))
                 (unreachable)",
        ..Guest::default()
    };
    let budget = Budget { memory_bytes_max: 65_536 + 100_000, ..BUDGET };
    let run = handle_once(&guest.component(), budget).await;
    let Stop::Memory { limit_bytes, .. } = *stop(&run) else {
        panic!("{run:?}");
    };
    assert_eq!(limit_bytes, 165_536);
    assert!(run.memory_peak_bytes > 65_536 + 90_000, "{run:?}");
}

#[tokio::test]
async fn a_declared_maximum_fails_in_the_guest_instead() {
    let guest = Guest {
        fields: "(table $table 1 2 funcref)",
        handle: "(if (i32.ne (table.grow $table (ref.null func) (i32.const 2)) (i32.const -1))
                   (then unreachable))
                 (call $done)",
        ..Guest::default()
    };
    let run = handle_once(&guest.component(), BUDGET).await;
    assert_eq!(run.end, End::Answered("null".to_owned()));
}

#[tokio::test]
async fn a_trap_has_a_name_and_a_backtrace() {
    let guest = Guest {
        fields: "(func $stoke (unreachable)) (func $shovel (call $stoke))",
        handle: "(call $shovel) (call $done)",
        ..Guest::default()
    };
    let run = handle_once(&guest.component(), BUDGET).await;
    let Stop::Trap { reason, backtrace } = stop(&run) else {
        panic!("{run:?}");
    };
    assert_eq!(reason, "wasm `unreachable` instruction executed");
    assert_eq!(backtrace[..3], ["stoke", "shovel", "handle"]);
}

#[tokio::test]
async fn traps_of_each_kind_are_named() {
    for (body, name) in [
        ("(drop (i32.load (i32.const -4))) (call $done)", "out of bounds memory access"),
        ("(drop (i32.div_u (i32.const 1) (i32.const 0))) (call $done)", "integer divide by zero"),
        (
            "(call $answer (i32.const 70000) (i32.const 9))",
            "string pointer/length out of bounds of memory",
        ),
        (
            "(i32.store8 (i32.const 128) (i32.const 255))
             (call $answer (i32.const 128) (i32.const 1))",
            "invalid utf-8 sequence of 1 bytes from index 0",
        ),
        (
            "(call $progress (f32.const 0) (i32.const 70000) (i32.const 9)) (call $done)",
            "string pointer/length out of bounds of memory",
        ),
        ("(call $fail (i32.const 3) (i32.const 64) (i32.const 4))", "unexpected discriminant: 3"),
    ] {
        let run = handle_once(&guest::component(body), BUDGET).await;
        let Stop::Trap { reason, .. } = stop(&run) else {
            panic!("{run:?}");
        };
        assert_eq!(reason, name);
    }
}

#[tokio::test]
async fn a_stack_overflow_is_a_trap() {
    let run = handle_once(&guest::recursing(), BUDGET).await;
    let Stop::Trap { reason, backtrace } = stop(&run) else {
        panic!("{run:?}");
    };
    assert_eq!(reason, "call stack exhausted");
    assert_eq!(backtrace[0], "deeper");
    assert!(backtrace.len() <= 100);
}

#[tokio::test]
async fn what_was_said_before_a_trap_is_kept() {
    let run = handle_once(&guest::capture_at_most_then_trap(7), BUDGET).await;
    assert!(matches!(stop(&run), Stop::Trap { .. }), "{run:?}");
    assert_eq!(run.capture_at_most, Some(7));
    assert!(run.fuel_used <= BUDGET.fuel);
}

#[tokio::test]
async fn a_huge_output_is_refused() {
    let too_large = Stop::Output { limit_bytes: 10_000 };
    let run = handle_once(&guest::big_output(10_000), BUDGET).await;
    assert!(matches!(run.end, End::Answered(text) if text.len() == 10_000));
    for bytes in [10_001, 3_000_000] {
        let run = handle_once(&guest::big_output(bytes), BUDGET).await;
        assert_eq!(*stop(&run), too_large);
    }
    let message = "(call $progress (f32.const 0) (i32.const 64) (i32.const 10001)) (call $done)";
    let run = handle_once(&guest::component(message), BUDGET).await;
    assert_eq!(*stop(&run), too_large);
}

#[tokio::test]
async fn a_quote_has_the_same_limits() {
    let runtime = runtime();
    let guest = Guest { quote: "(loop $again (br $again)) (unreachable)", ..Guest::default() };
    let program = load(&runtime, &guest.component());
    let run = runtime.quote(&program, request(), BUDGET, &Access::default()).await;
    assert_eq!(*stop(&run), Stop::OutOfFuel { limit: BUDGET.fuel });
    let run = runtime.quote(&program, request(), in_haste(BUDGET), &Access::default()).await;
    assert!(matches!(stop(&run), Stop::Deadline { .. }), "{run:?}");
    let run = handle(&runtime, &program, BUDGET).await;
    assert_eq!(run.end, End::Answered("null".to_owned()));
}
