//! What calls of the host take, beside what their fuel is worth: the time in which the quickest guest
//! burns as much.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use futures_util::future::try_join_all;
use stokehold_app::KeyValues;
use stokehold_ledger::{BasisPoints, Credits};
use stokehold_runtime::{Access, Budget, End, Program, Request, Run, Runtime, Settings};
use stokehold_store::{KeyValueMax, Mode, NewService, ServiceStatus, Store};
use stokehold_tests::guest::Guest;

use crate::bare::plugin;
use crate::figure::{in_turns, median};
use crate::report::Section;

/// Calls of the host in one run.
const CALLS: u32 = 20_000;
/// The same where each asks the store.
const STORED_CALLS: u32 = 200;
/// What the hashing guest may burn: some 100 ms.
const HASHING_FUEL: u64 = 2_400_000_000;

const BUDGET: Budget = Budget {
    fuel: 1 << 50,
    memory_bytes_max: 64 << 20,
    deadline: Duration::from_mins(5),
    output_bytes_max: 64 << 20,
    log_bytes_max: 64 << 20,
};

const IMPORTS: &str = r#"
    (import "wasi:clocks/monotonic-clock@0.2.6" "now" (func $now (result i64)))
    (import "wasi:random/random@0.2.6" "get-random-bytes" (func $random (param i64 i32)))
    (import "wasi:random/random@0.2.6" "get-random-u64" (func $number (result i64)))
    (import "wasi:cli/stdout@0.2.6" "get-stdout" (func $stdout (result i32)))
    (import "wasi:io/streams@0.2.6" "[method]output-stream.blocking-write-and-flush"
      (func $write (param i32 i32 i32 i32)))
    (import "wasi:config/store@0.2.0-rc.1" "get" (func $config (param i32 i32 i32)))
    (import "wasi:logging/logging@0.1.0-draft" "log" (func $log (param i32 i32 i32 i32 i32)))
    (import "wasi:keyvalue/store@0.2.0-draft" "open" (func $open (param i32 i32 i32)))
    (import "wasi:keyvalue/store@0.2.0-draft" "[method]bucket.set"
      (func $set (param i32 i32 i32 i32 i32 i32)))
    (import "wasi:keyvalue/store@0.2.0-draft" "[method]bucket.get"
      (func $get (param i32 i32 i32 i32)))
    (import "wasi:keyvalue/store@0.2.0-draft" "[method]bucket.list-keys"
      (func $list (param i32 i32 i64 i32)))"#;

/// What a guest calls, again and again.
struct Kind {
    name: &'static str,
    body: &'static str,
    calls: u32,
    /// Guests that do so at the same time.
    guests: u32,
}

const fn quick(name: &'static str, body: &'static str) -> Kind {
    Kind { name, body, calls: CALLS, guests: 1 }
}

const fn stored(name: &'static str, body: &'static str, guests: u32) -> Kind {
    Kind { name, body, calls: STORED_CALLS, guests }
}

const KINDS: [Kind; 16] = [
    quick("nothing: the loop alone", "(nop)"),
    quick("charge", "(drop (call $authorized))"),
    quick(
        "charge.progress, 4 bytes",
        "(call $progress (f32.const 0.5) (i32.const 64) (i32.const 4))",
    ),
    quick("wasi:clocks", "(drop (call $now))"),
    quick("wasi:random, 8 bytes", "(drop (call $number))"),
    quick("wasi:random, 1,000 bytes", "(call $random (i64.const 1000) (i32.const 256))"),
    quick(
        "wasi:io, 100 bytes to standard output",
        "(call $write (local.get $out) (i32.const 1024) (i32.const 100) (i32.const 256))",
    ),
    quick(
        "wasi:logging, 104 bytes",
        "(call $log (i32.const 3) (i32.const 64) (i32.const 4) (i32.const 1024) (i32.const 100))",
    ),
    quick("wasi:config", "(call $config (i32.const 64) (i32.const 4) (i32.const 256))"),
    stored("wasi:keyvalue get, 100 bytes", GET, 1),
    stored("wasi:keyvalue get, 32 guests", GET, 32),
    stored("wasi:keyvalue list, the first of 5,000", LIST_FIRST, 1),
    stored("wasi:keyvalue list, the last of 5,000", LIST_LAST, 1),
    stored("wasi:keyvalue set, 100 bytes", SET, 1),
    stored("wasi:keyvalue set, 32 guests", SET, 32),
    stored("wasi:keyvalue set, 60,000 bytes", SET_LARGE, 1),
];

const GET: &str =
    "(call $get (i32.load (i32.const 132)) (i32.const 64) (i32.const 4) (i32.const 256))";
const LIST_FIRST: &str =
    "(call $list (i32.load (i32.const 132)) (i32.const 0) (i64.const 0) (i32.const 256))";
const LIST_LAST: &str =
    "(call $list (i32.load (i32.const 132)) (i32.const 1) (i64.const 4900) (i32.const 256))";
const SET: &str = "(call $set (i32.load (i32.const 132)) (i32.const 64) (i32.const 4)
    (i32.const 1024) (i32.const 100) (i32.const 256))";
const SET_LARGE: &str = "(call $set (i32.load (i32.const 132)) (i32.const 64) (i32.const 4)
    (i32.const 1024) (i32.const 60000) (i32.const 256))";

