//! A first day with `serve --sandbox`: buy, call, look at what was charged, come back tomorrow.

use serde_json::{Value, json};
use stokehold_tests::server::{Server, assert_clean};

use crate::directory;

const ANNA: &str = "5f2c9d7ab1e84d0c93a6e2f4700de111";

#[test]
fn a_pack_is_bought_a_call_paid_and_the_statement_adds_up() {
    let data = directory();
    let server = Server::sandbox(data.path());
    let order = buy(&server);
    let roll = server.client().rpc("/services/coalroller/roll", &rolling(0.05));
    assert!(roll.result()["hashes"].as_u64().is_some_and(|hashes| hashes > 1), "{roll:?}");
    assert_eq!(roll.header("stokehold-credits-authorized"), "0.05");
    assert_eq!(roll.header("stokehold-credits-captured"), "0.05");
    assert_eq!(balance(&server), 9.95);
    assert_eq!(
        server.account("coalroller", ANNA),
        json!({ "balance": 9.95, "held": 0, "available": 9.95, "state": "registered" })
    );

    let statement = statement(&server, "");
    let entries = statement["entries"].as_array().expect("entries");
    assert_eq!(entries.len(), 2);
    assert_eq!([&entries[0]["kind"], &entries[1]["kind"]], ["order", "capture"]);
    assert_eq!(entries[0]["order"], order["id"]);
    assert_eq!(entries[1]["transaction"], roll.header("stokehold-call"));
    assert_eq!((&entries[1]["credits"], &entries[1]["balance"]), (&json!(-0.05), &json!(9.95)));
    assert_eq!((&statement["balance"], &statement["next"]), (&json!(9.95), &Value::Null));

    assert_records(&server, roll.header("stokehold-call"));
    // Beside the server that runs.
    assert_clean(data.path());
}

/// A call's record is shown to its operator and to the client that made it, and to nobody else.
fn assert_records(server: &Server, call: &str) {
    let path = format!("/api/v1/calls/{call}");
    let record = server.operator().get(&path).expect(200);
    for (member, expected) in [
        ("status", json!("captured")),
        ("outcome", json!("ok")),
        ("credits_authorized", json!(0.05)),
        ("credits_captured", json!(0.05)),
        ("version", json!(1)),
        ("route", json!("roll")),
    ] {
        assert_eq!(record[member], expected, "{record}");
    }
    let own = server.client().with("X-Account-Token", ANNA).get(&path).expect(200);
    assert_eq!(own, record);
    let other = server.client().with("X-Account-Token", "somebody-else");
    other.get(&path).problem(404);
    other.get(&format!("{path}/log")).problem(404);
    server.client().get(&path).problem(401);
}

#[test]
fn a_statement_is_read_in_pages_as_csv_and_as_it_once_stood() {
    let data = directory();
    let server = Server::sandbox(data.path());
    buy(&server);
    server.grant("coalroller", ANNA, &json!(0.5));
    let quoted = json!({ "credits": 1, "reason": "=1+1, \"quoted\"" });
    let path = format!("/api/v1/services/coalroller/accounts/{ANNA}/grants");
    server.operator().post(&path, &quoted).expect(201);

    let mut pages = Vec::new();
    let mut after = json!(0);
    while !after.is_null() {
        let page = statement(&server, &format!("?limit=1&after={after}"));
        pages.extend(page["entries"].as_array().expect("entries").clone());
        after = page["next"].clone();
    }
    let whole = statement(&server, "");
    assert_eq!(whole["entries"], Value::from(pages));
    assert_eq!(whole["balance"], 11.5);
    let entries = whole["entries"].as_array().expect("entries").iter();
    let sum: f64 = entries.map(|entry| entry["credits"].as_f64().expect("a number")).sum();
    assert_eq!(whole["balance"], sum);

    let second = whole["entries"][1]["at"].as_str().expect("an instant");
    let earlier = statement(&server, &format!("?at={second}"));
    assert_eq!(earlier["balance"], 10.5);
    assert_eq!(earlier["entries"].as_array().map(Vec::len), Some(2));
    let none = statement(&server, "?at=2001-01-01T00:00:00Z");
    assert_eq!((&none["entries"], &none["balance"]), (&json!([]), &json!(0)));

    let path = format!("/api/v1/services/coalroller/accounts/{ANNA}/statement");
    let csv = server.operator().with("Accept", "text/csv").get(&path);
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    let rows: Vec<_> = csv.text.lines().collect();
    assert_eq!(rows[0], "id,at,kind,credits,balance,description,transaction,order");
    assert_eq!(rows.len(), 4);
    assert!(rows[3].ends_with(r#",gift,1,11.5,"'=1+1, ""quoted""",,"#), "{}", rows[3]);

    for query in ["?limit=0", "?limit=1001", "?at=yesterday"] {
        server.operator().get(&format!("{path}{query}")).problem(422);
    }
    for query in ["?limit=many", "?after=x"] {
        server.operator().get(&format!("{path}{query}")).problem(400);
    }
}

#[test]
fn everything_is_there_after_a_restart() {
    let data = directory();
    let server = Server::sandbox(data.path());
    buy(&server);
    let roll = server.client().rpc("/services/coalroller/roll", &rolling(0.02));
    let (record, before) = (server.record(&roll), statement(&server, ""));
    server.stop();

    let server = Server::sandbox(data.path());
    assert_eq!(server.key, None, "the service is there already");
    assert_eq!(server.record(&roll), record);
    assert_eq!(statement(&server, ""), before);
    server.client().rpc("/services/coalroller/roll", &rolling(0.02)).result();
    assert_eq!(balance(&server), 9.96);
    assert_clean(data.path());
}

#[test]
fn a_directory_has_one_server_and_one_mode() {
    let data = directory();
    let server = Server::sandbox(data.path());
    let second = Server::refused(data.path(), &["--sandbox"]);
    second.failed(1, "the host cannot start", "in use", "stop the other process");
    server.stop();
    let production = Server::refused(data.path(), &[]);
    production.failed(1, "the host cannot start", "sandbox", "--data");
}

fn buy(server: &Server) -> Value {
    let packs = server.operator().get("/api/v1/services/coalroller/packs").expect(200);
    let packs = packs["packs"].as_array().expect("packs");
    let names: Vec<_> = packs.iter().map(|pack| pack["name"].as_str()).collect();
    assert_eq!(names, [Some("10 credits"), Some("500 credits")]);
    let order =
        json!({ "service": "coalroller", "account_token": ANNA, "pack_id": packs[0]["id"] });
    let client = server.client().with("X-Account-Token", ANNA);
    let order = client.post("/api/v1/orders", &order).expect(201);
    assert_eq!((&order["status"], &order["balance"]), (&json!("paid"), &json!(10)));
    assert_eq!((&order["price_cents"], &order["commission_cents"]), (&json!(250), &json!(62)));
    order
}

fn rolling(credits: f64) -> Value {
    json!({ "account_token": ANNA, "credits": credits })
}

fn balance(server: &Server) -> Value {
    let params = json!({ "account_token": ANNA, "service_name": "coalroller", "dbuuid": "d" });
    server.client().rpc("/iap/1/balance", &params).result()
}

fn statement(server: &Server, query: &str) -> Value {
    let path = format!("/api/v1/services/coalroller/accounts/{ANNA}/statement{query}");
    server.operator().get(&path).expect(200)
}
