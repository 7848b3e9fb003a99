//! Publishing to a registry and from one: a real one, Distribution, in a process of its own.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use serde_json::Value;
use stokehold_tests::binary::{command, run};
use stokehold_tests::http::Client;
use stokehold_tests::server::{ADMIN_TOKEN, Server};
use stokehold_tests::{binary, guest, poll};
use tempfile::TempDir;

use crate::project::Project;

/// `anna` with the password `secret`; the hash has bcrypt's lowest cost.
const USERS: &str = "anna:$2b$04$muAMQM4002m/ggTRy8WS7u44trgTdyw93lyONu1araPIOloEhCjSe\n";

/// A registry, which is killed when this is dropped.
struct Registry {
    child: Child,
    host: String,
    directory: TempDir,
}

impl Registry {
    /// Starts one with further lines of its configuration, and returns when it answers.
    fn start(more: impl Fn(&TempDir) -> String) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let host = free.local_addr().expect("an address").to_string();
        drop(free);
        let path = directory.path().join("config.yml");
        let config = format!(
            "version: 0.1\nlog:\n  level: error\n  accesslog:\n    disabled: true\n\
             storage:\n  filesystem:\n    rootdirectory: {}/data\nhttp:\n  addr: {host}\n{}",
            directory.path().display(),
            more(&directory),
        );
        fs::write(&path, config).expect("it is written");
        let mut program = Command::new("docker-registry");
        program.arg("serve").arg(path).stdout(Stdio::null()).stderr(Stdio::null());
        let child = program.spawn().expect("docker-registry starts: cargo xtask test installs it");
        let registry = Registry { child, host, directory };
        poll::until("the registry", || registry.client().try_send("GET", "/v2/", None).ok());
        registry
    }

    fn client(&self) -> Client {
        Client::new(&format!("http://{}", self.host))
    }

    fn reference(&self, rest: &str) -> String {
        format!("oci://{}/{rest}", self.host)
    }

    /// Has `wkg` do something with this registry.
    #[track_caller]
    fn wkg(&self, arguments: &[&str]) {
        let program = binary::toolchains().join("wkg/bin/wkg");
        let mut wkg = Command::new(&program);
        // What it knows of registries and their users is not this test's.
        wkg.env("HOME", self.directory.path()).args(["oci"]).args(arguments);
        let ran = wkg.args(["--insecure", &self.host]).output();
        let ran = ran.unwrap_or_else(|error| {
            panic!("{}: {error}: run `cargo xtask toolchains`", program.display())
        });
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    }

    /// The manifest of a tag.
    fn manifest(&self, repository: &str, tag: &str) -> Value {
        let accepting = "application/vnd.oci.image.manifest.v1+json";
        let path = format!("/v2/{repository}/manifests/{tag}");
        self.client().with("Accept", accepting).get(&path).expect(200)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        // One that has ended already cannot be killed, and need not be.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_project_goes_through_a_registry_to_a_server() {
    let registry = Registry::start(|_| String::new());
    let coal_roller = binary::root().join("plugins/coalroller");
    let coal_roller = coal_roller.to_str().expect("a path of text");
    let reference = registry.reference("acme/coalroller:1.0");
    let pushed = run(&["publish", coal_roller, "--to", &reference, "--json"]);
    assert_eq!(pushed.code, Some(0), "{pushed:?}");
    let pushed = pushed.json();
    let again = run(&["publish", coal_roller, "--to", &reference, "--json"]).json();
    assert_eq!(pushed, again, "the same project is the same artifact");

    // As the specification of the artifact and `wkg`, which reads it, have it: one layer.
    let manifest = registry.manifest("acme/coalroller", "1.0");
    let layers = manifest["layers"].as_array().expect("layers");
    assert_eq!((layers.len(), &layers[0]["mediaType"]), (1, &"application/wasm".into()));
    assert_eq!(manifest["config"]["mediaType"], "application/vnd.wasm.config.v0+json");
    let blob = |descriptor: &Value| {
        let digest = descriptor["digest"].as_str().expect("a digest");
        registry.client().get(&format!("/v2/acme/coalroller/blobs/{digest}")).expect(200)
    };
    let config = blob(&manifest["config"]);
    assert_eq!((&config["architecture"], &config["os"]), (&"wasm".into(), &"wasip2".into()));
    assert_eq!(config["layerDigests"][0], layers[0]["digest"]);
    assert_eq!(config["component"]["exports"][0], "stokehold:service/service@0.1.0");

    let data = tempfile::tempdir().expect("a directory");
    let server = Server::sandbox(data.path());
    let digest = pushed["digest"].as_str().expect("a digest");
    for source in [reference, registry.reference(&format!("acme/coalroller@{digest}"))] {
        let to = ["--server", &server.address, "--token", ADMIN_TOKEN, "--json"];
        let published = run(&[&["publish", &source][..], &to].concat());
        assert_eq!(published.code, Some(0), "{published:?}");
        assert_eq!(published.json()["new"], false, "manifest, component and template are the same");
    }
}