/// A guest that does so. What the host hands it lands in the same place each time.
fn component(kind: &Kind) -> Vec<u8> {
    let (calls, body) = (kind.calls, kind.body);
    let handle = format!(
        "(local $left i32) (local $out i32)
         (local.set $left (i32.const {calls}))
         (local.set $out (call $stdout))
         (call $open (i32.const 0) (i32.const 0) (i32.const 128))
         (if (i32.load8_u (i32.const 128)) (then unreachable))
         (loop $again
           (global.set $heap (i32.const 65536))
           {body}
           (local.set $left (i32.sub (local.get $left) (i32.const 1)))
           (br_if $again (local.get $left)))
         (call $done)"
    );
    Guest { imports: IMPORTS, handle: &handle, ..Guest::default() }.component()
}

/// What the calls are made on.
struct Furnace {
    runtime: Runtime,
    access: Access,
}

/// What one run of a guest has taken.
struct Sample {
    ns: f64,
    fuel: f64,
    /// What the quickest guest burns in a nanosecond, measured beside it.
    fuel_per_ns: f64,
}

/// Measures every kind, in turns with a guest that hashes.
pub(crate) fn measure(rounds: u32) -> Result<Section> {
    let columns = &["ns_a_call", "fuel_a_call", "fuel_in_that_time", "paid"];
    let mut section = Section::new(columns);
    let threads =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let data = tempfile::tempdir()?;
    let furnace = threads.block_on(furnace(data.path()))?;
    let coal_roller = furnace.runtime.load(&fs::read(plugin("coalroller"))?)?;
    let programs = KINDS.iter().map(|kind| Ok((kind, furnace.runtime.load(&component(kind))?)));
    let programs = programs.collect::<Result<Vec<_>>>()?;
    let samples = in_turns(&programs, rounds, |(kind, program)| {
        threads.block_on(async {
            let hashing = call(&furnace, coal_roller.clone(), r#"{"credits":0.02}"#).await?;
            let fuel_per_ns = number(hashing.fuel_used) / nanoseconds(hashing.elapsed);
            let (took, fuel) = sample(&furnace, kind, program).await?;
            let calls = f64::from(kind.calls * kind.guests);
            Ok(Sample { ns: nanoseconds(took) / calls, fuel: number(fuel) / calls, fuel_per_ns })
        })
    })?;
    for ((kind, _), samples) in programs.iter().zip(samples) {
        let of = |figure: fn(&Sample) -> f64| median(samples.iter().map(figure).collect());
        let worth = |sample: &Sample| sample.ns * sample.fuel_per_ns;
        section.add(
            kind.name,
            vec![
                of(|sample| sample.ns),
                of(|sample| sample.fuel),
                median(samples.iter().map(worth).collect()),
                median(samples.iter().map(|sample| sample.fuel / worth(sample)).collect()),
            ],
        );
    }
    Ok(section)
}

/// A runtime, and a store on the disk with 5,000 keys.
async fn furnace(data: &Path) -> Result<Furnace> {
    let runtime = Runtime::new(&Settings { guest_threads: 1, ..Settings::default() })?;
    let store = Arc::new(Store::open(data, Mode::Sandbox, [7; 32])?);
    let new = NewService {
        name: "bench".to_owned(),
        label: "Bench".to_owned(),
        unit: String::new(),
        description: String::new(),
        privacy_policy: String::new(),
        trial_credits: Credits::ZERO,
        commission: BasisPoints::WHOLE,
        status: ServiceStatus::Active,
        key_hash: [7; 32],
        owner: None,
    };
    let service = store.create_service(new).await?.id;
    let max = KeyValueMax { bytes: 16 << 20, keys: 10_000 };
    let bucket = Arc::new(KeyValues::new(store, max)).of(service);
    let setting = (0..5_000).map(|number| bucket.set(format!("key-{number:05}"), vec![0; 100]));
    try_join_all(setting).await?;
    bucket.set("null".to_owned(), vec![0; 100]).await?;
    let config = Arc::new(BTreeMap::from([("null".to_owned(), "a value".to_owned())]));
    Ok(Furnace {
        runtime,
        access: Access { config, key_values: Some(bucket), ..Access::default() },
    })
}

/// How long the guests of a kind take together, and what they burn.
async fn sample(furnace: &Furnace, kind: &Kind, program: &Program) -> Result<(Duration, u64)> {
    let start = Instant::now();
    let calls = (0..kind.guests).map(|_| call(furnace, program.clone(), "{}"));
    let runs = try_join_all(calls).await?;
    Ok((start.elapsed(), runs.iter().map(|run| run.fuel_used).sum()))
}

async fn call(furnace: &Furnace, program: Program, params: &str) -> Result<Run<String>> {
    let request = Request {
        call_id: "0198f6c1-8d0a-7c3e-9a55-3f0c2b1d4e5f".to_owned(),
        route: "roll".to_owned(),
        params: params.to_owned(),
        client_id: "client".to_owned(),
    };
    let (runtime, access) = (&furnace.runtime, furnace.access.clone());
    let budget = if params == "{}" { BUDGET } else { Budget { fuel: HASHING_FUEL, ..BUDGET } };
    let run = runtime.handle(&program, request, 20_000, budget, access).await;
    ensure!(matches!(run.end, End::Answered(_)), "a run failed: {:?}", run.end);
    Ok(run)
}

fn nanoseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e9
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people: 52 bits are plenty")]
fn number(fuel: u64) -> f64 {
    fuel as f64
}
