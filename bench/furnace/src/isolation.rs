//! How much guests slow the broker: its answers while nothing else happens, while every core rolls
//! coal, and while guests write what they keep.

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use serde_json::json;
use stokehold_tests::postgres::Postgres;
use stokehold_tests::server::{Server, assert_clean};

use crate::bare::plugin;
use crate::figure::{in_turns, median};
use crate::guests::{self, account, sell};
use crate::load::{Answers, Load, address, get, rpc};
use crate::report::Section;

const ACCOUNTS: u64 = 100;
/// Connections of the broker's clients.
const CONNECTIONS: usize = 16;
/// How long a sample takes.
const SAMPLE: Duration = Duration::from_secs(3);
/// How long guests are at work before anything is measured.
const WARM_UP: Duration = Duration::from_millis(700);

/// What happens beside the broker.
struct Beside {
    name: &'static str,
    path: &'static str,
    connections: usize,
}

const SUBJECTS: [Beside; 4] = [
    Beside { name: "idle", path: "", connections: 0 },
    Beside { name: "4 coal rolls", path: "/services/coal/roll", connections: 4 },
    Beside { name: "32 guests write keys", path: "/services/hammer/go", connections: 32 },
    Beside { name: "paid calls, 16 at once", path: "/services/echo/go", connections: 16 },
];

/// What a sample has measured.
struct Sample {
    per_s: f64,
    p50_us: f64,
    p99_us: f64,
    health_ms: f64,
    beside_per_s: f64,
}

/// Measures `authorize`, and `/healthz` each 5 ms.
pub(crate) fn measure(rounds: u32, on_postgres: bool) -> Result<Section> {
    let columns = &["per_s", "p50_us", "p99_us", "p99_ratio", "healthz_max_ms", "beside_per_s"];
    let mut section = Section::new(columns);
    let (postgres, data) = (on_postgres.then(Postgres::start), tempfile::tempdir()?);
    let url = postgres.as_ref().map(Postgres::url);
    let database: Vec<_> = url.iter().flat_map(|url| ["--database", url]).collect();
    let server = Server::start(data.path(), &database, &[]);
    let key = prepare(&server)?;
    let at = address(&server.address)?;
    let samples = in_turns(&SUBJECTS, rounds, |beside| sample(at, &key, beside))?;
    for (beside, samples_of) in SUBJECTS.iter().zip(&samples) {
        let of = |figure: fn(&Sample) -> f64| median(samples_of.iter().map(figure).collect());
        let ratios = samples_of.iter().zip(&samples[0]).map(|(one, idle)| one.p99_us / idle.p99_us);
        let worst = samples_of.iter().map(|sample| sample.health_ms).fold(0.0, f64::max);
        section.add(
            beside.name,
            vec![
                of(|sample| sample.per_s),
                of(|sample| sample.p50_us),
                of(|sample| sample.p99_us),
                median(ratios.collect()),
                worst,
                of(|sample| sample.beside_per_s),
            ],
        );
    }
    server.stop();
    if postgres.is_none() {
        assert_clean(data.path());
    }
    Ok(section)
}

/// Registers what is called, and answers the key of the broker's service.
fn prepare(server: &Server) -> Result<String> {
    let coal = std::fs::read(plugin("coalroller"))?;
    let dear = "credits_per_call = 2\n";
    // A roll of half a second, and a call that sets a key two hundred times.
    let rolls = guests::manifest("coal", "").replace("12_000_000_000", "120_000_000_000");
    server.register("coal");
    let operator = server.operator();
    operator.send("POST", "/api/v1/services/coal/approve", None).expect(200);
    stokehold_tests::upload::upload(&operator, "coal", &rolls, &coal).expect(201);
    sell(server, "hammer", &dear.replace('2', "0.01"), &guests::hammering());
    sell(server, "echo", &dear.replace('2', "0.001"), &stokehold_tests::guest::echo());
    let key = sell(server, "broker", "", &stokehold_tests::guest::echo());
    for service in ["coal", "hammer", "echo", "broker"] {
        guests::grant(server, service, ACCOUNTS);
    }
    Ok(key)
}

fn sample(at: SocketAddr, key: &str, beside: &Beside) -> Result<Sample> {
    let begin = Instant::now() + WARM_UP;
    let until = begin + SAMPLE;
    thread::scope(|scope| {
        let guests =
            (beside.connections > 0).then(|| scope.spawn(move || guests_at(at, beside, until)));
        let health = scope.spawn(move || health_at(at, until));
        let broker = scope.spawn(move || {
            std::thread::park_timeout(begin.saturating_duration_since(Instant::now()));
            authorize_at(at, key, until)
        });
        let ended = |_| anyhow!("a load panicked");
        let mut broker = broker.join().map_err(ended)??;
        let mut health = health.join().map_err(ended)??;
        let guests = guests.map(|guests| guests.join().map_err(ended)).transpose()?.transpose()?;
        Ok(Sample {
            per_s: broker.per_s(),
            p50_us: broker.percentile_us(50),
            p99_us: broker.percentile_us(99),
            health_ms: health.percentile_us(100) / 1e3,
            beside_per_s: guests.map_or(0.0, |guests| guests.per_s()),
        })
    })
}

fn authorize_at(at: SocketAddr, key: &str, until: Instant) -> Result<Answers> {
    let salt = fastrand::u64(..);
    let request = |number: u64| {
        let params = json!({
            "key": key, "account_token": account(number, ACCOUNTS), "credit": 0.001,
            "description": format!("{salt} {number}"),
        });
        rpc("/iap/1/authorize", &params, number)
    };
    let pause = Duration::ZERO;
    Load {
        address: at,
        connections: CONNECTIONS,
        until,
        pause,
        request: &request,
        good: "\"result\"",
    }
    .run()
}

fn health_at(at: SocketAddr, until: Instant) -> Result<Answers> {
    let request = |_| get("/healthz");
    let pause = Duration::from_millis(5);
    Load { address: at, connections: 1, until, pause, request: &request, good: "ok" }.run()
}

fn guests_at(at: SocketAddr, beside: &Beside, until: Instant) -> Result<Answers> {
    let request = |number: u64| {
        let mut params = json!({ "account_token": account(number, ACCOUNTS) });
        if beside.path.starts_with("/services/coal/") {
            params["credits"] = json!(0.05);
        }
        rpc(beside.path, &params, number)
    };
    let (connections, pause) = (beside.connections, Duration::ZERO);
    Load { address: at, connections, until, pause, request: &request, good: "\"result\"" }.run()
}
