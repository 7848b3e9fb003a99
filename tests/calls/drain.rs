//! No call is lost: while versions are switched, and while the host stops.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use serde_json::{Value, json};
use stokehold_tests::server::{Server, assert_clean};
use stokehold_tests::{guest, poll, upload};

use crate::{ANNA, directory, manifest, money, params, path, sell};

const CLIENTS: usize = 4;

/// What the clients were told.
#[derive(Default)]
struct Told {
    answered: AtomicUsize,
    /// Told that the host stops and that nothing was charged, or not even connected.
    refused: AtomicUsize,
}

/// Calls `work` again and again until `stop`, or until the host is gone.
fn keep_calling(server: &Server, stop: &AtomicBool, told: &Told) {
    let client = server.client();
    while !stop.load(Ordering::Relaxed) {
        match client.try_rpc(&path("work"), &params()) {
            Ok(reply) if reply.json().get("result").is_some() => {
                assert_eq!(reply.header("stokehold-credits-captured"), "0.001");
                told.answered.fetch_add(1, Ordering::Relaxed);
            }
            Ok(reply) => {
                let fault = reply.fault("Unavailable");
                assert_eq!(fault["outcome"], "host-stopped", "{fault}");
                told.refused.fetch_add(1, Ordering::Relaxed);
            }
            Err(_) => {
                told.refused.fetch_add(1, Ordering::Relaxed);
                return;
            }
        }
    }
}

fn start(data: &std::path::Path) -> Server {
    let server = Server::sandbox(data);
    sell(&server, "work", &version(), &guest::working(2_000_000));
    server
}

fn version() -> String {
    manifest("work", "1_000_000_000_000", "credits_per_call = 0.001\n")
}

fn answered(told: &Told, at_least: usize) {
    poll::until("answers", || (told.answered.load(Ordering::Relaxed) >= at_least).then_some(()));
}

fn captured(balance: &Value) -> i64 {
    let balance = balance.as_f64().expect("a balance");
    #[expect(clippy::cast_possible_truncation, reason = "thousandths of ten credits")]
    let calls = ((10.0 - balance) * 1_000.0).round() as i64;
    calls
}

#[test]
fn switching_versions_loses_no_call() {
    let data = directory();
    let server = start(data.path());
    let (stop, told) = (AtomicBool::new(false), Told::default());
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| keep_calling(&server, &stop, &told));
        }
        let operator = server.operator();
        upload::upload(&operator, "work", &version(), &guest::working(1_000_000)).expect(201);
        for round in 1..=10 {
            answered(&told, round * 2 * CLIENTS);
            let number = 1 + round % 2;
            let path = format!("/api/v1/services/work/versions/{number}/activate");
            operator.send("POST", &path, None).expect(200);
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert_eq!(told.refused.load(Ordering::Relaxed), 0);
    let answered = told.answered.load(Ordering::Relaxed);
    let (balance, held) = money(&server, "work");
    assert_eq!((captured(&balance), held), (i64::try_from(answered).expect("few"), json!(0)));
    assert_clean(data.path());
}

#[test]
fn stopping_loses_no_call() {
    let data = directory();
    let mut server = start(data.path());
    let (stop, told) = (AtomicBool::new(false), Told::default());
    thread::scope(|scope| {
        let (asked, stop, told) = (&server, &stop, &told);
        for _ in 0..CLIENTS {
            scope.spawn(move || keep_calling(asked, stop, told));
        }
        answered(told, 20);
        server.terminate();
    });
    assert_eq!(server.stopped(), Some(0), "{}", server.output());
    assert!(told.refused.load(Ordering::Relaxed) >= CLIENTS);
    let server = Server::sandbox(data.path());
    // Who was charged was answered, and who was answered was charged.
    let (balance, held) = money(&server, "work");
    let answered = i64::try_from(told.answered.load(Ordering::Relaxed)).expect("few");
    assert_eq!((captured(&balance), held), (answered, json!(0)));
    let view = server.account("work", ANNA);
    assert_eq!(view["held"], 0);
    assert_clean(data.path());
}
