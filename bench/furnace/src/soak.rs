//! Mixed load for minutes: everything that a host does at once, and what is left of it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};
use serde_json::json;
use stokehold_tests::guest;
use stokehold_tests::http::{Client, Reply};
use stokehold_tests::poll;
use stokehold_tests::server::{Server, assert_clean};
use stokehold_tests::upload;

use crate::figure::median;
use crate::guests::{self, account, sell};
use crate::process::Held;
use crate::report::Section;

const ACCOUNTS: u64 = 50;
/// How often the process is looked at.
const LOOK: Duration = Duration::from_secs(2);

/// Guests that fail, each with its name.
fn failing() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("traps", guest::trapping()),
        ("loops", guest::looping()),
        ("hoards", guest::allocating()),
        ("mumbles", guest::bad_json()),
        ("refuses", guest::failing(0)),
    ]
}

/// What is asked of the server, by name.
const WORK: [(&str, Work); 8] = [
    ("broker: authorize, capture or cancel", broker),
    ("broker: authorize, capture or cancel", broker),
    ("paid calls", paid),
    ("calls that keep a count", counted),
    ("failing guests", failed),
    ("queued calls, half of them cancelled", queued),
    ("queued calls, half of them cancelled", queued),
    ("uploads and activations", uploaded),
];

/// One round of some work; panics where an answer is not as it should be.
type Work = fn(&Site, u64);

/// The server, as those see it who ask.
#[derive(Clone)]
struct Site {
    client: Client,
    operator: Client,
    key: String,
}

/// Works for so long, and tells how much was done, what the process had, and how that has changed.
pub(crate) fn measure(minutes: f64) -> Result<Section> {
    let mut section = Section::new(&["done", "at_first", "at_last", "ratio"]);
    let data = tempfile::tempdir()?;
    // Otherwise guests that fail would rest most of the time.
    let server = Server::start(data.path(), &[], &[("STOKEHOLD_CALLS_BREAKER_FAILURES", "0")]);
    let key = prepare(&server);
    let until = Instant::now() + Duration::from_secs_f64(minutes * 60.0);
    let (done, looks) = (WORK.map(|_| AtomicU64::new(0)), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        let mut working = Vec::new();
        for ((_, work), done) in WORK.iter().zip(&done) {
            let site =
                Site { client: server.client(), operator: server.operator(), key: key.clone() };
            working.push(scope.spawn(move || {
                while Instant::now() < until {
                    work(&site, done.fetch_add(1, Ordering::Relaxed));
                }
                Ok(())
            }));
        }
        working.push(scope.spawn(|| look(&server, until, &looks)));
        let ended =
            working.into_iter().map(|work| work.join().map_err(|_| anyhow!("a load panicked"))?);
        ended.collect::<Result<()>>()
    })?;
    for ((name, _), done) in WORK.iter().zip(done) {
        section.add(*name, vec![figure(done.into_inner())]);
    }
    let looks = looks.into_inner().map_err(|_| anyhow!("a load panicked"))?;
    compare(&mut section, &looks);
    leave(server, &mut section)?;
    assert_clean(data.path());
    Ok(section)
}

fn prepare(server: &Server) -> String {
    let dear = "credits_per_call = 0.001\n";
    sell(server, "echo", dear, &guest::echo());
    sell(server, "count", dear, &guest::tallying());
    sell(server, "churn", dear, &guests::echo_number(0));
    sell(server, "work", dear, &guest::working(2_000));
    for (name, component) in failing() {
        sell(server, name, dear, &component);
    }
    let key = sell(server, "broker", "", &guest::echo());
    for service in services() {
        guests::grant(server, service, ACCOUNTS);
    }
    key
}

fn services() -> Vec<&'static str> {
    let failing = failing().into_iter().map(|(name, _)| name);
    ["echo", "count", "churn", "work", "broker"].into_iter().chain(failing).collect()
}

/// Looks at the process until it is time.
fn look(server: &Server, until: Instant, looks: &Mutex<Vec<Held>>) -> Result<()> {
    while Instant::now() < until {
        let held = Held::by(server.pid())?;
        looks.lock().map_err(|_| anyhow!("a load panicked"))?.push(held);
        thread::park_timeout(LOOK);
    }
    Ok(())
}

