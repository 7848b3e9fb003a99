//! What a guest gets of WASI, what it pays for it, and what it does not get.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use stokehold_runtime::{Access, Budget, End, HostCalls, Run, Stop};
use stokehold_tests::guest::{Guest, KEY_VALUES, tallying};
use stokehold_tests::key_value::MemoryKeyValue;

use crate::{BUDGET, handle_with, load, request, runtime, stop};

const NOW: &str = r#"
    (import "wasi:clocks/monotonic-clock@0.2.6" "now" (func $now (result i64)))"#;
const SLEEP: &str = r#"
    (import "wasi:clocks/monotonic-clock@0.2.6" "subscribe-duration"
      (func $subscribe (param i64) (result i32)))
    (import "wasi:io/poll@0.2.6" "[method]pollable.block" (func $block (param i32)))"#;
const RANDOM: &str = r#"
    (import "wasi:random/random@0.2.6" "get-random-bytes" (func $random (param i64 i32)))
    (import "wasi:random/random@0.2.6" "get-random-u64" (func $number (result i64)))"#;
const PRINT: &str = r#"
    (import "wasi:cli/stdout@0.2.6" "get-stdout" (func $stdout (result i32)))
    (import "wasi:io/streams@0.2.6" "[method]output-stream.blocking-write-and-flush"
      (func $write (param i32 i32 i32 i32)))"#;
const LOG: &str = r#"
    (import "wasi:logging/logging@0.1.0-draft" "log" (func $log (param i32 i32 i32 i32 i32)))"#;

fn guest(imports: &str, handle: &str) -> Vec<u8> {
    Guest { imports, handle, ..Guest::default() }.component()
}

async fn run(component: &[u8], budget: Budget, access: Access) -> Run<String> {
    let runtime = runtime();
    let program = load(&runtime, component);
    handle_with(&runtime, &program, budget, access).await
}

async fn runs(imports: &str, handle: &str) -> Run<String> {
    run(&guest(imports, handle), BUDGET, Access::default()).await
}

fn done() -> End<String> {
    End::Answered("null".to_owned())
}

fn trap_reason(run: &Run<String>) -> &str {
    match stop(run) {
        Stop::Trap { reason, .. } => reason,
        _ => panic!("no trap: {run:?}"),
    }
}

#[tokio::test]
async fn a_call_is_paid_for_and_named() {
    let without = runs("", "(call $done)").await;
    assert!(without.is_repeatable() && without.host_calls.is_empty());
    let with = runs(NOW, "(drop (call $now)) (drop (call $now)) (call $done)").await;
    assert_eq!(with.end, done());
    let clocks = HostCalls { name: "wasi:clocks", calls: 2, fuel: 20_000 };
    assert_eq!(with.host_calls, [clocks]);
    // Two calls, and what the host takes for them.
    assert_eq!(with.fuel_used, without.fuel_used + 2 + 20_000);
    assert!(!with.is_repeatable());
}

#[tokio::test]
async fn bytes_are_paid_for() {
    let none = runs(RANDOM, "(call $random (i64.const 0) (i32.const 128)) (call $done)").await;
    let some = runs(RANDOM, "(call $random (i64.const 100) (i32.const 128)) (call $done)").await;
    assert_eq!((none.end, some.end), (done(), done()));
    let fuel = |run: &Run<String>| run.host_calls[0].fuel;
    assert_eq!((none.host_calls[0].fuel, some.host_calls[0].fuel), (10_000, 20_000));
    let number = runs(RANDOM, "(drop (call $number)) (call $done)").await;
    assert_eq!(fuel(&number), 10_800);
    assert!(!number.is_repeatable());
}

#[tokio::test]
async fn too_many_random_bytes_are_refused() {
    let run = runs(RANDOM, "(call $random (i64.const 65537) (i32.const 128)) (call $done)").await;
    assert_eq!(trap_reason(&run), "65537 random bytes in one call; the limit is 65536");
}

#[tokio::test]
async fn what_is_owed_is_never_more_than_the_budget() {
    let budget = Budget { fuel: 9_000, ..BUDGET };
    let component = guest(NOW, "(drop (call $now)) (call $done)");
    let run = run(&component, budget, Access::default()).await;
    assert_eq!(*stop(&run), Stop::OutOfFuel { limit: 9_000 });
    assert_eq!(run.fuel_used, 9_000);
}

#[tokio::test]
async fn a_flood_of_calls_runs_out_of_fuel_or_time() {
    let flood = guest(NOW, "(loop $again (drop (call $now)) (br $again)) (unreachable)");
    let dear = run(&flood, BUDGET, Access::default()).await;
    assert_eq!(*stop(&dear), Stop::OutOfFuel { limit: BUDGET.fuel });
    assert!(dear.host_calls[0].calls < 10_000, "{dear:?}");
    let endless = Budget { fuel: u64::MAX, deadline: Duration::from_millis(50), ..BUDGET };
    let slow = run(&flood, endless, Access::default()).await;
    assert!(matches!(stop(&slow), Stop::Deadline { .. }), "{slow:?}");
}

