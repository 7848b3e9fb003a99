//! The events of a call: before it runs, while it runs, and after.

use std::io::BufRead;

use serde_json::{Value, json};
use stokehold_tests::guest;
use stokehold_tests::http::Client;
use stokehold_tests::server::Server;

use crate::{LONG, anna, directory, manifest, queue, sell, until_ended, until_status};

/// An event: its kind, its id, its data.
type Event = (String, String, Value);

/// Events as they come.
fn follow(client: &Client, location: &str) -> impl Iterator<Item = Event> + use<> {
    let (status, body) = client.open(&format!("{location}/events"));
    assert_eq!(status, 200);
    let mut lines = body.lines();
    std::iter::from_fn(move || {
        let (mut event, mut is_one) = ((String::new(), String::new(), Value::Null), false);
        loop {
            let line = lines.next()?.expect("a line");
            match line.split_once(": ") {
                Some(("event", kind)) => (event.0, is_one) = (kind.to_owned(), true),
                Some(("id", id)) => id.clone_into(&mut event.1),
                Some(("data", data)) => event.2 = serde_json::from_str(data).expect("JSON"),
                _ if line.is_empty() && is_one => return Some(event),
                // A comment that keeps the connection open.
                _ => {}
            }
        }
    })
}

fn kinds(events: &[Event]) -> Vec<&str> {
    events.iter().map(|(kind, ..)| kind.as_str()).collect()
}

#[test]
fn a_call_is_followed_from_the_queue_to_its_end() {
    let data = directory();
    let server = Server::sandbox_with(data.path(), &[("STOKEHOLD_CALLS_RUNNING_MAX", "1")]);
    sell(&server, "long", &manifest("long", LONG, ""), &guest::looping());
    let fixed = manifest("work", LONG, "credits_per_call = 1\n");
    sell(&server, "work", &fixed, &guest::working(1_000_000));
    let running = queue(&server, "long");
    until_status(&server, &running, "running");
    let waiting = queue(&server, "work");
    let mut live = follow(&anna(&server), &waiting);
    let (kind, id, data) = live.next().expect("an event");
    assert_eq!((kind.as_str(), id.as_str(), data), ("status", "", json!({ "status": "queued" })));
    anna(&server).send("POST", &format!("{running}/cancel"), None).expect(200);
    let events: Vec<_> = live.collect();
    assert_eq!(kinds(&events), ["status", "progress", "progress", "outcome"]);
    assert_eq!(events[0].2, json!({ "status": "running" }));
    assert_eq!(events[1].2, json!({ "percent": 0, "message": "null" }));
    assert_eq!(events[2].2, json!({ "percent": 100, "message": "null" }));
    let ids: Vec<_> = events.iter().map(|(_, id, _)| id.as_str()).collect();
    assert_eq!(ids, ["", "1", "2", "end"]);
    assert_eq!(
        events[3].2,
        anna(&server).get(&waiting).expect(200),
        "the record, with its receipt"
    );

    // Afterwards the same, from wherever one was cut off.
    let after: Vec<_> = follow(&anna(&server), &waiting).collect();
    assert_eq!(after, events[1..]);
    let resumed = anna(&server).with("Last-Event-ID", "1");
    assert_eq!(follow(&resumed, &waiting).collect::<Vec<_>>(), events[2..]);
    let done = anna(&server).with("Last-Event-ID", "end");
    assert_eq!(done.get(&format!("{waiting}/events")).status, 204);
}

#[test]
fn a_listener_hears_what_a_call_says_while_it_runs() {
    let data = directory();
    let server = Server::sandbox(data.path());
    sell(&server, "work", &manifest("work", LONG, ""), &guest::working(u64::MAX));
    let location = queue(&server, "work");
    let mut live = follow(&anna(&server), &location);
    let heard = live.find(|(kind, ..)| kind == "progress").expect("an event");
    assert_eq!((heard.1.as_str(), &heard.2["percent"]), ("1", &json!(0)));
    assert_eq!(anna(&server).get(&location).expect(200)["status"], "running");
    // One that comes later hears it as well.
    let mut later = follow(&anna(&server), &location);
    assert!(later.any(|(kind, ..)| kind == "progress"));
    anna(&server).send("POST", &format!("{location}/cancel"), None).expect(200);
    for mut listener in [live, later] {
        let (kind, _, call) = listener.next().expect("an event");
        assert_eq!((kind.as_str(), &call["outcome"]), ("outcome", &json!("cancelled")));
        assert!(listener.next().is_none());
    }
}

#[test]
fn events_are_for_who_made_the_call_and_who_provides_the_service() {
    let data = directory();
    let server = Server::sandbox(data.path());
    sell(&server, "work", &manifest("work", LONG, ""), &guest::working(1));
    let location = queue(&server, "work");
    let ended = until_ended(&server, &location);
    assert_eq!(ended["outcome"], "ok");
    let host_calls = ended["host_calls"].as_object().expect("kinds of calls");
    let progress = host_calls.iter().find(|(kind, _)| kind.contains("progress"));
    assert_eq!(progress.map(|(_, of_kind)| &of_kind["calls"]), Some(&json!(2)), "{ended}");
    let events = format!("{location}/events");
    server.client().get(&events).problem(401);
    server.client().with("X-Account-Token", "ben").get(&events).problem(404);
    server.caller("provider").get(&events).problem(404);
    let provider: Vec<_> = follow(&server.operator(), &location).collect();
    assert_eq!(kinds(&provider), ["progress", "progress", "outcome"]);
}

#[test]
fn the_log_of_a_trap_is_heard_to_its_end() {
    let data = directory();
    let server = Server::sandbox(data.path());
    let trapping = guest::component(
        "(call $progress (f32.const 0.5) (i32.const 64) (i32.const 4)) (unreachable)",
    );
    sell(&server, "trapping", &manifest("trapping", LONG, ""), &trapping);
    let location = queue(&server, "trapping");
    let events: Vec<_> = follow(&anna(&server), &location).collect();
    let lines: Vec<_> = events.iter().filter(|(kind, ..)| kind == "log").collect();
    let first = lines.first().expect("a line");
    assert!(first.2["line"].as_str().is_some_and(|line| line.starts_with("trap: ")), "{lines:?}");
    assert_eq!(first.1, "2", "after the line of progress");
    assert_eq!(events.last().map(|event| &event.2["outcome"]), Some(&json!("trap")));
}
