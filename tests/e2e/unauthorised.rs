//! Every operation of the management API, asked for by those who may not.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use stokehold_tests::http::{Client, Reply};
use stokehold_tests::server::{ADMIN_TOKEN, Server};
use stokehold_tests::{guest, upload};

use crate::directory;

/// What a client's token opens: to all else it is refused.
const OPEN_TO_CLIENTS: [&str; 2] = ["POST /api/v1/orders", "GET /api/v1/services/{name}/packs"];

/// What an operator alone may do.
const OPERATORS_ONLY: [&str; 10] = [
    "PUT /api/v1/eligible-databases/{dbuuid}",
    "DELETE /api/v1/eligible-databases/{dbuuid}",
    "POST /api/v1/orders/{id}/confirm",
    "POST /api/v1/orders/{id}/refund",
    "POST /api/v1/services/{name}/approve",
    "POST /api/v1/services/{name}/suspend",
    "POST /api/v1/signing-keys",
    "POST /api/v1/tokens",
    "GET /api/v1/tokens",
    "DELETE /api/v1/tokens/{id}",
];

/// The id of nothing.
const NOBODYS: &str = "00000000000000000000000000000000";

/// Sorted, one a line. The file beside this one is read by people: a change of the API shows there.
fn operations(server: &Server) -> Vec<String> {
    let document = server.client().get("/api/openapi.json").expect(200);
    assert!(document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")));
    let mut operations = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for method in methods.as_object().expect("methods").keys() {
            operations.insert(format!("{} {path}", method.to_uppercase()));
        }
    }
    operations.into_iter().collect()
}

/// Asks for an operation on coalroller, with a body that it would take.
fn ask(client: &Client, operation: &str, call: &str) -> Reply {
    let (method, path) = operation.split_once(' ').expect("a method and a path");
    let path = [
        ("{name}", "coalroller"),
        ("{token}", "anna"),
        ("{version}", "1"),
        ("{secret}", "api_key"),
    ]
    .iter()
    .fold(path.to_owned(), |path, (part, value)| path.replace(part, value));
    let id = match operation.split('/').nth(3) {
        Some("calls") => call,
        _ if path.contains("/orders/") || path.contains("/holds/") => NOBODYS,
        _ => "1",
    };
    let path = path.replace("{id}", id).replace("{dbuuid}", NOBODYS);
    if operation == "POST /api/v1/services/{name}/versions" {
        let manifest = upload::manifest("coalroller", "");
        return upload::upload(client, "coalroller", &manifest, &guest::echo());
    }
    match body(operation) {
        Value::Null => client.send(method, &path, None),
        body => client.send(method, &path, Some(body.to_string().into_bytes())),
    }
}

fn body(operation: &str) -> Value {
    match operation {
        "POST /api/v1/services" => json!({ "name": "mine", "label": "Mine" }),
        "POST /api/v1/services/{name}/packs" => {
            json!({ "name": "One", "credits": 1, "price_cents": 1 })
        }
        "POST /api/v1/services/{name}/accounts/{token}/grants" => {
            json!({ "credits": 1, "reason": "a gift" })
        }
        "POST /api/v1/orders" => {
            json!({ "service": "coalroller", "account_token": "anna", "pack_id": 1 })
        }
        "PATCH /api/v1/services/{name}" | "PATCH /api/v1/services/{name}/packs/{id}" => {
            json!({ "description": "changed" })
        }
        "POST /api/v1/orders/{id}/refund" => json!({ "reason": "a mistake" }),
        "POST /api/v1/services/{name}/holds/{id}/refund" => {
            json!({ "credits": 1, "reason": "a mistake" })
        }
        "POST /api/v1/tokens" => json!({ "role": "operator", "name": "me" }),
        _ => Value::Null,
    }
}

#[test]
fn every_operation_is_closed_to_those_who_may_not() {
    let data = directory();
    let server = Server::sandbox(data.path());
    server.grant("coalroller", "anna", &json!(1));
    let paid = json!({ "account_token": "anna", "credits": 0.01 });
    let call = server.client().rpc("/services/coalroller/roll", &paid);
    let call = call.header("stokehold-call");

    let operations = operations(&server);
    let list = operations.join("\n");
    assert_eq!(list, include_str!("operations.txt").trim_end(), "the operations are\n{list}");
    let (client, provider) = (server.caller("client"), server.caller("provider"));
    for operation in &operations {
        assert_unauthorised(&server, operation, call);
        assert_clients(&client, operation, call);
        assert_other_providers(&provider, operation, call);
    }
    let account = server.account("coalroller", "anna");
    assert_eq!(account["balance"], 10.99, "the client's order alone went through");
}