#[tokio::test]
async fn sleeping_costs_time_and_no_fuel() {
    let sleep = |nanoseconds: u64| {
        let body =
            format!("(call $block (call $subscribe (i64.const {nanoseconds}))) (call $done)");
        guest(SLEEP, &body)
    };
    let short = run(&sleep(20_000_000), BUDGET, Access::default()).await;
    assert_eq!(short.end, done());
    assert!(short.elapsed >= Duration::from_millis(20));
    assert!(short.fuel_used < 100_000, "{short:?}");
    let budget = Budget { deadline: Duration::from_millis(50), ..BUDGET };
    let long = run(&sleep(3_600_000_000_000), budget, Access::default()).await;
    assert!(matches!(stop(&long), Stop::Deadline { .. }), "{long:?}");
}

#[tokio::test]
async fn handles_are_limited() {
    let hoard = "(loop $again (drop (call $subscribe (i64.const 0))) (br $again)) (unreachable)";
    let run = runs(SLEEP, hoard).await;
    assert_eq!(*stop(&run), Stop::Handles { limit: 1_000, asked: 1_001 });
    assert_eq!(
        stop(&run).to_string(),
        "too many handles: the run asked for 1001, its limit is 1000"
    );
}

#[tokio::test]
async fn what_is_printed_goes_to_the_log() {
    let text = Guest {
        imports: PRINT,
        fields: r#"(data (i32.const 128) "hot\ncoals")"#,
        handle: "(local $out i32)
                 (local.set $out (call $stdout))
                 (call $write (local.get $out) (i32.const 128) (i32.const 9) (i32.const 256))
                 (call $write (local.get $out) (i32.const 128) (i32.const 3) (i32.const 256))
                 (call $done)",
        ..Guest::default()
    };
    let run = run(&text.component(), BUDGET, Access::default()).await;
    assert_eq!(run.end, done());
    assert_eq!(run.log, ["hot", "coalshot"]);
    assert!(run.is_repeatable());
}

#[tokio::test]
async fn a_flood_of_print_is_cut() {
    let flood = "(local $out i32)
        (local.set $out (call $stdout))
        (loop $again
          (call $write (local.get $out) (i32.const 64) (i32.const 4096) (i32.const 16))
          (br $again))
        (unreachable)";
    let run = runs(PRINT, flood).await;
    assert_eq!(*stop(&run), Stop::OutOfFuel { limit: BUDGET.fuel });
    assert_eq!(run.log, ["[log cut: it is limited to 1000 bytes]"]);
}

#[tokio::test]
async fn a_logged_line_has_its_level() {
    let run = runs(
        LOG,
        "(call $log (i32.const 3) (i32.const 64) (i32.const 4) (i32.const 64) (i32.const 2))
         (call $done)",
    );
    assert_eq!(run.await.log, ["warn null: nu"]);
}

#[tokio::test]
async fn there_are_no_files_no_variables_and_no_sockets() {
    let imports = r#"
        (import "wasi:filesystem/preopens@0.2.6" "get-directories" (func $directories (param i32)))
        (import "wasi:cli/environment@0.2.6" "get-environment" (func $environment (param i32)))
        (import "wasi:cli/environment@0.2.6" "get-arguments" (func $arguments (param i32)))
        (import "wasi:sockets/tcp-create-socket@0.2.6" "create-tcp-socket"
          (func $socket (param i32 i32)))"#;
    let body = "(call $directories (i32.const 128))
        (call $environment (i32.const 136))
        (call $arguments (i32.const 144))
        (if (i32.load (i32.const 132)) (then unreachable))
        (if (i32.load (i32.const 140)) (then unreachable))
        (if (i32.load (i32.const 148)) (then unreachable))
        (call $socket (i32.const 0) (i32.const 152))
        ;; An error, and `access-denied` or `not-supported`.
        (if (i32.ne (i32.load8_u (i32.const 152)) (i32.const 1)) (then unreachable))
        (if (i32.gt_u (i32.load8_u (i32.const 156)) (i32.const 2)) (then unreachable))
        (call $done)";
    let run = runs(imports, body).await;
    assert_eq!(run.end, done());
}

#[tokio::test]
async fn a_guest_that_ends_itself_gives_no_answer() {
    let exit = r#"(import "wasi:cli/exit@0.2.6" "exit" (func $exit (param i32)))"#;
    let run = runs(exit, "(call $exit (i32.const 0)) (call $done)").await;
    assert_eq!(trap_reason(&run), "the guest ended itself with status 0");
}

