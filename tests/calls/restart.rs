//! The queue across the end of a host, asked for or not.

use serde_json::json;
use stokehold_tests::guest;
use stokehold_tests::server::{Server, assert_clean};

use crate::{
    LONG, anna, directory, manifest, money, params, path, patient, queue, sell, until_ended,
    until_status,
};

const ONE: [(&str, &str); 1] = [("STOKEHOLD_CALLS_RUNNING_MAX", "1")];

/// A host with one call that runs and five that wait: where they are.
fn busy(data: &std::path::Path, settings: &[(&str, &str)]) -> (Server, String, Vec<String>) {
    let server = Server::sandbox_with(data, settings);
    sell(&server, "long", &manifest("long", LONG, ""), &guest::looping());
    let fixed = manifest("echo", "10_000_000", "credits_per_call = 1\n");
    sell(&server, "echo", &fixed, &guest::echo());
    let running = queue(&server, "long");
    until_status(&server, &running, "running");
    let waiting = (0..5).map(|_| queue(&server, "echo")).collect();
    assert_eq!(money(&server, "echo"), (json!(10), json!(5)));
    (server, running, waiting)
}

fn assert_goes_on(data: &std::path::Path, running: &str, waiting: &[String]) {
    let server = Server::sandbox_with(data, &ONE);
    let call = anna(&server).get(running).expect(200);
    assert_eq!((&call["status"], &call["outcome"]), (&json!("cancelled"), &json!("host-stopped")));
    for location in waiting {
        let call = until_ended(&server, location);
        assert_eq!((&call["status"], &call["result"]), (&json!("captured"), &json!({ "n": 1 })));
    }
    assert_eq!(money(&server, "long"), (json!(10), json!(0)));
    assert_eq!(money(&server, "echo"), (json!(5), json!(0)));
    assert_clean(data);
}

#[test]
fn what_waited_runs_after_a_kill_and_what_ran_is_cancelled() {
    let data = directory();
    let (mut server, running, waiting) = busy(data.path(), &ONE);
    server.kill();
    assert_goes_on(data.path(), &running, &waiting);
}

#[test]
fn what_waited_runs_after_a_stop() {
    let data = directory();
    let settings = [ONE[0], ("STOKEHOLD_SERVER_GRACE_S", "0")];
    let (server, running, waiting) = busy(data.path(), &settings);
    server.stop();
    assert_goes_on(data.path(), &running, &waiting);
}

#[test]
fn a_key_knows_its_call_across_a_kill() {
    let data = directory();
    let (mut server, running, waiting) = busy(data.path(), &ONE);
    let ask = |server: &Server| {
        patient(server).with("Idempotency-Key", "one").rpc(&path("echo"), &params())
    };
    let first = ask(&server).header("location").to_owned();
    server.kill();
    let server = Server::sandbox_with(data.path(), &ONE);
    assert_eq!(ask(&server).header("location"), first);
    let waited = server.client().with("Idempotency-Key", "one").rpc(&path("echo"), &params());
    assert_eq!(waited.result(), json!({ "n": 1 }));
    assert_eq!(format!("/api/v1/calls/{}", waited.header("stokehold-call")), first);
    // They are taken up one after the other, in no order that anybody promises.
    for location in waiting.iter().chain([&running]) {
        until_ended(&server, location);
    }
    // The five, and this one once.
    assert_eq!(money(&server, "echo"), (json!(4), json!(0)));
    assert_clean(data.path());
}
