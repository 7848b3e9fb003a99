//! Where a guest's requests go, and where they do not.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use stokehold_runtime::{
    Access, Budget, End, Host, Network, NetworkSettings, Outbound, Request, Run, Stop,
};
use stokehold_tests::guest::Guest;

use crate::{BUDGET, load, runtime, stop};

const IMPORTS: &str = r#"
    (import "wasi:http/types@0.2.6" "[constructor]fields" (func $fields (result i32)))
    (import "wasi:http/types@0.2.6" "[constructor]outgoing-request"
      (func $request (param i32) (result i32)))
    (import "wasi:http/types@0.2.6" "[method]outgoing-request.set-scheme"
      (func $set_scheme (param i32 i32 i32 i32 i32) (result i32)))
    (import "wasi:http/types@0.2.6" "[method]outgoing-request.set-path-with-query"
      (func $set_path (param i32 i32 i32 i32) (result i32)))
    (import "wasi:http/types@0.2.6" "[method]outgoing-request.set-authority"
      (func $set_authority (param i32 i32 i32 i32) (result i32)))
    (import "wasi:http/types@0.2.6" "[method]future-incoming-response.subscribe"
      (func $subscribe (param i32) (result i32)))
    (import "wasi:io/poll@0.2.6" "[method]pollable.block" (func $block (param i32)))
    (import "wasi:http/types@0.2.6" "[method]future-incoming-response.get"
      (func $get (param i32 i32)))
    (import "wasi:http/types@0.2.6" "[method]incoming-response.status"
      (func $status (param i32) (result i32)))
    (import "wasi:http/outgoing-handler@0.2.6" "handle"
      (func $send (param i32 i32 i32 i32)))"#;

/// Asks its params for `/`, once or for ever, and answers with the status; an error's number is
/// answered as 1,000 and that number.
fn asking(is_endless: bool) -> Vec<u8> {
    let again = if is_endless { "(br $again)" } else { "" };
    let handle = format!(
        "(local $asked i32) (local $found i32)
         (loop $again
           (local.set $asked (call $request (call $fields)))
           ;; The first scheme is http.
           (drop (call $set_scheme (local.get $asked) (i32.const 1) (i32.const 0) (i32.const 0)
             (i32.const 0)))
           (drop (call $set_authority (local.get $asked) (i32.const 1)
             (i32.add (local.get $params) (i32.const 1))
             (i32.sub (local.get $params_bytes) (i32.const 2))))
           (drop (call $set_path (local.get $asked) (i32.const 1) (i32.const 128) (i32.const 1)))
           (call $send (local.get $asked) (i32.const 0) (i32.const 0) (i32.const 512))
           (if (i32.load8_u (i32.const 512)) (then unreachable))
           (local.set $asked (i32.load (i32.const 520)))
           (call $block (call $subscribe (local.get $asked)))
           (call $get (local.get $asked) (i32.const 1024))
           (local.set $found
             (if (result i32) (i32.load8_u (i32.const 1040))
               (then (i32.add (i32.const 1000) (i32.load8_u (i32.const 1048))))
               (else (call $status (i32.load (i32.const 1048))))))
           (if (i32.eq (local.get $found) (i32.const 200)) (then {again})))
         (i32.store8 (i32.const 256) (call $digit (local.get $found) (i32.const 1000)))
         (i32.store8 (i32.const 257) (call $digit (local.get $found) (i32.const 100)))
         (i32.store8 (i32.const 258) (call $digit (local.get $found) (i32.const 10)))
         (i32.store8 (i32.const 259) (call $digit (local.get $found) (i32.const 1)))
         (call $answer (i32.const 256) (i32.const 4))"
    );
    let fields = "(data (i32.const 128) \"/\")
      (func $digit (param $number i32) (param $unit i32) (result i32)
        (i32.add (i32.const 48)
          (i32.rem_u (i32.div_u (local.get $number) (local.get $unit)) (i32.const 10))))";
    Guest { imports: IMPORTS, fields, handle: &handle, ..Guest::default() }.component()
}

