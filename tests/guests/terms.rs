//! The terms of a run: fuel that is kept back, and who hears what is said.

use stokehold_runtime::{Access, Budget, End, Stop, Terms};
use stokehold_tests::guest;

use crate::{BUDGET, load, request, runtime, stop};

#[tokio::test]
async fn a_guest_that_uses_all_it_sees_ends_well_on_the_reserve() {
    let runtime = runtime();
    let program = load(&runtime, &guest::using_up());
    let budget = Budget { fuel: 1_000_000, ..BUDGET };
    let run = runtime.handle(&program, request(), 1, budget, Access::default()).await;
    assert!(matches!(stop(&run), Stop::OutOfFuel { limit: 1_000_000 }), "{run:?}");
    let terms = Terms { reserve_fuel: 20_000, ..1.into() };
    let run = runtime.handle(&program, request(), terms, budget, Access::default()).await;
    assert_eq!(run.end, End::Answered("null".to_owned()));
    assert!((980_000..1_000_000).contains(&run.fuel_used), "{run:?}");
}

#[tokio::test]
async fn a_listener_hears_each_line_that_the_log_keeps() {
    let runtime = runtime();
    let program = load(&runtime, &guest::reporting(300));
    let (listener, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let terms = Terms { listener: Some(listener), ..1.into() };
    let run = runtime.handle(&program, request(), terms, BUDGET, Access::default()).await;
    assert_eq!(run.end, End::Answered("null".to_owned()));
    let heard: Vec<_> = std::iter::from_fn(|| heard.try_recv().ok()).collect();
    assert_eq!(heard, run.log);
    assert!(heard.last().is_some_and(|line| line.starts_with("[log cut")), "{heard:?}");
}
