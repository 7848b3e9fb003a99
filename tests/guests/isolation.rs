//! What one call cannot do to another, or to the runtime.

use std::time::Duration;

use stokehold_runtime::{Budget, End, Runtime, Settings, Stop};
use stokehold_tests::guest;

use crate::{BUDGET, handle, load, request, runtime, settings, stop};

fn one_place() -> Runtime {
    let settings = Settings { instances_max: 1, ..settings() };
    Runtime::new(&settings).expect("the runtime starts")
}

#[tokio::test]
async fn each_call_has_an_instance_of_its_own() {
    let runtime = one_place();
    let program = load(&runtime, &guest::counting());
    for _ in 0..3 {
        let run = handle(&runtime, &program, BUDGET).await;
        assert_eq!(run.end, End::Answered("1".to_owned()));
    }
}

#[tokio::test]
async fn calls_run_at_the_same_time() {
    let runtime = runtime();
    let slow = load(&runtime, &guest::looping());
    let quick = load(&runtime, &guest::echo());
    let budget = Budget { fuel: u64::MAX, deadline: Duration::from_secs(2), ..BUDGET };
    // More loops than threads: the quick call gets its turn among them.
    let loops = async {
        tokio::join!(
            handle(&runtime, &slow, budget),
            handle(&runtime, &slow, budget),
            handle(&runtime, &slow, budget)
        )
    };
    let call = async {
        let run = handle(&runtime, &quick, BUDGET).await;
        assert_eq!(run.end, End::Answered(request().params));
        run
    };
    tokio::select! {
        run = call => assert!(run.elapsed < budget.deadline),
        _ = loops => panic!("the quick call waited for the slow ones"),
    }
}

#[tokio::test]
async fn more_calls_than_places_wait() {
    let runtime = one_place();
    let program = load(&runtime, &guest::echo());
    let (one, two) =
        tokio::join!(handle(&runtime, &program, BUDGET), handle(&runtime, &program, BUDGET));
    assert_eq!(one.end, two.end);
    assert_eq!(one.end, End::Answered(request().params));
}

#[tokio::test]
async fn a_call_that_nobody_waits_for_gives_its_place_back() {
    let runtime = one_place();
    let slow = load(&runtime, &guest::looping());
    let endless = Budget { fuel: u64::MAX, deadline: Duration::from_hours(1), ..BUDGET };
    let left = tokio::time::timeout(Duration::from_millis(50), handle(&runtime, &slow, endless));
    assert!(left.await.is_err());
    let quick = load(&runtime, &guest::echo());
    let run = handle(&runtime, &quick, BUDGET).await;
    assert_eq!(run.end, End::Answered(request().params));
}

#[tokio::test]
async fn a_runtime_can_go_while_a_guest_runs() {
    let runtime = runtime();
    let program = load(&runtime, &guest::looping());
    let waiting = tokio::spawn({
        let (runtime, program) = (runtime.clone(), program.clone());
        async move { handle(&runtime, &program, BUDGET).await }
    });
    drop(runtime);
    drop(program);
    let run = waiting.await.expect("no panic");
    assert_eq!(*stop(&run), Stop::OutOfFuel { limit: BUDGET.fuel });
}

#[tokio::test]
async fn without_a_pool_everything_is_the_same() {
    // More addresses than a process can have.
    let settings = Settings { instances_max: 1_000_000, ..settings() };
    let poolless = Runtime::new(&settings).expect("the runtime starts");
    let pooled = runtime();
    for guest in [guest::echo(), guest::allocating(), guest::recursing()] {
        let run = async |runtime: &Runtime| {
            let mut run = handle(runtime, &load(runtime, &guest), BUDGET).await;
            run.elapsed = Duration::ZERO;
            run
        };
        assert_eq!(run(&poolless).await, run(&pooled).await);
    }
}
