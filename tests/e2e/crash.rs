//! A server that is killed in the middle of a call.

use std::thread;

use serde_json::json;
use stokehold_tests::server::{Server, assert_clean};

use crate::directory;

#[test]
fn a_call_that_a_kill_cut_off_costs_nothing() {
    let data = directory();
    let mut server = Server::sandbox(data.path());
    server.grant("coalroller", "anna", &json!(10));
    let client = server.client();
    let calling = thread::spawn(move || {
        let params = json!({ "account_token": "anna", "credits": 8 });
        client.try_rpc("/services/coalroller/roll", &params)
    });
    server.await_hold("coalroller", "anna");
    assert_eq!(server.account("coalroller", "anna")["available"], 2);
    server.kill();
    assert!(calling.join().expect("the client").is_err(), "no answer came");

    let server = Server::sandbox(data.path());
    assert_eq!(
        server.account("coalroller", "anna"),
        json!({ "balance": 10, "held": 0, "available": 10, "state": "registered" })
    );
    let record = the_call(&data.path().join("stokehold.db"));
    let record = server.operator().get(&format!("/api/v1/calls/{record}")).expect(200);
    assert_eq!(
        (&record["status"], &record["outcome"]),
        (&json!("cancelled"), &json!("host-stopped"))
    );
    assert_eq!(record["credits_captured"], 0);
    assert_clean(data.path());
    let params = json!({ "account_token": "anna", "credits": 0.01 });
    server.client().rpc("/services/coalroller/roll", &params).result();
}

/// The id of the one call in a database: its client never got it.
fn the_call(database: &std::path::Path) -> String {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let database = rusqlite::Connection::open_with_flags(database, flags).expect("the database");
    database.query_row("SELECT lower(hex(id)) FROM call", [], |row| row.get(0)).expect("one call")
}