/// Without credentials, or with wrong ones.
fn assert_unauthorised(server: &Server, operation: &str, call: &str) {
    let anybody = server.client();
    let mut refused = vec![
        anybody.clone(),
        anybody.bearer("st_no_such_token"),
        anybody.bearer(""),
        anybody.with("Authorization", "Basic b3BlcmF0b3I6"),
    ];
    if operation.contains("/versions") {
        refused.push(anybody.with("X-Service-Key", "sk_no_such_key"));
    }
    for client in refused {
        let reply = ask(&client, operation, call);
        reply.problem(401);
        assert_eq!(reply.header("www-authenticate"), "Bearer", "{operation}");
    }
}

fn assert_clients(client: &Client, operation: &str, call: &str) {
    let reply = ask(client, operation, call);
    if OPEN_TO_CLIENTS.contains(&operation) {
        assert!((200..300).contains(&reply.status), "{operation}: {reply:?}");
    } else if operation.contains("/calls/") || operation == "GET /api/v1/orders/{id}" {
        // Whether there is such a thing is not a client's to know.
        reply.problem(404);
    } else {
        reply.problem(403);
    }
}

/// A provider whose service this is not.
fn assert_other_providers(provider: &Client, operation: &str, call: &str) {
    if OPERATORS_ONLY.contains(&operation) {
        ask(provider, operation, call).problem(403);
    } else if operation.contains("{name}") && !OPEN_TO_CLIENTS.contains(&operation)
        || operation.contains("/calls/")
        || operation == "GET /api/v1/orders/{id}"
    {
        ask(provider, operation, call).problem(404);
    }
}

#[test]
fn a_provider_manages_its_own_services_and_sees_no_others() {
    let data = directory();
    let server = Server::sandbox(data.path());
    let provider = server.caller("provider");
    let new = json!({ "name": "mine", "label": "Mine" });
    provider.post("/api/v1/services", &new).expect(201);
    let listed = provider.get("/api/v1/services").expect(200);
    let names = listed["services"].as_array().expect("services").iter();
    assert_eq!(names.map(|service| &service["name"]).collect::<Vec<_>>(), ["mine"]);
    provider.get("/api/v1/services/mine").expect(200);
    let taken = json!({ "name": "coalroller", "label": "Another" });
    provider.post("/api/v1/services", &taken).problem(409);
}

#[test]
fn a_revoked_token_stops_working_at_once() {
    let data = directory();
    let server = Server::sandbox(data.path());
    let provider = server.caller("provider");
    provider.get("/api/v1/services").expect(200);
    let listed = server.operator().get("/api/v1/tokens").expect(200);
    let tokens = listed["tokens"].as_array().expect("tokens");
    let row = tokens.iter().find(|token| token["role"] == "provider").expect("its row");
    assert!(row.get("token").is_none(), "a token is shown once");
    server.operator().send("DELETE", &format!("/api/v1/tokens/{}", row["id"]), None).expect(204);
    provider.get("/api/v1/services").problem(401);
}

#[test]
fn an_operator_s_token_that_was_revoked_does_not_come_back() {
    let data = directory();
    let server = Server::sandbox(data.path());
    let listed = server.operator().get("/api/v1/tokens").expect(200);
    let path = format!("/api/v1/tokens/{}", listed["tokens"][0]["id"]);
    server.operator().send("DELETE", &path, None).expect(204);
    server.stop();
    let again = Server::refused(data.path(), &["--sandbox", "--admin-token", ADMIN_TOKEN]);
    assert_eq!(again.code, Some(1), "{again:?}");
    assert!(again.stderr.contains("was revoked: choose another"), "{again:?}");
}

#[test]
fn what_is_wrong_with_a_request_is_a_problem_document() {
    let data = directory();
    let server = Server::sandbox(data.path());
    let operator = server.operator();
    operator.get("/nowhere").problem(404);
    operator.get("/api/v1/nothing").problem(404);
    let wrong_method = operator.send("PUT", "/api/v1/services", None);
    wrong_method.problem(405);
    assert_eq!(wrong_method.header("allow"), "POST,GET,HEAD");
    operator.send("DELETE", "/api/v1/tokens/first", None).problem(400);
    operator.send("POST", "/api/v1/services", Some(b"{".to_vec())).problem(400);
    operator.post("/api/v1/services", &json!({ "name": "x" })).problem(422);
    let unknown = json!({ "name": "mine", "label": "Mine", "colour": "red" });
    operator.post("/api/v1/services", &unknown).problem(422);
    let bad = operator.post("/api/v1/services", &json!({ "name": "X", "label": "" })).problem(422);
    assert_eq!(bad["errors"].as_array().map(Vec::len), Some(2), "{bad}");
}

/// A client that asked again on the same connection would meet a reset.
#[test]
fn who_is_refused_before_the_body_was_read_is_told_that_the_connection_closes() {
    let directory = directory();
    let server = Server::sandbox(directory.path());
    let service = json!({ "name": "stove", "label": "Stove" });
    let nobody = server.client().bearer("nobody").post("/api/v1/services", &service);
    nobody.problem(401);
    assert_eq!(nobody.header("connection"), "close");
    let made = server.operator().post("/api/v1/services", &service);
    made.expect(201);
    assert!(made.headers.get("connection").is_none(), "{:?}", made.headers);
}
