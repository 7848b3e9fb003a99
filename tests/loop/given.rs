//! `run --config` and `--allow-host`: what the command line gives in the place of the operator.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use stokehold_tests::guest::{self, Guest};

use crate::project::Project;
use crate::run_project;

/// Answers with the text `note` of its configuration, which has to be JSON.
fn noting() -> Vec<u8> {
    let imports = r#"
        (import "wasi:config/store@0.2.0-rc.1" "get" (func $get (param i32 i32 i32)))"#;
    let handle = "(call $get (i32.const 128) (i32.const 4) (i32.const 192))
        (if (i32.load8_u (i32.const 192)) (then unreachable))
        (if (i32.eqz (i32.load8_u (i32.const 196))) (then unreachable))
        (call $answer (i32.load (i32.const 200)) (i32.load (i32.const 204)))";
    let fields = r#"(data (i32.const 128) "note")"#;
    Guest { imports, fields, handle, ..Guest::default() }.component()
}

/// A server of this machine that answers 200 to whatever comes. It ends with the process.
fn stand_in() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
        }
    });
    address.to_string()
}

#[test]
fn a_text_of_the_configuration_is_added_or_replaced() {
    let project = Project::new(&noting(), "[config]\nnote = \"1\"\n");
    assert_eq!(run_project(&project, &["any"]).success(), "1\n");
    let ran = run_project(&project, &["any", "--config", "note=[2]", "--config", "more=x=y"]);
    assert_eq!(ran.success(), "[2]\n");
    let ran = run_project(&Project::new(&noting(), ""), &["any", "--config", "note=3"]);
    assert_eq!(ran.success(), "3\n");
    let ran = run_project(&project, &["any", "--config", "note"]);
    ran.failed(2, "--config", "no `=`", "--config NAME=");
}

#[test]
fn a_host_is_reached_only_where_it_is_named() {
    let address = stand_in();
    let host = format!("http://{address}");
    let tariff = |project: &Project| {
        let text = project.read("service.toml").replace("10_000_000", "1_000_000_000");
        project.write("service.toml", text);
    };
    let unnamed = Project::new(&guest::asking_host(&address), "");
    tariff(&unnamed);
    let ran = run_project(&unnamed, &["any"]);
    let why = format!(
        "log: outbound: a request was refused: [outbound] of service.toml does not name {host}"
    );
    assert!(ran.stderr.contains(&why), "{ran:?}");
    assert_eq!(ran.success(), "\"1015\"\n", "the guest is told that it is denied");

    let more = format!("[outbound]\nhosts = [\"{host}\"]\n");
    let named = Project::new(&guest::asking_host(&address), &more);
    tariff(&named);
    let ran = run_project(&named, &["any"]);
    assert!(ran.stderr.contains("its address is private"), "as on a host: {ran:?}");
    assert_eq!(ran.success(), "\"1004\"\n");
    for project in [&unnamed, &named] {
        let ran = run_project(project, &["any", "--allow-host", &host]);
        assert!(ran.stderr.contains("may differ: it asked for wasi:http request"), "{ran:?}");
        assert_eq!(ran.success(), "\"0200\"\n");
    }
    let ran = run_project(&named, &["any", "--allow-host", "no host"]);
    ran.failed(2, "--allow-host", "\"no host\" is no host", "");
}
