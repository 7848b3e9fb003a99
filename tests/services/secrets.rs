//! Secrets: set by the provider, told to the guest, and nowhere else to be found.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::json;
use stokehold_tests::binary::{self, Ran};
use stokehold_tests::guest::Guest;
use stokehold_tests::http::{Client, Reply};
use stokehold_tests::poll;
use stokehold_tests::postgres::Postgres;
use stokehold_tests::server::{ADMIN_TOKEN, Server};
use stokehold_tests::upload;
use tempfile::TempDir;

use crate::directory;

const VALUE: &str = "a-value-that-stands-nowhere-else";
const PATH: &str = "/api/v1/services/teller/secrets/key1";

const IMPORTS: &str = r#"
    (import "wasi:config/store@0.2.0-rc.1" "get" (func $get (param i32 i32 i32)))
    (import "wasi:logging/logging@0.1.0-draft" "log" (func $log (param i32 i32 i32 i32 i32)))"#;

/// Asks for `key1`, says it to the log, and answers with the number of its bytes: two digits.
fn telling() -> Vec<u8> {
    let fields = r#"(data (i32.const 128) "key1")"#;
    let handle = "(local $bytes i32)
        (call $get (i32.const 128) (i32.const 4) (i32.const 192))
        (if (i32.load8_u (i32.const 192)) (then unreachable))
        (if (i32.eqz (i32.load8_u (i32.const 196))) (then unreachable))
        (local.set $bytes (i32.load (i32.const 204)))
        (call $log (i32.const 2) (i32.const 128) (i32.const 4)
          (i32.load (i32.const 200)) (local.get $bytes))
        (i32.store8 (i32.const 256) (i32.add (i32.const 48)
          (i32.div_u (local.get $bytes) (i32.const 10))))
        (i32.store8 (i32.const 257) (i32.add (i32.const 48)
          (i32.rem_u (local.get $bytes) (i32.const 10))))
        (call $answer (i32.const 256) (i32.const 2))";
    Guest { imports: IMPORTS, fields, handle, ..Guest::default() }.component()
}

const NAMED: &str = "[secrets]\nnames = [\"key1\"]\n";

fn set(client: &Client, value: &str) -> Reply {
    client.send("PUT", PATH, Some(value.as_bytes().to_vec()))
}

fn publish(server: &Server) -> Reply {
    let manifest = upload::manifest("teller", NAMED);
    upload::upload(&server.operator(), "teller", &manifest, &telling())
}

fn call(server: &Server) -> Reply {
    server.client().rpc("/services/teller/say", &json!({ "account_token": "anna" }))
}

/// A host that tells `VALUE`.
fn sell(server: &Server) {
    server.register("teller");
    set(&server.operator(), VALUE).expect(204);
    publish(server).expect(201);
    server.grant("teller", "anna", &json!(100));
}

#[test]
fn a_secret_is_told_to_the_guest_and_to_nobody_else() {
    let data = directory();
    let server = Server::sandbox_with(data.path(), &[("STOKEHOLD_LOG", "debug")]);
    sell(&server);
    let reply = call(&server);
    assert_eq!(reply.result(), VALUE.len());
    let id = reply.header("stokehold-call").to_owned();
    let operator = server.operator();
    let log = operator.get(&format!("/api/v1/calls/{id}/log")).text;
    assert_eq!(log, "info key1: [secret key1]");
    let mut told = vec![server.record(&reply).to_string(), log];
    told.push(operator.get(&format!("/api/v1/calls/{id}/events")).text);
    let listed = operator.get("/api/v1/services/teller/secrets").expect(200);
    assert_eq!(listed["secrets"][0]["name"], "key1", "{listed}");
    assert!(listed["secrets"][0]["set_at"].is_string(), "{listed}");
    told.push(listed.to_string());
    operator.get(PATH).problem(405);
    // A value that cannot be one is not quoted.
    told.push(set(&operator, &VALUE.repeat(1_000)).problem(422).to_string());
    let elsewhere = PATH.replace("key1", "no%20name");
    told.push(operator.send("PUT", &elsewhere, Some(VALUE.into())).problem(422).to_string());
    told.push(binary::run(&["config", "print"]).success());
    let data_text = data.path().to_str().expect("text");
    let verified = binary::run(&["ledger", "verify", "--data", data_text]);
    told.push(verified.success());

    let key_file = data.path().join("secrets.key");
    let mode = fs::metadata(&key_file).expect("the key's file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let stored = stored_in(data.path());
    told.push(server.stop());
    for told in told {
        assert!(!told.contains(VALUE), "{told}");
    }
    for stored in [stored, stored_in(data.path())] {
        assert!(
            !stored.windows(VALUE.len()).any(|bytes| bytes == VALUE.as_bytes()),
            "it is stored"
        );
    }
    let again = Server::sandbox(data.path());
    assert_eq!(call(&again).result(), VALUE.len(), "a start later it is told again");
}

/// The bytes of every file in a directory.
fn stored_in(directory: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        bytes.extend(if path.is_dir() {
            stored_in(&path)
        } else {
            fs::read(&path).expect("a file")
        });
    }
    assert!(!bytes.is_empty());
    bytes
}

