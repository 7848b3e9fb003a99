//! Calls that end as their guests want.

use stokehold_runtime::{Access, End, Failure, Quote};
use stokehold_tests::guest::{self, Guest};

use crate::{BUDGET, handle_once, load, request, runtime};

#[tokio::test]
async fn a_guest_sees_its_request_and_answers() {
    let run = handle_once(&guest::echo(), BUDGET).await;
    assert_eq!(run.end, End::Answered(request().params));
    assert!(run.fuel_used > 0 && run.fuel_used < 1000, "{run:?}");
    // A page, and the one element of the table that the component's encoder adds.
    assert_eq!(run.memory_peak_bytes, 65_536 + 8);
    assert_eq!(run.capture_at_most, None);
    assert!(run.log.is_empty());
}

#[tokio::test]
async fn each_kind_of_failure_comes_through() {
    let text = || "no luck".to_owned();
    for (kind, failure) in [
        (0, Failure::UserError(text())),
        (1, Failure::AccessError(text())),
        (2, Failure::Unavailable(text())),
    ] {
        let run = handle_once(&guest::failing(kind), BUDGET).await;
        assert_eq!(run.end, End::Failed(failure));
    }
}

#[tokio::test]
async fn a_quote_names_a_price_and_its_reason() {
    let runtime = runtime();
    let program = load(&runtime, &guest::component_quoting(u64::MAX, "(call $done)"));
    let run = runtime.quote(&program, request(), BUDGET, &Access::default()).await;
    let quote = Quote { credits: u64::MAX, description: None };
    assert_eq!(run.end, End::Answered(quote));

    let guest = Guest {
        fields: r#"(data (i32.const 128) "coal")"#,
        quote: "(call $quoted_for (call $authorized) (i32.const 128) (i32.const 4))",
        ..Guest::default()
    };
    let program = load(&runtime, &guest.component());
    let run = runtime.quote(&program, request(), BUDGET, &Access::default()).await;
    let quote = Quote {
        credits: 0, // nothing is authorized while a quote is made
        description: Some("coal".to_owned()),
    };
    assert_eq!(run.end, End::Answered(quote));
}

#[tokio::test]
async fn a_quote_can_fail() {
    let runtime = runtime();
    let guest = Guest {
        fields: r#"(data (i32.const 128) "too much coal")"#,
        quote: "(call $refuse (i32.const 0) (i32.const 128) (i32.const 13))",
        ..Guest::default()
    };
    let program = load(&runtime, &guest.component());
    let run = runtime.quote(&program, request(), BUDGET, &Access::default()).await;
    let failure = Failure::UserError("too much coal".to_owned());
    assert_eq!(run.end, End::Failed(failure));
}

#[tokio::test]
async fn a_guest_sees_what_is_authorized() {
    let guest = Guest {
        handle: "(if (i64.ne (call $authorized) (i64.const 1000000)) (then unreachable))
                 (call $done)",
        ..Guest::default()
    };
    let run = handle_once(&guest.component(), BUDGET).await;
    assert_eq!(run.end, End::Answered("null".to_owned()));
}

#[tokio::test]
async fn a_guest_sees_its_fuel_go_down() {
    let guest = Guest {
        handle: "(local $before i64)
                 (local.set $before (call $fuel_remaining))
                 (if (i64.ge_u (call $fuel_remaining) (local.get $before)) (then unreachable))
                 (if (i64.gt_u (local.get $before) (i64.const 100000000)) (then unreachable))
                 (call $done)",
        ..Guest::default()
    };
    let run = handle_once(&guest.component(), BUDGET).await;
    assert_eq!(run.end, End::Answered("null".to_owned()));
}

#[tokio::test]
async fn the_lowest_amount_to_capture_counts() {
    let run = handle_once(&guest::capture_at_most_then_answer(7), BUDGET).await;
    assert_eq!(run.capture_at_most, Some(7));
    let lower_then_higher = "(call $capture_at_most (i64.const 5))
                             (call $capture_at_most (i64.const 9))
                             (call $done)";
    let run = handle_once(&guest::component(lower_then_higher), BUDGET).await;
    assert_eq!(run.capture_at_most, Some(5));
    assert_eq!(run.end, End::Answered("null".to_owned()));
}

#[tokio::test]
async fn progress_is_logged() {
    let body = "(call $progress (f32.const 0.25) (i32.const 64) (i32.const 4))
                (call $progress (f32.const nan) (i32.const 64) (i32.const 0))
                (call $done)";
    let run = handle_once(&guest::component(body), BUDGET).await;
    assert_eq!(run.log, ["25 % null", "0 % "]);
}

#[tokio::test]
async fn what_is_no_json_is_passed_on() {
    let run = handle_once(&guest::bad_json(), BUDGET).await;
    assert_eq!(run.end, End::Answered("{\"half\":".to_owned()));
}