#[tokio::test]
async fn the_configuration_can_be_asked_for() {
    let get = r#"
        (import "wasi:config/store@0.2.0-rc.1" "get" (func $get (param i32 i32 i32)))"#;
    let body = "(call $get (i32.const 64) (i32.const 4) (i32.const 128))
        (if (i32.load8_u (i32.const 128)) (then unreachable))
        (if (i32.eqz (i32.load8_u (i32.const 132))) (then unreachable))
        (call $answer (i32.load (i32.const 136)) (i32.load (i32.const 140)))";
    let config = BTreeMap::from([("null".to_owned(), "\"ACME\"".to_owned())]);
    let access = Access { config: Arc::new(config), ..Access::default() };
    let run = run(&guest(get, body), BUDGET, access).await;
    assert_eq!(run.end, End::Answered("\"ACME\"".to_owned()));
    assert!(run.is_repeatable());
}

#[tokio::test]
async fn stored_values_outlive_a_call() {
    let runtime = runtime();
    let program = load(&runtime, &tallying());
    let key_values = Arc::new(MemoryKeyValue::new(1_000, 100));
    let access = Access { key_values: Some(key_values), ..Access::default() };
    for answer in ["1", "2", "3"] {
        let run = handle_with(&runtime, &program, BUDGET, access.clone()).await;
        assert_eq!(run.end, End::Answered(answer.to_owned()));
        assert!(!run.is_repeatable());
    }
}

#[tokio::test]
async fn without_a_store_there_is_no_bucket() {
    let run = run(&tallying(), BUDGET, Access::default()).await;
    assert!(trap_reason(&run).contains("unreachable"), "{run:?}");
}

#[tokio::test]
async fn a_full_store_says_so_to_the_guest() {
    // Sets 1,000 bytes where 100 are allowed, and answers with the error's text as a failure.
    let body = "(call $open (i32.const 0) (i32.const 0) (i32.const 128))
        (call $set (i32.load (i32.const 132)) (i32.const 64) (i32.const 4)
          (i32.const 1024) (i32.const 1000) (i32.const 136))
        (if (i32.eqz (i32.load8_u (i32.const 136))) (then unreachable))
        (call $fail (i32.const 0) (i32.load (i32.const 144)) (i32.load (i32.const 148)))";
    let key_values = Arc::new(MemoryKeyValue::new(100, 100));
    let access = Access { key_values: Some(key_values), ..Access::default() };
    let run = run(&guest(KEY_VALUES, body), BUDGET, access).await;
    let End::Failed(stokehold_runtime::Failure::UserError(text)) = run.end else {
        panic!("{run:?}");
    };
    assert_eq!(text, "the store would have 1004 bytes; the limit is 100");
}

#[tokio::test]
async fn a_batch_is_bounded() {
    let delete_many = r#"
        (import "wasi:keyvalue/store@0.2.0-draft" "open" (func $open (param i32 i32 i32)))
        (import "wasi:keyvalue/batch@0.2.0-draft" "delete-many"
          (func $delete_many (param i32 i32 i32 i32)))"#;
    // So many empty keys, all of them without an error or with its text as a failure.
    let deleting = |keys: u32| {
        let body = format!(
            "(call $open (i32.const 0) (i32.const 0) (i32.const 128))
             (call $delete_many (i32.load (i32.const 132)) (i32.const 1024) (i32.const {keys})
               (i32.const 136))
             (if (i32.load8_u (i32.const 136))
               (then (return (call $fail (i32.const 0)
                 (i32.load (i32.const 144)) (i32.load (i32.const 148))))))
             (call $done)"
        );
        guest(delete_many, &body)
    };
    let key_values = Arc::new(MemoryKeyValue::new(100, 100));
    let access = Access { key_values: Some(key_values), ..Access::default() };
    let budget = Budget { fuel: 1_000_000_000, ..BUDGET };
    assert_eq!(run(&deleting(100), budget, access.clone()).await.end, done());
    let End::Failed(stokehold_runtime::Failure::UserError(text)) =
        run(&deleting(101), budget, access).await.end
    else {
        panic!("it was not refused");
    };
    assert_eq!(text, "101 keys in one call; the limit is 100");
}

#[tokio::test]
async fn a_quote_reaches_neither_store_nor_network() {
    let runtime = runtime();
    let quote = "(call $open (i32.const 0) (i32.const 0) (i32.const 128))
        (if (i32.eqz (i32.load8_u (i32.const 128))) (then unreachable))
        (call $quoted (i64.const 1))";
    let guest = Guest { imports: KEY_VALUES, quote, ..Guest::default() };
    let program = load(&runtime, &guest.component());
    let key_values = Arc::new(MemoryKeyValue::new(1_000, 100));
    let access = Access { key_values: Some(key_values), ..Access::default() };
    let run = runtime.quote(&program, request(), BUDGET, &access).await;
    assert!(matches!(run.end, End::Answered(_)), "{run:?}");
}