#[test]
fn a_version_without_its_secrets_does_not_go_live() {
    let data = directory();
    let server = Server::sandbox(data.path());
    server.register("teller");
    server.grant("teller", "anna", &json!(100));
    let refused = publish(&server).problem(422);
    assert_eq!(refused["errors"][0]["what"], "the secret key1 has no value", "{refused}");
    let manifest = upload::manifest("teller", NAMED);
    let parts =
        [("manifest", "service.toml", manifest.as_bytes()), ("component", "it.wasm", &telling())];
    let path = "/api/v1/services/teller/versions";
    upload::send(&server.operator(), &format!("{path}?activate=false"), &parts).expect(201);
    let activate = format!("{path}/1/activate");
    server.operator().send("POST", &activate, None).problem(422);
    set(&server.operator(), VALUE).expect(204);
    server.operator().send("POST", &activate, None).expect(200);
    assert_eq!(call(&server).result(), VALUE.len());

    set(&server.operator(), "12345678901").expect(204);
    assert_eq!(call(&server).result(), 11, "the next call has the new one");
    server.operator().send("DELETE", PATH, None).expect(204);
    server.operator().send("DELETE", PATH, None).problem(404);
    let fault = call(&server).fault("Unavailable");
    assert_eq!(fault["outcome"], "no-service", "{fault}");
    assert_eq!(server.account("teller", "anna")["held"], 0);
}

#[test]
fn the_manifest_says_each_name_once() {
    let data = directory();
    let server = Server::sandbox(data.path());
    server.register("teller");
    let manifest = upload::manifest("teller", &format!("[config]\nkey1 = \"open\"\n{NAMED}"));
    let refused = upload::upload(&server.operator(), "teller", &manifest, &telling()).problem(422);
    let what = refused["errors"][0]["what"].as_str().expect("a text");
    assert!(what.ends_with("key1 is named twice"), "{what}");
}

/// Two hosts on one database, each with the file of its key, if it has one.
fn fleet(keys: [Option<&Path>; 2]) -> (Postgres, [TempDir; 2], [Result<Server, String>; 2]) {
    let (postgres, beside) = (Postgres::start(), [directory(), directory()]);
    let mut hosts = beside.iter().zip(keys).map(|(data, key)| {
        let url = postgres.url();
        let mut settings = vec![("STOKEHOLD_STORE_DATABASE", url.as_str())];
        let key = key.map(|key| key.to_str().expect("text"));
        settings.extend(key.map(|key| ("STOKEHOLD_SECRETS_KEY_FILE", key)));
        Server::try_start(data.path(), &["--sandbox"], &settings)
    });
    let hosts = [hosts.next().expect("one"), hosts.next().expect("another")];
    (postgres, beside, hosts)
}

/// A key in a file.
fn key_file(directory: &Path) -> std::path::PathBuf {
    let path = directory.join("the.key");
    fs::write(&path, "0123456789abcdef".repeat(4)).expect("a file");
    path
}

#[test]
fn a_change_reaches_the_other_host() {
    let keys = directory();
    let key = key_file(keys.path());
    let (_postgres, _beside, [one, other]) = fleet([Some(&key), Some(&key)]);
    let (one, other) = (one.expect("it starts"), other.expect("it starts"));
    sell(&one);
    let digits = |host: &Server| call(host).json()["result"].as_i64();
    poll::until("the other tells it", || (digits(&other) == Some(32)).then_some(()));
    set(&one.operator(), "12345678901").expect(204);
    assert_eq!(digits(&one), Some(11));
    poll::until("the other tells the new one", || (digits(&other) == Some(11)).then_some(()));
    other.operator().send("DELETE", PATH, None).expect(204);
    poll::until("the first tells none", || {
        (call(&one).json()["error"]["data"]["outcome"] == "no-service").then_some(())
    });
}

