//! The events of a call: before it runs, while it runs, and after.

use serde_json::json;
use stokehold_tests::events::{Event, follow};
use stokehold_tests::guest;
use stokehold_tests::server::Server;

use crate::{LONG, anna, directory, manifest, queue, sell, until_ended, until_status};

fn kinds(events: &[Event]) -> Vec<&str> {
    events.iter().map(|event| event.kind.as_str()).collect()
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
    let first = live.next().expect("an event");
    assert_eq!((first.kind.as_str(), first.id.as_str()), ("status", ""));
    assert_eq!(first.data, json!({ "status": "queued" }));
    anna(&server).send("POST", &format!("{running}/cancel"), None).expect(200);
    let events: Vec<_> = live.collect();
    assert_eq!(kinds(&events), ["status", "progress", "progress", "outcome"]);
    assert_eq!(events[0].data, json!({ "status": "running" }));
    assert_eq!(events[1].data, json!({ "percent": 0, "message": "null" }));
    assert_eq!(events[2].data, json!({ "percent": 100, "message": "null" }));
    let ids: Vec<_> = events.iter().map(|event| event.id.as_str()).collect();
    assert_eq!(ids, ["", "1", "2", "end"]);
    assert_eq!(
        events[3].data,
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
    let heard = live.find(|event| event.kind == "progress").expect("an event");
    assert_eq!((heard.id.as_str(), &heard.data["percent"]), ("1", &json!(0)));
    assert_eq!(anna(&server).get(&location).expect(200)["status"], "running");
    // One that comes later hears it as well.
    let mut later = follow(&anna(&server), &location);
    assert!(later.any(|event| event.kind == "progress"));
    anna(&server).send("POST", &format!("{location}/cancel"), None).expect(200);
    for mut listener in [live, later] {
        let last = listener.next().expect("an event");
        assert_eq!((&*last.kind, &last.data["outcome"]), ("outcome", &json!("cancelled")));
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
    let lines: Vec<_> = events.iter().filter(|event| event.kind == "log").collect();
    let first = lines.first().expect("a line");
    assert!(
        first.data["line"].as_str().is_some_and(|line| line.starts_with("trap: ")),
        "{lines:?}"
    );
    assert_eq!(first.id, "2", "after the line of progress");
    assert_eq!(events.last().map(|event| &event.data["outcome"]), Some(&json!("trap")));
}