/// What is told of a look.
type Figure = fn(&Held) -> f64;

/// The second fifth of the time, when all is warm, beside the last.
fn compare(section: &mut Section, looks: &[Held]) {
    let fifth = looks.len() / 5;
    let (first, last) = (&looks[fifth..2 * fifth], &looks[looks.len() - fifth..]);
    let figures: [(&str, Figure); 4] = [
        ("resident MiB", |held| held.resident_mib),
        ("anonymous MiB", |held| held.anonymous_mib),
        ("open files", |held| held.files),
        ("threads", |held| held.threads),
    ];
    for (name, of_one) in figures {
        let of = |looks: &[Held]| median(looks.iter().map(of_one).collect());
        let (first, last) = (of(first), of(last));
        section.add(name, vec![figure(looks.len() as u64), first, last, last / first]);
    }
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people: 52 bits are plenty")]
fn figure(number: u64) -> f64 {
    number as f64
}

/// Counts what is still held now that nothing is under way, and stops the server.
fn leave(mut server: Server, section: &mut Section) -> Result<()> {
    let mut held = 0.0;
    for service in services() {
        for number in 0..ACCOUNTS {
            let account = account(number, ACCOUNTS);
            held += server.account(service, &account)["held"].as_f64().unwrap_or(f64::NAN);
        }
    }
    section.add("credits that are still held", vec![held]);
    ensure!(held == 0.0, "{held} credits are still held");
    server.terminate();
    ensure!(server.stopped() == Some(0), "the server did not end well: {}", server.output());
    Ok(())
}

fn broker(site: &Site, number: u64) {
    let params = json!({
        "key": site.key, "account_token": account(number, ACCOUNTS), "credit": 0.5,
        "description": format!("{:?} {number}", thread::current().id()),
    });
    let held = site.client.rpc("/iap/1/authorize", &params).result();
    let path = if number.is_multiple_of(3) { "/iap/1/cancel" } else { "/iap/1/capture" };
    site.client.rpc(path, &json!({ "key": site.key, "token": held })).result();
}

fn call(site: &Site, service: &str, number: u64) -> Reply {
    let params = json!({ "account_token": account(number, ACCOUNTS), "n": number });
    site.client.rpc(&format!("/services/{service}/go"), &params)
}

fn paid(site: &Site, number: u64) {
    let answer = call(site, "echo", number).result();
    assert!(answer["n"] == number, "another answer: {answer}");
}

fn counted(site: &Site, number: u64) {
    call(site, "count", number).result();
}

fn failed(site: &Site, number: u64) {
    let failing = failing();
    let (name, _) = failing[(number % 5) as usize];
    let answer = call(site, name, number).json();
    assert!(answer.get("error").is_some(), "{name} did not fail: {answer}");
}

fn queued(site: &Site, number: u64) {
    let asking = Site { client: site.client.with("Prefer", "respond-async"), ..site.clone() };
    let reply = call(&asking, "work", number);
    let location = reply.header("location").to_owned();
    assert!(reply.status == 202, "not queued: {reply:?}");
    if number.is_multiple_of(2) {
        // It may have ended by then, which is as well.
        site.operator.send("POST", &format!("{location}/cancel"), None);
    }
    poll::until("the end of a queued call", || {
        let record = site.operator.get(&location).expect(200);
        (!record["ended_at"].is_null()).then_some(())
    });
}

fn uploaded(site: &Site, number: u64) {
    let component = guests::echo_number((number % 20) as u32);
    let manifest = guests::manifest("churn", "credits_per_call = 0.001\n");
    let made = upload::upload(&site.operator, "churn", &manifest, &component).expect(201);
    call(site, "churn", number).result();
    if number.is_multiple_of(4) {
        let first = "/api/v1/services/churn/versions/1/activate";
        site.operator.send("POST", first, None).expect(200);
        call(site, "churn", number).result();
    }
    assert!(made["version"].is_u64(), "no version: {made}");
    thread::park_timeout(Duration::from_millis(500));
}
