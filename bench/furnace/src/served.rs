//! Calls over HTTP: what hold, capture and record add to a guest's answer, and a guest to a bare one.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use stokehold_tests::again::Again;
use stokehold_tests::guest;
use stokehold_tests::server::{Server, assert_clean};

use crate::figure::{in_turns, median};
use crate::guests::{self, account, params, sell};
use crate::load::{Load, address, rpc};
use crate::process::cpu_time;
use crate::report::Section;

const ACCOUNTS: u64 = 1_000;
const CONNECTIONS: usize = 64;
const SAMPLE: Duration = Duration::from_secs(2);

/// What is asked.
struct Subject {
    name: &'static str,
    pid: u32,
    at: SocketAddr,
    path: &'static str,
}

struct Sample {
    per_s: f64,
    p50_us: f64,
    p99_us: f64,
    /// The server's CPU time for a call: what it takes on any machine, however busy.
    cpu_us: f64,
}

/// Measures the same echo on every way, in turns.
pub(crate) fn measure(rounds: u32) -> Result<Section> {
    let mut section = Section::new(&["per_s", "p50_us", "p99_us", "cpu_us", "to_unpaid"]);
    let (process, data) = (Again::start("bare")?, tempfile::tempdir()?);
    let server = Server::start(data.path(), &[], &[]);
    for (service, credits) in [("free", "0"), ("paid", "0.001")] {
        let more = format!("credits_per_call = {credits}\n[limits]\nconcurrency = 32\n");
        sell(&server, service, &more, &guest::echo());
    }
    guests::grant(&server, "paid", ACCOUNTS);
    let subject = |name, (pid, at), path| Subject { name, pid, at, path };
    let (bare, host) =
        ((process.pid(), process.address), (server.pid(), address(&server.address)?));
    let mut subjects = vec![
        subject("axum, echo", bare, "/echo"),
        subject("axum, a fresh guest", bare, "/guest"),
        subject("unpaid call", host, "/services/free/echo"),
        subject("paid call", host, "/services/paid/echo"),
    ];
    let wasmtime = WasmtimeServe::start()?;
    if let Some(wasmtime) = &wasmtime {
        subjects.push(subject("wasmtime serve", (wasmtime.child.id(), wasmtime.address), "/"));
    }
    let samples = in_turns(&subjects, rounds, sample)?;
    for (subject, samples_of) in subjects.iter().zip(&samples) {
        let of = |figure: fn(&Sample) -> f64| median(samples_of.iter().map(figure).collect());
        let ratios =
            samples_of.iter().zip(&samples[2]).map(|(one, unpaid)| one.per_s / unpaid.per_s);
        let figures = vec![
            of(|sample| sample.per_s),
            of(|sample| sample.p50_us),
            of(|sample| sample.p99_us),
            of(|sample| sample.cpu_us),
            median(ratios.collect()),
        ];
        section.add(subject.name, figures);
    }
    server.stop();
    assert_clean(data.path());
    Ok(section)
}

fn sample(subject: &Subject) -> Result<Sample> {
    let request = |number: u64| rpc(subject.path, &params(&account(number, ACCOUNTS)), number);
    let (until, pause) = (Instant::now() + SAMPLE, Duration::ZERO);
    let (address, connections) = (subject.at, CONNECTIONS);
    let load = Load { address, connections, until, pause, request: &request, good: "world" };
    let before = cpu_time(subject.pid)?;
    let mut answers = load.run()?;
    let cpu_us = cpu_time(subject.pid)?.saturating_sub(before).as_secs_f64() * 1e6;
    Ok(Sample {
        cpu_us: cpu_us / f64::from(u32::try_from(answers.count())?),
        per_s: answers.per_s(),
        p50_us: answers.percentile_us(50),
        p99_us: answers.percentile_us(99),
    })
}

/// `wasmtime serve` with a component that answers alike, which `STOKEHOLD_BENCH_WASMTIME` names after
/// the program: `wasmtime echo.wasm`.
struct WasmtimeServe {
    child: Child,
    address: SocketAddr,
}

impl WasmtimeServe {
    fn start() -> Result<Option<Self>> {
        let Ok(setting) = std::env::var("STOKEHOLD_BENCH_WASMTIME") else { return Ok(None) };
        let (program, component) = setting.split_once(' ').context("a program and a component")?;
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        drop(listener);
        let mut command = Command::new(program);
        command.args(["serve", "-Scli", "--addr", &address.to_string(), component]);
        command.stderr(Stdio::null());
        let serve = Self { child: command.spawn()?, address };
        stokehold_tests::poll::until("wasmtime serve", || {
            std::net::TcpStream::connect(address).ok().map(drop)
        });
        Ok(Some(serve))
    }
}

impl Drop for WasmtimeServe {
    fn drop(&mut self) {
        // One that has ended already cannot be killed, and need not be.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
