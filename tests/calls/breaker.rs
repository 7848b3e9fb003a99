//! The circuit breaker: a version whose calls fail one after the other takes none for a while.

use serde_json::{Value, json};
use stokehold_tests::server::{Server, assert_clean};
use stokehold_tests::{guest, poll, upload};

use crate::{call, directory, money, params, sell};

const SETTINGS: [(&str, &str); 2] =
    [("STOKEHOLD_CALLS_BREAKER_FAILURES", "3"), ("STOKEHOLD_CALLS_BREAKER_PAUSE_S", "600")];

fn versions(server: &Server) -> Value {
    server.operator().get("/api/v1/services/broken/versions").expect(200)["versions"].clone()
}

fn outcome(server: &Server) -> Value {
    call(server, "broken").json()["error"]["data"]["outcome"].clone()
}

/// A server with a version that always traps, and has three times.
fn broken(data: &std::path::Path, settings: &[(&str, &str)]) -> Server {
    let server = Server::sandbox_with(data, settings);
    sell(&server, "broken", &upload::manifest("broken", ""), &guest::trapping());
    for _ in 0..3 {
        assert_eq!(versions(&server)[0].get("suspended"), None);
        assert_eq!(outcome(&server), "trap");
    }
    server
}

#[test]
fn a_version_that_fails_call_after_call_is_suspended() {
    let data = directory();
    let server = broken(data.path(), &SETTINGS);
    for reply in [
        call(&server, "broken"),
        server.client().rpc("/services/broken/do?quote", &params()),
        crate::patient(&server).rpc("/services/broken/do", &params()),
    ] {
        assert_eq!(reply.fault("Unavailable")["outcome"], "suspended");
        let rest: u64 = reply.header("retry-after").parse().expect("seconds");
        assert!((1..=600).contains(&rest), "{rest}");
    }
    assert_eq!(money(&server, "broken"), (json!(10), json!(0)));
    let suspended = versions(&server)[0]["suspended"].clone();
    assert_eq!((&suspended["outcome"], &suspended["failures"]), (&json!("trap"), &json!(3)));
    assert!(suspended["since"].is_string());
    assert!(server.output().contains("the version is suspended"), "{}", server.output());
    // Others go on.
    sell(&server, "echo", &upload::manifest("echo", ""), &guest::echo());
    call(&server, "echo").result();

    // It is known after a restart, and another version, or the same one activated, ends it.
    drop(server);
    let server = Server::sandbox_with(data.path(), &SETTINGS);
    assert_eq!(outcome(&server), "suspended");
    upload::upload(&server.operator(), "broken", &upload::manifest("broken", ""), &guest::echo())
        .expect(201);
    call(&server, "broken").result();
    let listed = versions(&server);
    assert!(listed[0].get("suspended").is_none() && listed[1].get("suspended").is_none());
    let back = "/api/v1/services/broken/versions/1/activate";
    server.operator().send("POST", back, None).expect(200);
    for _ in 0..3 {
        assert_eq!(outcome(&server), "trap");
    }
    assert_eq!(outcome(&server), "suspended");
    server.operator().send("POST", back, None).expect(200);
    assert_eq!(outcome(&server), "trap");
    assert_clean(data.path());
}

#[test]
fn after_its_rest_one_call_tries_a_suspended_version() {
    let data = directory();
    let settings = [SETTINGS[0], ("STOKEHOLD_CALLS_BREAKER_PAUSE_S", "1")];
    let server = broken(data.path(), &settings);
    poll::until("a trial", || (outcome(&server) == "trap").then_some(()));
    assert_eq!(outcome(&server), "suspended", "it failed, and rests again");
    assert_eq!(versions(&server)[0]["suspended"]["failures"], 4);
}

#[test]
fn what_clients_can_mend_suspends_nothing() {
    let data = directory();
    let server = Server::sandbox_with(data.path(), &SETTINGS);
    sell(&server, "blaming", &upload::manifest("blaming", ""), &guest::failing(0));
    sell(&server, "burning", &upload::manifest("burning", ""), &guest::looping());
    for _ in 0..5 {
        assert_eq!(call(&server, "blaming").fault("UserError")["outcome"], "user-error");
        assert_eq!(call(&server, "burning").fault("UserError")["outcome"], "out-of-fuel");
    }
}
