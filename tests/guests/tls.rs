//! Requests in secret: whom they trust, and what is said where they cannot.

use std::net::TcpListener;
use std::sync::Arc;
use std::{fs, io, thread};

use stokehold_runtime::{
    Access, Authorities, AuthoritiesError, End, Network, NetworkSettings, Outbound, Request, Run,
};
use stokehold_tests::guest::{asking, asking_in_secret};
use stokehold_tests::tls::{Authority, Flaw};

use crate::{BUDGET, load, runtime};

/// What the guest answers where all is well.
const OK: &str = "0200";
/// The numbers of errors among the cases of `error-code`.
const TLS_PROTOCOL: &str = "1012";
const TLS_CERTIFICATE: &str = "1013";
const HTTP_PROTOCOL: &str = "1035";

/// Asks `host`, which starts with `http://` where that is not to be in secret. Answers what the
/// guest was told, and the call's log.
async fn ask(host: &str, authorities: &Authorities) -> (String, String) {
    let plain = host.strip_prefix("http://");
    let component = if plain.is_some() { asking(false) } else { asking_in_secret() };
    let hosts = vec![host.parse().expect("a host")];
    let network = Network::new(NetworkSettings {
        hosts: hosts.clone(),
        authorities: authorities.clone(),
        private_addresses: true,
        ..NetworkSettings::default()
    });
    let outbound = Outbound::new(Arc::new(network), hosts);
    let access = Access { outbound: Some(Arc::new(outbound)), ..Access::default() };
    let runtime = runtime();
    let program = load(&runtime, &component);
    let params = format!("\"{}\"", plain.unwrap_or(host));
    let request = Request { params, ..crate::request() };
    let run: Run<String> = runtime.handle(&program, request, 0, BUDGET, access).await;
    let End::Answered(answer) = &run.end else { panic!("no answer: {run:?}") };
    (answer.trim_matches('"').to_owned(), run.log.concat())
}

/// An authority, and an operator's settings that trust it.
fn trusted() -> (Authority, Authorities) {
    let authority = Authority::default();
    let directory = tempfile::tempdir().expect("a directory");
    let authorities = Authorities::read(&authority.write(directory.path())).expect("certificates");
    (authority, authorities)
}

#[tokio::test]
async fn a_server_of_a_trusted_authority_answers() {
    let (authority, authorities) = trusted();
    for name in ["localhost", "127.0.0.1"] {
        let host = format!("{name}:{}", authority.serve(name, Flaw::None));
        assert_eq!(ask(&host, &authorities).await, (OK.to_owned(), String::new()));
    }
}

#[tokio::test]
async fn a_certificate_that_is_not_right_is_refused() {
    let (authority, authorities) = trusted();
    let none = Authorities::default();
    for (name, flaw, authorities, why) in [
        ("localhost", Flaw::None, &none, "an authority that this host does not trust"),
        ("localhost", Flaw::None, &none, "outbound.ca_file"),
        ("localhost", Flaw::Expired, &authorities, "has expired"),
        ("other.example", Flaw::None, &authorities, "not for this name"),
        ("other.example", Flaw::None, &authorities, "other.example"),
    ] {
        let host = format!("localhost:{}", authority.serve(name, flaw));
        let (answer, log) = ask(&host, authorities).await;
        assert_eq!(answer, TLS_CERTIFICATE, "{name}, {flaw:?}: {log}");
        assert!(log.contains(why) && log.contains(&host), "{log}");
    }
}

#[tokio::test]
async fn who_encrypts_and_who_does_not_is_told_apart() {
    let (authority, authorities) = trusted();
    let host = format!("http://localhost:{}", authority.serve("localhost", Flaw::None));
    let (answer, log) = ask(&host, &authorities).await;
    assert_eq!(answer, HTTP_PROTOCOL, "{log}");
    assert!(log.contains("https://"), "{log}");

    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let host = format!("localhost:{}", listener.local_addr().expect("an address").port());
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        io::Write::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n").expect("written");
    });
    let (answer, log) = ask(&host, &authorities).await;
    assert_eq!(answer, TLS_PROTOCOL, "{log}");
    assert!(log.contains("no TLS: http://"), "{log}");
}

#[test]
fn a_file_without_a_good_certificate_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let read = |text: &str| {
        let path = directory.path().join("it.pem");
        fs::write(&path, text).expect("it is written");
        Authorities::read(&path).expect_err("refused")
    };
    assert!(matches!(read(""), AuthoritiesError::Empty));
    let no_certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let refused = read(no_certificate);
    assert!(matches!(refused, AuthoritiesError::Certificate { number: 1, .. }), "{refused}");
    assert!(matches!(read("-----BEGIN CERTIFICATE-----\nAAAA\n"), AuthoritiesError::File(_)));
    let missing = Authorities::read(&directory.path().join("none")).expect_err("refused");
    assert!(missing.to_string().contains("No such file"), "{missing}");
}