/// A server of this machine that answers 200 to whatever comes, and counts it. It ends with the
/// process.
fn server(answer: &'static str) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            count.fetch_add(1, Ordering::SeqCst);
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    (port, asked)
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

fn hosts(names: &[String]) -> Vec<Host> {
    names.iter().map(|name| name.parse().expect("a host")).collect()
}

/// Asks `authority` with what the manifest and the operator allow.
async fn ask(
    component: &[u8],
    authority: &str,
    manifest: &[String],
    settings: NetworkSettings,
    budget: Budget,
) -> Run<String> {
    let runtime = runtime();
    let program = load(&runtime, component);
    let outbound = Outbound::new(Arc::new(Network::new(settings)), hosts(manifest));
    let access = Access { outbound: Some(Arc::new(outbound)), ..Access::default() };
    let request = Request { params: format!("\"{authority}\""), ..crate::request() };
    runtime.handle(&program, request, 0, budget, access).await
}

fn private() -> NetworkSettings {
    NetworkSettings {
        hosts: hosts(&["*".to_owned()]),
        private_addresses: true,
        ..NetworkSettings::default()
    }
}

fn answered(run: &Run<String>) -> &str {
    match &run.end {
        End::Answered(text) => text,
        _ => panic!("no answer: {run:?}"),
    }
}

/// The numbers of errors among the cases of `error-code`.
const PROHIBITED: &str = "1004";
const CONNECTIONS: &str = "1011";
const DENIED: &str = "1015";

#[tokio::test]
async fn an_allowed_host_answers() {
    let (port, asked) = server(OK);
    let host = format!("127.0.0.1:{port}");
    let run = ask(&asking(false), &host, &[format!("http://{host}")], private(), BUDGET).await;
    assert_eq!(answered(&run), "0200");
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    let requests = run.host_calls.iter().find(|calls| calls.name == "wasi:http request");
    let requests = requests.expect("the request is on the bill");
    assert!(requests.calls == 1 && requests.fuel >= 20_000_000, "{requests:?}");
    assert!(!run.is_repeatable());
}

#[tokio::test]
async fn a_private_address_is_not_reached() {
    let (port, asked) = server(OK);
    for host in ["127.0.0.1", "localhost"] {
        let host = format!("{host}:{port}");
        let settings = NetworkSettings { private_addresses: false, ..private() };
        let run = ask(&asking(false), &host, &[format!("http://{host}")], settings, BUDGET).await;
        assert_eq!(answered(&run), PROHIBITED, "{host}");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_host_that_somebody_does_not_allow_is_not_reached() {
    let (port, asked) = server(OK);
    let host = format!("127.0.0.1:{port}");
    let manifest = [format!("http://{host}")];
    let nobody = NetworkSettings { hosts: Vec::new(), ..private() };
    for (manifest, settings) in
        [(&manifest[..], nobody), (&[], private()), (&["other.example".to_owned()], private())]
    {
        let run = ask(&asking(false), &host, manifest, settings, BUDGET).await;
        assert_eq!(answered(&run), DENIED);
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn without_a_network_nothing_is_reached() {
    let runtime = runtime();
    let program = load(&runtime, &asking(false));
    let request = Request { params: "\"a.example\"".to_owned(), ..crate::request() };
    let run = runtime.handle(&program, request, 0, BUDGET, Access::default()).await;
    assert_eq!(answered(&run), DENIED);
}

#[tokio::test]
async fn requests_are_limited() {
    let (port, asked) = server(OK);
    let host = format!("127.0.0.1:{port}");
    let settings = NetworkSettings { requests_max: 3, ..private() };
    let run = ask(&asking(true), &host, &[format!("http://{host}")], settings, BUDGET).await;
    assert_eq!(answered(&run), CONNECTIONS);
    assert_eq!(asked.load(Ordering::SeqCst), 3);
    let settings = NetworkSettings { requests_max: 1_000, ..private() };
    let run = ask(&asking(true), &host, &[format!("http://{host}")], settings, BUDGET).await;
    assert_eq!(*stop(&run), Stop::OutOfFuel { limit: BUDGET.fuel });
    assert!(asked.load(Ordering::SeqCst) <= 8, "each costs a fifth of the budget");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere =
        "HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n";
    let (port, asked) = server(elsewhere);
    let host = format!("127.0.0.1:{port}");
    let run = ask(&asking(false), &host, &[format!("http://{host}")], private(), BUDGET).await;
    assert_eq!(answered(&run), "0302");
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_silent_host_ends_with_the_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let host = format!("127.0.0.1:{}", listener.local_addr().expect("an address").port());
    let budget = Budget { deadline: Duration::from_millis(100), ..BUDGET };
    let run = ask(&asking(false), &host, &[format!("http://{host}")], private(), budget).await;
    assert!(matches!(stop(&run), Stop::Deadline { .. }), "{run:?}");
    // Waiting burns nothing: the fuel is what sending costs, and some calls.
    assert!(run.fuel_used < 21_000_000, "{run:?}");
}
