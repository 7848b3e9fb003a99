//! Calls in process: what a fresh instance for each of them costs.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};
use stokehold_runtime::{Access, Budget, End, Program, Request, Run, Runtime, Settings};
use stokehold_tests::guest::{self, Guest};
use tokio::task::JoinSet;

use crate::bare::plugin;
use crate::figure::{in_turns, median, percentile_us};
use crate::report::Section;

/// Calls of one sample.
const CALLS: u32 = 2_000;
/// Calls that are under way at the same time where the runtime is to be busy.
const IN_FLIGHT: usize = 16;

const BUDGET: Budget = Budget {
    fuel: 1_000_000_000,
    memory_bytes_max: 64 << 20,
    deadline: Duration::from_secs(10),
    output_bytes_max: 1 << 20,
    log_bytes_max: 64 << 10,
};

/// A guest on a runtime.
struct Subject {
    name: &'static str,
    runtime: Runtime,
    program: Program,
}

/// What one sample has measured, in microseconds.
struct Sample {
    /// From the request for an instance until that is gone.
    inside: f64,
    inside_p99: f64,
    /// One call at a time, the way to the guest's thread and back included.
    alone: f64,
    /// A guest's thread that is kept busy: everything, dropping the instance included.
    busy: f64,
}

/// Measures the echo guest, in text a few lines long, and the JSON mill, which is a Rust program with
/// a mebibyte of memory: with WASI, without a pool, without pages that are kept for the next call.
pub(crate) fn measure(rounds: u32) -> Result<Section> {
    let columns = &["inside_us", "inside_p99_us", "alone_us", "busy_us"];
    let mut section = Section::new(columns);
    let threads = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build()?;
    let subjects = subjects()?;
    let samples = in_turns(&subjects, rounds, |subject| threads.block_on(sample(subject)))?;
    for (subject, samples) in subjects.iter().zip(samples) {
        let of = |figure: fn(&Sample) -> f64| median(samples.iter().map(figure).collect());
        section.add(
            subject.name,
            vec![
                of(|sample| sample.inside),
                of(|sample| sample.inside_p99),
                of(|sample| sample.alone),
                of(|sample| sample.busy),
            ],
        );
    }
    Ok(section)
}

fn subjects() -> Result<Vec<Subject>> {
    let imports = r#"
        (import "wasi:clocks/monotonic-clock@0.2.6" "now" (func $now (result i64)))"#;
    let echo = "(call $answer (local.get $params) (local.get $params_bytes))";
    let idle =
        Guest { imports, fields: "(func (drop (call $now)))", handle: echo, ..Guest::default() };
    let asking = format!("(drop (call $now)) {echo}");
    let asking = Guest { imports, handle: &asking, ..Guest::default() };
    let settings = Settings { guest_threads: 1, ..Settings::default() };
    let unkept = Settings { keep_resident_bytes: 0, ..settings.clone() };
    let mill = fs::read(plugin("jsonmill"))?;
    // More addresses than a process can have: there is no pool.
    let poolless = Settings { instances_max: 1_000_000, ..settings.clone() };
    [
        ("echo", &settings, guest::echo()),
        ("echo, WASI imported", &settings, idle.component()),
        ("echo, WASI called", &settings, asking.component()),
        ("echo, without a pool", &poolless, guest::echo()),
        ("JSON mill", &settings, mill.clone()),
        ("JSON mill, pages not kept", &unkept, mill.clone()),
        ("JSON mill, without a pool", &poolless, mill),
    ]
    .into_iter()
    .map(|(name, settings, component)| {
        let runtime = Runtime::new(settings)?;
        let program = runtime.load(&component)?;
        Ok(Subject { name, runtime, program })
    })
    .collect()
}

async fn sample(subject: &Subject) -> Result<Sample> {
    let (mut inside, mut alone) = (Vec::new(), Vec::new());
    for _ in 0..CALLS {
        let start = Instant::now();
        inside.push(call(subject.runtime.clone(), subject.program.clone()).await?.elapsed);
        alone.push(start.elapsed());
    }
    Ok(Sample {
        inside: percentile_us(&mut inside, 50),
        inside_p99: percentile_us(&mut inside, 99),
        alone: percentile_us(&mut alone, 50),
        busy: busy(subject).await?.as_secs_f64() * 1e6 / f64::from(CALLS),
    })
}

/// How long all calls take together where the guest's thread never has to wait for one.
async fn busy(subject: &Subject) -> Result<Duration> {
    let mut calls = JoinSet::new();
    let start = Instant::now();
    for _ in 0..CALLS {
        if calls.len() == IN_FLIGHT
            && let Some(ended) = calls.join_next().await
        {
            ended??;
        }
        calls.spawn(call(subject.runtime.clone(), subject.program.clone()));
    }
    while let Some(ended) = calls.join_next().await {
        ended??;
    }
    Ok(start.elapsed())
}

async fn call(runtime: Runtime, program: Program) -> Result<Run<String>> {
    let request = Request {
        call_id: "0198f6c1-8d0a-7c3e-9a55-3f0c2b1d4e5f".to_owned(),
        route: "echo".to_owned(),
        params: r#"{"hello":"world"}"#.to_owned(),
        client_id: "client".to_owned(),
    };
    let run = runtime.handle(&program, request, 1_000_000, BUDGET, Access::default()).await;
    ensure!(matches!(run.end, End::Answered(_)), anyhow!("a call failed: {:?}", run.end));
    Ok(run)
}