/// The ecosystem's own client gets the very component, and pushes what is no service.
#[test]
fn wkg_pulls_what_is_pushed_and_pushes_no_service() {
    let registry = Registry::start(|_| String::new());
    let project = Project::new(&guest::echo(), "");
    run(&["publish", project.path(), "--to", &registry.reference("it:1")]).success();
    let file = project.file("pulled.wasm");
    registry.wkg(&["pull", "--output", &file, &format!("{}/it:1", registry.host)]);
    assert!(fs::read(&file).expect("it was pulled") == guest::echo(), "another component");

    registry.wkg(&["push", &format!("{}/bare:1", registry.host), &file]);
    let pull = ["publish", &registry.reference("bare:1"), "--key", "sk_any"];
    run(&pull).failed(1, "bare:1 was not pulled", "no service.toml", "publish DIR --to oci://");
}

#[test]
fn what_cannot_be_pushed_or_pulled_is_named() {
    let registry = Registry::start(|_| String::new());
    let project = Project::new(b"\0asm\x01\0\0\0", "");
    let reference = registry.reference("it:1");
    let push = ["publish", project.path(), "--to", &reference];
    run(&push).failed(1, "it was not published", "core WebAssembly module", "component");
    let pull = ["publish", &reference, "--key", "sk_any"];
    run(&pull).failed(1, "it:1 was not pulled", "404", "tag");
    run(&["publish", "oci://nowhere", "--key", "sk_any"]).failed(
        2,
        "the registry is not named",
        "oci://HOST/REPOSITORY:TAG",
        "such as",
    );
    let gone = "oci://127.0.0.1:1/it:1";
    run(&["publish", gone, "--key", "sk_any"]).failed(1, "not pulled", "127.0.0.1:1", "name right");
}

#[test]
fn a_registry_is_told_who_asks() {
    let registry = Registry::start(|directory| {
        let users = directory.path().join("users");
        fs::write(&users, USERS).expect("it is written");
        format!("auth:\n  htpasswd:\n    realm: test\n    path: {}\n", users.display())
    });
    let project = Project::new(&guest::echo(), "");
    project.write("password", "secret\n");
    let reference = registry.reference("it:1");
    let push = ["publish", project.path(), "--to", &reference];
    run(&push).failed(1, "was not pushed", "401", "--registry-user");
    let login = ["--registry-user", "anna", "--registry-password-file", &project.file("password")];
    run(&[&push[..], &login].concat()).success();
    let mut wrong = command(&push);
    wrong.env("STOKEHOLD_REGISTRY_USER", "anna").env("STOKEHOLD_REGISTRY_PASSWORD", "wrong");
    let wrong = binary::Ran::new(wrong.output().expect("it starts"));
    wrong.failed(1, "was not pushed", "401", "--registry-user");
    run(&[&push[..], &["--registry-user", "anna"]].concat()).failed(2, "no password", "", "file");
}

/// What a server was asked: method, path, and who asks.
#[derive(Debug, PartialEq, Eq)]
struct Asked(String, String, String);

