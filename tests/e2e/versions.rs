//! Versions: uploaded, published, put into service forward and back.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use stokehold_tests::binary::{self, Ran};
use stokehold_tests::server::Server;
use stokehold_tests::{guest, upload};

use crate::{coal_roller, directory, text};

const VERSIONS: &str = "/api/v1/services/teller/versions";

/// A component that answers with this digit.
fn saying(digit: char) -> Vec<u8> {
    let guest = guest::Guest {
        fields: &format!("(data (i32.const 128) \"{digit}\")"),
        handle: "(call $answer (i32.const 128) (i32.const 1))",
        ..guest::Guest::default()
    };
    guest.component()
}

fn call(server: &Server) -> Value {
    let params = json!({ "account_token": "anna" });
    server.client().rpc("/services/teller/say", &params).result()
}

#[test]
fn versions_roll_forward_and_back() {
    let data = directory();
    let server = Server::sandbox(data.path());
    let key = server.register("teller");
    server.grant("teller", "anna", &json!(100));
    let params = json!({ "account_token": "anna" });
    let fault = server.client().rpc("/services/teller/say", &params).fault("Unavailable");
    assert_eq!(fault["outcome"], "no-service");

    let manifest = upload::manifest("teller", "");
    let first = upload::upload(&server.operator(), "teller", &manifest, &saying('1')).expect(201);
    assert_eq!((&first["version"], &first["active"]), (&json!(1), &json!(true)));
    assert_eq!(first["exports"], json!(["stokehold:service/service@0.1.0"]));
    assert_eq!(call(&server), 1);

    let by_key = server.client().with("X-Service-Key", &key);
    let parts =
        [("manifest", "service.toml", manifest.as_bytes()), ("component", "it.wasm", &saying('2'))];
    let second = upload::send(&by_key, &format!("{VERSIONS}?activate=false"), &parts).expect(201);
    assert_eq!((&second["version"], &second["active"]), (&json!(2), &json!(false)));
    assert_ne!(first["digest"], second["digest"]);
    assert_eq!(call(&server), 1, "the first is still live");
    for version in [2, 1, 2] {
        let path = format!("{VERSIONS}/{version}/activate");
        assert_eq!(server.operator().send("POST", &path, None).expect(200)["active"], true);
        assert_eq!(call(&server), version);
    }
    let listed = server.operator().get(VERSIONS).expect(200);
    let listed: Vec<_> = listed["versions"].as_array().expect("versions").iter().collect();
    assert_eq!([&listed[0]["active"], &listed[1]["active"]], [true, false]);
    assert_eq!(server.operator().get("/api/v1/services/teller").expect(200)["active_version"], 2);
    server.operator().send("POST", &format!("{VERSIONS}/3/activate"), None).problem(404);

    server.stop();
    let server = Server::sandbox(data.path());
    assert_eq!(call(&server), 2, "the active version outlives the server");
}

fn publish(directory: &Path, server: &str, key: &str, more: &[&str]) -> Ran {
    let arguments = ["publish", text(directory), "--server", server, "--key", key];
    binary::run(&[&arguments, more].concat())
}

#[test]
fn a_project_is_published_from_the_shell() {
    let data = directory();
    let server = Server::sandbox(data.path());
    let key = server.key.clone().expect("the key of the first start");
    let address = &server.address;
    let again = publish(&coal_roller(), address, &key, &["--json"]);
    assert_eq!(again.code, Some(0), "{again:?}");
    assert_eq!(again.json()["version"], 1, "the same upload is the same version");

    let changed = directory();
    for file in ["service.toml", "coalroller.wasm", "no-credit.html"] {
        fs::copy(coal_roller().join(file), changed.path().join(file)).expect("it is copied");
    }
    let manifest = changed.path().join("service.toml");
    let text = fs::read_to_string(&manifest).expect("the manifest");
    fs::write(&manifest, text.replace("memory_mib = 16", "memory_mib = 8")).expect("it is written");
    let uploaded = publish(changed.path(), address, &key, &["--no-activate"]).success();
    assert!(uploaded.contains("coalroller version 2 is uploaded, not live"), "{uploaded}");
    let active = || {
        let service = server.operator().get("/api/v1/services/coalroller").expect(200);
        service["active_version"].clone()
    };
    assert_eq!(active(), 1);
    let live = publish(changed.path(), address, &key, &[]).success();
    assert!(live.contains("coalroller version 2 is live"), "{live}");
    assert_eq!(active(), 2);
    let packs = server.operator().get("/api/v1/services/coalroller/packs").expect(200);
    assert_eq!(packs["packs"].as_array().map(Vec::len), Some(2), "none is offered twice");
}

#[test]
fn what_keeps_a_project_from_being_published_is_named() {
    let data = directory();
    let server = Server::sandbox(data.path());
    let key = server.key.clone().expect("the key of the first start");
    let (project, address) = (coal_roller(), server.address.clone());
    publish(&project, &address, "sk_wrong", &[]).failed(
        1,
        "coalroller was not published",
        "the service key is not valid",
        "has to be one of this server's",
    );
    let nowhere = Path::new("no/such/project");
    publish(nowhere, &address, &key, &[]).failed(
        1,
        "no/such/project",
        "No such file",
        "service.toml",
    );
    let broken = directory();
    let manifest = upload::manifest("coalroller", "");
    fs::write(broken.path().join("service.toml"), manifest).expect("it is written");
    publish(broken.path(), &address, &key, &[]).failed(1, "it.wasm", "No such file", "build");
    fs::write(broken.path().join("it.wasm"), "(component)").expect("it is written");
    publish(broken.path(), &address, &key, &[]).failed(
        1,
        "coalroller was not published",
        "WebAssembly as text",
        "",
    );
    server.stop();
    publish(&project, &address, &key, &[]).failed(1, &address, "refused", "is the server running?");
    assert_eq!(binary::run(&["publish", text(&project)]).code, Some(2), "a key is needed");
}
