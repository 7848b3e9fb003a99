//! Where fuel went.

use stokehold_runtime::{Access, Budget, Runtime, Settings};
use stokehold_tests::guest::Guest;

use crate::{BUDGET, handle_with, load, runtime, settings};

/// Two functions, of which one does three times the work of the other, and calls of the host.
fn guest(rounds: u32) -> Vec<u8> {
    let fields = "
        (func $work (param $n i32)
          (loop $again
            (local.set $n (i32.sub (local.get $n) (i32.const 1)))
            (br_if $again (local.get $n))))
        (func $shovel (param $n i32) (call $work (local.get $n)))
        (func $stoke (param $n i32) (call $work (i32.mul (local.get $n) (i32.const 3))))";
    let handle = format!(
        "(call $shovel (i32.const {rounds})) (call $stoke (i32.const {rounds}))
         (drop (call $authorized)) (drop (call $authorized)) (call $done)"
    );
    Guest { fields, handle: &handle, ..Guest::default() }.component()
}

#[tokio::test]
async fn a_profile_shows_where_all_fuel_went() {
    let settings = Settings { profile: true, ..settings() };
    let profiled = Runtime::new(&settings).expect("the runtime starts");
    let plain = runtime();
    let budget = Budget { fuel: 1_000_000_000, ..BUDGET };
    for rounds in [10_000, 10_000_000] {
        let component = guest(rounds);
        let program = load(&plain, &component);
        let expected = handle_with(&plain, &program, budget, Access::default()).await.fuel_used;
        let program = load(&profiled, &component);
        let run = handle_with(&profiled, &program, budget, Access::default()).await;
        // Looking changes nothing.
        assert_eq!(run.fuel_used, expected);
        let stacks = run.profile.expect("a profile").0;
        assert_eq!(stacks.values().sum::<u64>(), expected);

        let fuel = |name: &str| -> u64 {
            stacks.iter().filter(|(stack, _)| stack.contains(name)).map(|(_, fuel)| fuel).sum()
        };
        assert_eq!(fuel(";host charge"), 5_000);
        let (shovel, stoke) = (fuel(";shovel;work"), fuel(";stoke;work"));
        let work = u64::from(rounds) * 6;
        assert!(shovel.abs_diff(work) <= work / 20, "{shovel} of {work}: {stacks:?}");
        assert!(stoke.abs_diff(work * 3) <= work / 20, "{stoke} of 3 x {work}: {stacks:?}");
    }
}

#[tokio::test]
async fn without_being_asked_there_is_no_profile() {
    let runtime = runtime();
    let program = load(&runtime, &guest(10));
    let run = handle_with(&runtime, &program, BUDGET, Access::default()).await;
    assert_eq!(run.profile, None);
}
