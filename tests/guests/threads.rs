//! What guests do to the threads and the memory of the process: nothing.

use std::path::PathBuf;
use std::process::Command;
use stokehold_tests::guest;

use crate::faults::faults;
use crate::{BUDGET, handle, load, runtime};

const ALONE: &str = "STOKEHOLD_TEST_ALONE";

#[test]
fn misbehaving_guests_leave_nothing_behind() {
    alone("threads::misbehaving_guests_leave_nothing_behind", misbehave);
}

#[test]
fn guests_stand_back_behind_the_broker() {
    alone("threads::guests_stand_back_behind_the_broker", stand_back);
}

/// Runs a test in a process of its own, because other tests start threads as well.
fn alone(name: &str, test: impl AsyncFnOnce()) {
    if std::env::var_os(ALONE).is_some() {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        return runtime.expect("a runtime").block_on(test());
    }
    let this = std::env::current_exe().expect("the path of the tests");
    let child = Command::new(this).args(["--exact", name]).env(ALONE, "1").output();
    let child = child.expect("the tests start");
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && said.contains("1 passed"), "{said}");
}

async fn misbehave() {
    let runtime = runtime();
    let faults = faults();
    let programs: Vec<_> = faults.iter().map(|fault| load(&runtime, &fault.component)).collect();
    let misbehave = async |times: usize| {
        for (fault, program) in faults.iter().zip(&programs) {
            for _ in 0..times {
                fault.check(&handle(&runtime, program, fault.budget).await);
            }
        }
    };
    // What is made once and kept, such as the pool's memory, is made here.
    misbehave(100).await;
    let (threads_before, memory_before) = (threads().len(), memory_kib());
    misbehave(1_000).await;
    assert_eq!(threads().len(), threads_before);
    let grown = memory_kib().saturating_sub(memory_before);
    assert!(grown < 4_096, "{grown} KiB after {} runs", faults.len() * 1_000);
}

/// Resident memory of this process.
fn memory_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("this test needs Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a size");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

async fn stand_back() {
    let runtime = runtime();
    let program = load(&runtime, &guest::echo());
    handle(&runtime, &program, BUDGET).await;
    let policies = |name: &str| -> Vec<String> {
        let stats = threads()
            .into_iter()
            .map(|thread| std::fs::read_to_string(thread.join("stat")).expect("a running thread"));
        let stats = stats.filter(|stat| stat.contains(&format!(" ({name}) ")));
        // The 41st field, counted from the third, which follows the name: see proc_pid_stat(5).
        let policy = |stat: String| stat.rsplit(") ").next()?.split(' ').nth(38).map(str::to_owned);
        stats.filter_map(policy).collect()
    };
    // 5 is SCHED_IDLE; this test's own thread is known by its name as far as Linux keeps it.
    assert!(policies("threads::guests").iter().all(|policy| policy == "0"));
    assert_eq!(policies("guest"), ["5", "5"]);
}

/// Threads of this process.
fn threads() -> Vec<PathBuf> {
    let tasks = std::fs::read_dir("/proc/self/task").expect("this test needs Linux");
    tasks.map(|task| task.expect("a thread").path()).collect()
}
