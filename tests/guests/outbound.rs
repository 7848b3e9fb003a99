//! Where a guest's requests go, and where they do not.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use stokehold_runtime::{
    Access, Budget, End, Host, Network, NetworkSettings, Outbound, Request, Run, Stop,
};
use stokehold_tests::guest::asking;

use crate::{BUDGET, load, runtime, stop};

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
        End::Answered(text) => text.trim_matches('"'),
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
        assert!(run.log.concat().contains("outbound.private_addresses"), "{:?}", run.log);
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_host_that_somebody_does_not_allow_is_not_reached() {
    let (port, asked) = server(OK);
    let host = format!("127.0.0.1:{port}");
    let manifest = [format!("http://{host}")];
    let nobody = NetworkSettings { hosts: Vec::new(), ..private() };
    let other = ["other.example".to_owned()];
    for (manifest, settings, why) in [
        (&manifest[..], nobody, "the operator of this host does not allow"),
        (&[], private(), "service.toml does not name"),
        (&other, private(), "service.toml does not name"),
    ] {
        let run = ask(&asking(false), &host, manifest, settings, BUDGET).await;
        assert_eq!(answered(&run), DENIED);
        let said = run.log.concat();
        assert!(said.contains(why) && said.contains(&format!("http://{host}")), "{said}");
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
    assert_eq!(
        run.log,
        [
            "outbound: a request was refused: [outbound] of service.toml does not name http://a.example"
        ]
    );
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
