//! What happens once, however often it is asked for.

use std::thread;

use serde_json::{Value, json};
use stokehold_tests::server::{Server, assert_clean};

use crate::directory;

#[test]
fn a_call_is_made_once_for_each_idempotency_key() {
    let data = directory();
    let server = Server::sandbox(data.path());
    server.grant("coalroller", "anna", &json!(1));
    let roll = |key: &str, credits: f64| {
        let params = json!({ "account_token": "anna", "credits": credits });
        let client = server.client().with("Idempotency-Key", key);
        client.rpc("/services/coalroller/roll", &params)
    };
    // At once: one makes the call, the others wait for it.
    let replies: Vec<_> = thread::scope(|scope| {
        let started: Vec<_> = (0..4).map(|_| scope.spawn(|| roll("one", 0.02))).collect();
        started.into_iter().map(|thread| thread.join().expect("a reply")).collect()
    });
    let first = &replies[0];
    for reply in &replies {
        assert_eq!(reply.result(), first.result());
        assert_eq!(reply.header("stokehold-call"), first.header("stokehold-call"));
        assert_eq!(reply.header("stokehold-credits-captured"), "0.02");
    }
    assert_eq!(server.account("coalroller", "anna")["balance"], 0.98);
    let conflict = roll("one", 0.01).fault("UserError");
    assert!(conflict["message"].as_str().is_some_and(|text| text.contains("idempotency_conflict")));
    assert_eq!(roll("two", 0.02).header("stokehold-credits-captured"), "0.02");
    assert_eq!(server.account("coalroller", "anna")["balance"], 0.96);
    drop(server);
    let restarted = Server::sandbox(data.path());
    let params = json!({ "account_token": "anna", "credits": 0.02 });
    let client = restarted.client().with("Idempotency-Key", "one");
    let again = client.rpc("/services/coalroller/roll", &params);
    assert_eq!(again.header("stokehold-call"), first.header("stokehold-call"));
    assert_clean(data.path());
}

#[test]
fn an_eligible_database_gets_trial_credits_once() {
    let data = directory();
    let server = Server::sandbox(data.path());
    let roll = |account: &str, dbuuid: &str| {
        let params = json!({ "account_token": account, "dbuuid": dbuuid, "credits": 0.01 });
        server.client().rpc("/services/coalroller/roll", &params)
    };
    roll("anna", "4f5ffa34").fault("InsufficientCreditError");
    server.operator().send("PUT", "/api/v1/eligible-databases/4f5ffa34", None).expect(204);
    roll("anna", "4f5ffa34").result();
    assert_eq!(server.account("coalroller", "anna")["balance"], 0.99);
    roll("anna", "4f5ffa34").result();
    assert_eq!(server.account("coalroller", "anna")["balance"], 0.98);
    roll("bert", "4f5ffa34").fault("InsufficientCreditError");
    assert_clean(data.path());
}

/// A hold is recognised by the request that has made it, as long as the host knows of that.
#[test]
fn a_repeat_is_recognised_among_as_many_requests_as_the_operator_says() {
    let data = directory();
    let settings = [("STOKEHOLD_STORE_REQUESTS_MAX", "1000")];
    let server = Server::sandbox_with(data.path(), &settings);
    let key = server.register("teller");
    server.grant("teller", "anna", &json!(2_000));
    let hold = |numbers: std::ops::Range<u32>| -> Vec<String> {
        let ask = |number| {
            let params = json!({ "key": key, "account_token": "anna", "credit": 1,
                                 "description": format!("number {number}") });
            json!({ "jsonrpc": "2.0", "method": "call", "id": number, "params": params })
        };
        let batch: Value = numbers.map(ask).collect();
        let answers = server.client().post("/iap/1/authorize", &batch).expect(200);
        let token = |answer: &Value| answer["result"].as_str().expect("a hold").to_owned();
        answers.as_array().expect("a batch").iter().map(token).collect()
    };
    let first = hold(0..50);
    assert_eq!(hold(0..50), first, "they are known");
    let mut last = Vec::new();
    for start in (50..1_100).step_by(50) {
        last = hold(start..start + 50);
    }
    assert_eq!(hold(1_050..1_100), last, "the last ones are known");
    let again = hold(0..50);
    assert!(again.iter().all(|token| !first.contains(token)), "the first ones are not");
    assert_clean(data.path());
}
