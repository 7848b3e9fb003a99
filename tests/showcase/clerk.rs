//! `clerk`: jobs that take their time, with progress, cancelled and interrupted ones.

use serde_json::{Value, json};
use stokehold_tests::events::follow;
use stokehold_tests::http::Client;
use stokehold_tests::poll;
use stokehold_tests::server::{Server, assert_clean};

use crate::{
    ANNA, assert_receipt, call, directory, held_and_captured, money, plugin, publish, statement,
};

fn sell(server: &Server) {
    let key = server.register("clerk");
    publish(server, &key, &plugin("clerk"));
    server.grant("clerk", ANNA, &json!(10));
}

/// A hundred invoices of even amounts, and `easy` payments that find none at once. Then come `hard`
/// ones: odd amounts that any four invoices come near to, and none hit.
fn job(easy: u64, hard: u64) -> Value {
    let invoice = |n: u64| json!({ "id": format!("F{n}"), "cents": 100_000 + 2 * (n * 37 % 101) });
    let payment = |n: u64| {
        let cents = if n < easy { 1 } else { 390_001 };
        json!({ "id": format!("P{n}"), "cents": cents })
    };
    let payments: Vec<_> = (0..easy + hard).map(payment).collect();
    json!({ "payments": payments, "invoices": (0..100).map(invoice).collect::<Vec<_>>() })
}

/// A client of Anna's whose calls are queued, and who may look at them.
fn patient(server: &Server) -> Client {
    server.client().with("Prefer", "respond-async").with("X-Account-Token", ANNA)
}

/// Queues a job, and answers where its call is.
fn queue(anna: &Client, job: Value) -> String {
    let reply = call(anna, "clerk/match", job);
    reply.expect(202);
    reply.header("location").to_owned()
}

/// Returns when the call has got as far as this.
fn await_progress(anna: &Client, location: &str, message: &str) {
    let mut events = follow(anna, location);
    let heard = events.any(|event| event.kind == "progress" && event.data["message"] == message);
    assert!(heard, "it never said {message:?}");
}

#[test]
fn a_job_is_queued_followed_and_paid_when_it_is_done() {
    let data = directory();
    let server = Server::sandbox(data.path());
    sell(&server);
    let anna = patient(&server);
    let statement_of_bank = json!({
        "payments": [{ "id": "P1", "cents": 350 }, { "id": "P2", "cents": 77 }],
        "invoices": [{ "id": "F1", "cents": 100 }, { "id": "F2", "cents": 250 },
                     { "id": "F3", "cents": 900 }],
    });
    let location = queue(&anna, statement_of_bank.clone());
    let events: Vec<_> = follow(&anna, &location).collect();
    let progress = events.iter().filter(|event| event.kind == "progress");
    let said: Vec<_> = progress.map(|event| &event.data).collect();
    assert_eq!(
        said,
        [
            &json!({ "percent": 0, "message": "0 of 2 payments" }),
            &json!({ "percent": 50, "message": "1 of 2 payments" })
        ]
    );
    let record = &events.last().expect("an outcome").data;
    let found = json!({
        "matches": [{ "payment": "P1", "invoices": ["F2", "F1"] },
                    { "payment": "P2", "invoices": [] }],
        "open_invoices": ["F3"],
    });
    assert_eq!((&record["result"], &record["credits_captured"]), (&found, &json!(0.02)));
    let charge = (json!("capture"), json!(-0.02), json!("2 payments to match"));
    assert_eq!(statement(&server, "clerk")[1..], [charge]);

    // Who prefers to wait may.
    let reply = call(&server.client(), "clerk/match", statement_of_bank);
    assert_eq!(reply.result(), found);
    assert_receipt(&server, &reply, "ok", &json!(0.02));
    assert_clean(data.path());
}

#[test]
fn the_hardest_payment_does_not_run_out_of_fuel() {
    let data = directory();
    let server = Server::sandbox(data.path());
    sell(&server);
    let reply = call(&server.client(), "clerk/match", job(0, 1));
    assert_eq!(reply.result()["matches"], json!([{ "payment": "P0", "invoices": [] }]));
    assert_eq!(held_and_captured(&reply), (0.01, 0.01));
    let fuel: u64 = reply.header("stokehold-fuel").parse().expect("fuel");
    assert!(fuel > 100_000_000, "{fuel} is no hard work");
}

#[test]
fn a_job_that_is_cancelled_costs_nothing() {
    let data = directory();
    let server = Server::sandbox(data.path());
    sell(&server);
    let anna = patient(&server);
    let location = queue(&anna, job(0, 500));
    await_progress(&anna, &location, "1 of 500 payments");
    assert_eq!(money(&server, "clerk"), json!([10, 5]));
    let record = anna.send("POST", &format!("{location}/cancel"), None).expect(200);
    assert_eq!((&record["outcome"], &record["credits_captured"]), (&json!("cancelled"), &json!(0)));
    assert_eq!(money(&server, "clerk"), json!([10, 0]));
    assert_clean(data.path());
}

#[test]
fn a_job_that_the_hosts_end_interrupts_goes_on_where_it_was() {
    let data = directory();
    let mut server = Server::sandbox(data.path());
    sell(&server);
    let anna = patient(&server);
    let location = queue(&anna, job(40, 100));
    await_progress(&anna, &location, "41 of 140 payments");
    server.kill();

    let server = Server::sandbox(data.path());
    let anna = patient(&server);
    let ended = poll::until("the end", || {
        let record = anna.get(&location).expect(200);
        (!record["ended_at"].is_null()).then_some(record)
    });
    assert_eq!(
        (&ended["status"], &ended["outcome"]),
        (&json!("cancelled"), &json!("host-stopped"))
    );
    assert_eq!(money(&server, "clerk"), json!([10, 0]));

    let again = queue(&anna, job(40, 100));
    let events: Vec<_> = follow(&anna, &again).collect();
    let first = events.iter().find(|event| event.kind == "progress").expect("progress");
    assert_eq!(first.data["message"], "40 of 140 payments");
    let record = &events.last().expect("an outcome").data;
    assert_eq!(record["credits_captured"], 1.4);
    assert_eq!(record["result"]["matches"].as_array().map(Vec::len), Some(140));
    // Once it is done nothing is kept: the same job starts anew.
    let anew = queue(&anna, job(40, 100));
    let first = follow(&anna, &anew).find(|event| event.kind == "progress").expect("progress");
    assert_eq!(first.data["message"], "0 of 140 payments");
    anna.send("POST", &format!("{anew}/cancel"), None).expect(200);
    assert_clean(data.path());
}
