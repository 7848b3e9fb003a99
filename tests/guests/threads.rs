//! Misbehaving guests leave nothing behind in the process.

use std::process::Command;
use std::time::Duration;

use stokehold_runtime::Budget;
use stokehold_tests::guest;

use crate::{BUDGET, handle, load, runtime};

const ALONE: &str = "STOKEHOLD_TEST_ALONE";

/// Runs in a process of its own, because other tests start threads as well.
#[test]
fn misbehaving_guests_leave_no_thread_behind() {
    if std::env::var_os(ALONE).is_some() {
        let test = tokio::runtime::Builder::new_current_thread().build();
        return test.expect("a runtime").block_on(misbehave());
    }
    let this = std::env::current_exe().expect("the path of the tests");
    let name = "threads::misbehaving_guests_leave_no_thread_behind";
    let child = Command::new(this)
        .args(["--exact", name])
        .env(ALONE, "1")
        .output()
        .expect("the tests start");
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && said.contains("1 passed"), "{said}");
}

async fn misbehave() {
    let runtime = runtime();
    let guests = [
        guest::looping(),
        guest::allocating(),
        guest::trapping(),
        guest::recursing(),
        guest::chattering(),
        guest::pestering(),
        guest::looping_at_start(),
        guest::big_output(3_000_000),
    ];
    let programs: Vec<_> = guests.iter().map(|guest| load(&runtime, guest)).collect();
    let threads = threads();
    for program in &programs {
        for turn in 0..100 {
            // In turns, fuel or time is what runs out first.
            let (fuel, deadline) = match turn % 2 {
                0 => (1_000_000, BUDGET.deadline),
                _ => (u64::MAX, Duration::from_millis(1)),
            };
            let budget = Budget { fuel, deadline, ..BUDGET };
            crate::stop(&handle(&runtime, program, budget).await);
        }
    }
    assert_eq!(self::threads(), threads);
}

/// Threads of this process.
fn threads() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").expect("this test needs Linux");
    tasks.count()
}