#[test]
fn hosts_that_share_a_database_need_a_key_file() {
    let keys = directory();
    let key = key_file(keys.path());
    let (postgres, _beside, [with, without]) = fleet([Some(&key), None]);
    let (with, without) = (with.expect("it starts"), without.expect("it starts"));
    without.register("teller");
    let refused = set(&without.operator(), VALUE).problem(409);
    assert!(refused["detail"].as_str().is_some_and(|why| why.contains("secrets.key_file")));
    poll::until("the first host knows the service", || {
        (with.operator().get("/api/v1/services/teller").status == 200).then_some(())
    });
    set(&with.operator(), VALUE).expect(204);
    without.stop();
    let (data, url) = (directory(), postgres.url());
    let settings = [("STOKEHOLD_STORE_DATABASE", url.as_str())];
    let said = Server::try_start(data.path(), &["--sandbox"], &settings).expect_err("no start");
    assert!(said.contains("secrets.key_file"), "{said}");
    let nowhere = [settings[0], ("STOKEHOLD_SECRETS_KEY_FILE", "/nowhere/at/all")];
    let said = Server::try_start(data.path(), &["--sandbox"], &nowhere).expect_err("no start");
    assert!(said.contains("/nowhere/at/all"), "{said}");
}

#[test]
fn a_lost_key_keeps_secrets_closed_and_the_host_open() {
    let data = directory();
    let server = Server::sandbox(data.path());
    sell(&server);
    server.stop();
    fs::remove_file(data.path().join("secrets.key")).expect("it is gone");
    let server = Server::sandbox(data.path());
    let fault = call(&server).fault("Unavailable");
    assert_eq!(fault["outcome"], "no-service", "{fault}");
    set(&server.operator(), VALUE).expect(204);
    assert_eq!(call(&server).result(), VALUE.len());
    assert!(server.stop().contains("was sealed with another key"));
}

/// Runs `stokehold secret` with a value on standard input.
fn secret(server: &Server, arguments: &[&str], value: &str) -> Ran {
    let data = directory();
    let file = data.path().join("value");
    fs::write(&file, value).expect("a file");
    let mut command = binary::command(&[&["secret"], arguments].concat());
    command.args(["--server", &server.address]).env("STOKEHOLD_TOKEN", ADMIN_TOKEN);
    command.stdin(fs::File::open(&file).expect("a file"));
    Ran::new(command.output().expect("the program starts"))
}

#[test]
fn secrets_are_managed_from_the_shell() {
    let data = directory();
    let server = Server::sandbox(data.path());
    server.register("teller");
    secret(&server, &["set", "teller", "key1"], &format!("{VALUE}\n")).success();
    publish(&server).expect(201);
    server.grant("teller", "anna", &json!(100));
    assert_eq!(call(&server).result(), VALUE.len(), "the end of the line is no part of it");
    let file = data.path().join("value");
    fs::write(&file, "12345678901\n").expect("a file");
    secret(&server, &["set", "teller", "key1", "--file", file.to_str().expect("text")], "")
        .success();
    assert_eq!(call(&server).result(), 11);
    assert!(secret(&server, &["list", "teller"], "").success().contains("key1"));
    let listed = secret(&server, &["list", "teller", "--json"], "").json();
    assert_eq!(listed["secrets"][0]["name"], "key1");
    secret(&server, &["delete", "teller", "key1"], "").success();
    let gone = secret(&server, &["delete", "teller", "key1"], "");
    gone.failed(1, "key1 was not dropped", "404 no such secret", "--server");
    let empty = secret(&server, &["set", "teller", "key1"], "");
    assert!(empty.code == Some(1) && empty.stderr.contains("1 to 16384 bytes"), "{empty:?}");
}

#[test]
fn a_call_at_home_is_given_its_secrets() {
    let project = directory();
    let manifest = upload::manifest("teller", NAMED);
    fs::write(project.path().join("service.toml"), manifest).expect("a manifest");
    fs::write(project.path().join("it.wasm"), telling()).expect("a component");
    let file = project.path().join("value");
    fs::write(&file, "12345678901\n").expect("a file");
    let path = project.path().to_str().expect("text");
    let run = |options: &[&str]| binary::run(&[&["run", path, "say", "--json"], options].concat());
    let given = format!("key1={VALUE}");
    let told = run(&["--secret", &given]);
    assert_eq!(told.json()["result"], VALUE.len(), "{told:?}");
    assert!(!told.stdout.contains(VALUE) && !told.stderr.contains(VALUE), "{told:?}");
    let from_file = format!("key1={}", file.to_str().expect("text"));
    assert_eq!(run(&["--secret-file", &from_file]).json()["result"], 11);
    run(&[]).failed(2, "the secret key1 has no value", "service.toml", "--secret-file key1=FILE");
    let unknown = run(&["--secret", &given, "--secret", "other=x"]);
    unknown.failed(2, "the secret other is not known", "service.toml", "[secrets]");
    let unnamed = run(&["--secret", VALUE]);
    assert!(unnamed.code == Some(2) && !unnamed.stderr.contains(VALUE), "{unnamed:?}");
    let checked = binary::run(&["check", path]).success();
    assert!(checked.contains("  secrets  key1, to be set before it goes live\n"), "{checked}");
}