/// A server that gives these answers. Answers its host, and what it is asked. It ends with the process.
fn server(answer: impl Fn(&Asked, &str) -> String + Send + 'static) -> (String, Receiver<Asked>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let host = listener.local_addr().expect("an address").to_string();
    let (asked, requests) = mpsc::channel();
    let name = host.clone();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut reader = BufReader::new(&stream);
            let lines = reader.by_ref().lines().map(|line| line.expect("text"));
            let head: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
            let header = |wanted: &str| {
                head.iter().find_map(|line| {
                    let (name, value) = line.split_once(": ")?;
                    name.eq_ignore_ascii_case(wanted).then(|| value.to_owned())
                })
            };
            let length = header("content-length").map_or(0, |text| text.parse().expect("a number"));
            let read = std::io::copy(&mut reader.take(length), &mut std::io::sink());
            assert_eq!(read.expect("its body"), length);
            let mut words = head[0].split(' ').map(str::to_owned);
            let mut word = || words.next().expect("a word");
            let request = Asked(word(), word(), header("authorization").unwrap_or_default());
            let (status, headers) = (answer(&request, &name), "Connection: close\r\n");
            asked.send(request).expect("somebody listens");
            let (status, rest) = status.split_once("\r\n").expect("a status");
            let _ = stream.write_all(format!("HTTP/1.1 {status}\r\n{headers}{rest}").as_bytes());
        }
    });
    (host, requests)
}

/// An answer without a body.
fn bare(status: &str) -> String {
    format!("{status}\r\nContent-Length: 0\r\n\r\n")
}

/// Knows nothing, and tells that only to those who come with a token of its own.
fn answer_of_a_token_registry(Asked(_, path, who): &Asked, host: &str) -> String {
    if path.starts_with("/token") {
        "200 OK\r\nContent-Length: 15\r\n\r\n{\"token\":\"abc\"}".to_owned()
    } else if who == "Bearer abc" {
        bare("404 Not Found")
    } else {
        let realm = format!("realm=\"http://{host}/token\"");
        bare(&format!(
            "401 Unauthorized\r\nWWW-Authenticate: Bearer {realm},service=\"it\",\
             scope=\"repository:it:pull\""
        ))
    }
}

/// `anna:secret`, in base 64.
const ANNA: &str = "Basic YW5uYTpzZWNyZXQ=";

/// Has it run as `anna`.
fn by_anna(arguments: &[&str]) -> binary::Ran {
    let mut ran = command(arguments);
    ran.env("STOKEHOLD_REGISTRY_USER", "anna").env("STOKEHOLD_REGISTRY_PASSWORD", "secret");
    binary::Ran::new(ran.output().expect("it starts"))
}

#[test]
fn a_token_is_asked_for_where_the_registry_says() {
    let (host, requests) = server(answer_of_a_token_registry);
    let reference = format!("oci://{host}/it:1");
    by_anna(&["publish", &reference, "--key", "sk_any"]).failed(
        1,
        "it:1 was not pulled",
        "404",
        "tag",
    );
    let asked: Vec<_> = requests.try_iter().collect();
    let got = |path: &str, who: &str| Asked("GET".into(), path.into(), who.into());
    let (manifest, token) =
        ("/v2/it/manifests/1", "/token?service=it&scope=repository%3Ait%3Apull");
    assert_eq!(asked, [got(manifest, ""), got(token, ANNA), got(manifest, "Bearer abc")]);
}

/// A registry may have blobs put elsewhere. Whoever is there is not told who asks, however it asks.
#[test]
fn a_password_goes_to_the_registry_alone() {
    for accepts in [true, false] {
        let (elsewhere, put) = server(move |_, host| {
            let challenge = format!("WWW-Authenticate: Bearer realm=\"http://{host}/token\"");
            bare(&if accepts { "201 Created".into() } else { format!("401 No\r\n{challenge}") })
        });
        let (host, requests) = server(move |Asked(method, _, who), _| match method.as_str() {
            _ if who != ANNA => bare("401 No\r\nWWW-Authenticate: Basic realm=\"it\""),
            "HEAD" => bare("404 Not Found"),
            "POST" => bare(&format!("202 Accepted\r\nLocation: http://{elsewhere}/put?a=b")),
            _ => bare("201 Created"),
        });
        let project = Project::new(&guest::echo(), "");
        let pushed = by_anna(&["publish", project.path(), "--to", &format!("oci://{host}/it:1")]);
        let put: Vec<_> = put.try_iter().collect();
        assert!(
            put.iter().all(|Asked(method, path, who)| {
                method == "PUT" && path.starts_with("/put?a=b&digest=sha256:") && who.is_empty()
            }),
            "{put:?}"
        );
        let told = requests.try_iter().filter(|Asked(_, _, who)| who == ANNA).count();
        if accepts {
            pushed.success();
            assert_eq!((put.len(), told), (2, 5), "two blobs asked for and begun, and a manifest");
        } else {
            pushed.failed(1, "was not pushed", "401", "--registry-user");
            assert_eq!((put.len(), told), (1, 2));
        }
    }
}
