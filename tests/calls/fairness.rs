//! Fairness: a busy service does not starve another.

use std::thread;

use serde_json::{Value, json};
use stokehold_tests::http::Reply;
use stokehold_tests::server::{Server, assert_clean};
use stokehold_tests::{guest, poll};

use crate::{LONG, anna, directory, manifest, path, queue, sell, until_ended, until_status};

const SETTINGS: [(&str, &str); 2] =
    [("STOKEHOLD_CALLS_RUNNING_MAX", "1"), ("STOKEHOLD_CALLS_WAIT_S_MAX", "60")];

/// How many calls the busy service has waiting.
const BUSY: usize = 12;

fn started(record: &Value) -> String {
    record["started_at"].as_str().expect("an instant").to_owned()
}

fn start(data: &std::path::Path) -> Server {
    let server = Server::sandbox_with(data, &SETTINGS);
    // Far longer than a request takes to arrive.
    let work = guest::working(200_000_000);
    // Its price is fixed: what is queued needs no place to be quoted in.
    sell(&server, "busy", &manifest("busy", LONG, "credits_per_call = 1\n"), &work);
    sell(&server, "quiet", &manifest("quiet", LONG, ""), &guest::echo());
    server.grant("busy", crate::ANNA, &json!(10));
    server
}

#[test]
fn a_busy_service_waits_for_itself() {
    let data = directory();
    let server = start(data.path());
    let call = |service: &str| server.client().rpc(&path(service), &crate::params());
    let (busy, quiet): (Vec<Reply>, Reply) = thread::scope(|scope| {
        let busy: Vec<_> = (0..BUSY).map(|_| scope.spawn(|| call("busy"))).collect();
        // The first has run, so the others wait for the one place.
        poll::until("a busy service", || {
            (server.account("busy", crate::ANNA)["balance"] != 20).then_some(())
        });
        let quiet = call("quiet");
        (busy.into_iter().map(|call| call.join().expect("a reply")).collect(), quiet)
    });
    let quiet = started(&server.record(&quiet));
    let later = busy.iter().filter(|call| started(&server.record(call)) > quiet).count();
    assert!(later >= BUSY / 2, "only {later} of the busy service's calls came later");
    assert_clean(data.path());
}

#[test]
fn who_waits_goes_before_the_queue() {
    let data = directory();
    let server = start(data.path());
    // The one place is taken until all of the queue stands in line.
    sell(&server, "long", &manifest("long", LONG, ""), &guest::looping());
    let long = queue(&server, "long");
    until_status(&server, &long, "running");
    let queued: Vec<_> = (0..BUSY).map(|_| queue(&server, "busy")).collect();
    anna(&server).send("POST", &format!("{long}/cancel"), None).expect(200);
    let waited = server.client().rpc(&path("busy"), &crate::params());
    waited.result();
    let waited = started(&server.record(&waited));
    let ended = queued.iter().map(|call| until_ended(&server, call));
    let later = ended.filter(|call| started(call) > waited).count();
    assert!(later >= BUSY / 2, "only {later} of the queue's calls came later");
    assert_clean(data.path());
}
