//! A server with pages, and a client that reads them without being a browser.

use std::fmt::Write;

use serde_json::{Value, json};
use stokehold_ledger::AccountToken;
use stokehold_tests::server::Server;
use tempfile::TempDir;
use ureq::Agent;
use ureq::http::{HeaderMap, Request};

/// A token as a client's database makes it.
pub(crate) const TOKEN: &str = "5f2c9d7ab1e84d0c93a6e2f4700de111";

/// The SHA-1 of a token, which newer clients put into links.
pub(crate) fn digest(token: &str) -> String {
    token.parse::<AccountToken>().expect("a token").key().to_string()
}

/// A server under test, gone with its data when this is dropped.
pub(crate) struct Site {
    pub(crate) server: Server,
    _data: TempDir,
    agent: Agent,
}

/// An answer for a browser.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) html: String,
}

impl Site {
    /// A sandbox with the coal roller.
    pub(crate) fn sandbox() -> Self {
        Self::start(&["--sandbox"], &[])
    }

    /// A server with settings from the environment.
    pub(crate) fn start(arguments: &[&str], settings: &[(&str, &str)]) -> Self {
        let data = tempfile::tempdir().expect("a directory");
        let server = Server::start(data.path(), arguments, settings);
        let config = Agent::config_builder().http_status_as_error(false).max_redirects(0).build();
        Self { server, _data: data, agent: config.into() }
    }

    /// Opens a page, and checks what every page has to keep to.
    #[track_caller]
    pub(crate) fn open(&self, path: &str) -> Page {
        let page = self.send("GET", path, &[], None);
        page.check();
        page
    }

    /// Sends a form of ours as a browser does.
    #[track_caller]
    pub(crate) fn submit(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        self.submit_with(path, fields, &[("Sec-Fetch-Site", "same-origin"), ("Origin", "null")])
    }

    /// Sends a form with these headers.
    #[track_caller]
    pub(crate) fn submit_with(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Page {
        let form = [headers, &[("Content-Type", "application/x-www-form-urlencoded")]].concat();
        let page = self.send("POST", path, &form, Some(encode(fields)));
        if page.status != 303 {
            page.check();
        }
        page
    }

    /// Sends a form, and opens the page that the answer leads to.
    #[track_caller]
    pub(crate) fn submit_and_follow(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        let answer = self.submit(path, fields);
        assert_eq!(answer.status, 303, "{answer:?}");
        self.open(answer.header("location"))
    }

    #[track_caller]
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<String>,
    ) -> Page {
        let address = format!("{}{path}", self.server.address);
        let mut request = Request::builder().method(method).uri(address);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = match body {
            Some(body) => self.agent.run(request.body(body).expect("a request")),
            None => self.agent.run(request.body(()).expect("a request")),
        };
        let (parts, mut body) = response.expect("an answer").into_parts();
        let html = body.read_to_string().expect("text");
        Page { status: parts.status.as_u16(), headers: parts.headers, html }
    }

    /// The packs of a service.
    pub(crate) fn packs(&self, service: &str) -> Vec<Value> {
        let packs = self.server.operator().get(&format!("/api/v1/services/{service}/packs"));
        packs.expect(200)["packs"].as_array().expect("a list").clone()
    }

    /// Sets credits of [`TOKEN`] aside for the coal roller, and answers the transaction token.
    #[track_caller]
    pub(crate) fn authorize(&self, credit: f64, description: &str) -> String {
        let params = json!({
            "key": self.server.key, "account_token": TOKEN, "credit": credit,
            "description": description,
        });
        let held = self.server.client().rpc("/iap/1/authorize", &params).result();
        held.as_str().expect("a transaction token").to_owned()
    }
}

impl Page {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// What every page keeps to, whatever it says.
    #[track_caller]
    fn check(&self) {
        assert_eq!(self.header("content-type"), "text/html; charset=utf-8", "{self:?}");
        let policy = self.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; style-src 'self';"), "{policy}");
        assert!(policy.ends_with("base-uri 'none'; frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("unsafe") && !policy.contains("script-src"), "{policy}");
        assert_eq!(self.header("referrer-policy"), "no-referrer");
        assert_eq!(self.header("cache-control"), "no-store");
        assert_eq!(self.header("x-content-type-options"), "nosniff");
        assert_eq!(self.header("set-cookie"), "");
        assert!(self.html.starts_with("<!doctype html>\n<html lang=\"en\">"), "{self:?}");
        let lower = self.html.to_lowercase();
        for forbidden in ["<script", "<style", " style=", "javascript:", "<iframe", " onload="] {
            assert!(!lower.contains(forbidden), "{forbidden} in {self:?}");
        }
        let count = |tag| self.html.matches(tag).count();
        assert_eq!(count("<table>"), count("<caption>"), "{self:?}");
        assert_eq!(count("<h1>"), 1, "{self:?}");
        assert!(!self.title().contains(TOKEN) && !self.title().contains(&digest(TOKEN)));
    }

    fn title(&self) -> &str {
        let (_, rest) = self.html.split_once("<title>").expect("a title");
        rest.split_once("</title>").expect("its end").0
    }

    /// The text, without tags, each run of white space as one space.
    pub(crate) fn words(&self) -> String {
        let mut text = String::new();
        for part in self.html.split('<').skip(1) {
            let (_, after) = part.split_once('>').expect("a tag ends");
            text.push(' ');
            text.push_str(after);
        }
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[track_caller]
    pub(crate) fn says(&self, expected: &str) {
        let words = self.words();
        assert!(words.contains(expected), "no {expected:?} in: {words}");
    }

    #[track_caller]
    pub(crate) fn says_not(&self, unexpected: &str) {
        let words = self.words();
        assert!(!words.contains(unexpected), "{unexpected:?} in: {words}");
    }

    /// The address of the first link that has this in it.
    pub(crate) fn link(&self, part: &str) -> Option<String> {
        let links = self.html.split("href=\"").skip(1);
        let links = links.map(|rest| rest.split('"').next().expect("its end"));
        links.map(|link| link.replace("&#38;", "&")).find(|link| link.contains(part))
    }
}

/// `application/x-www-form-urlencoded`.
pub(crate) fn encode(fields: &[(&str, &str)]) -> String {
    let pairs = fields.iter().map(|(name, value)| format!("{name}={}", escape(value)));
    pairs.collect::<Vec<_>>().join("&")
}

/// A text as it may stand in an address.
pub(crate) fn escape(text: &str) -> String {
    text.bytes().fold(String::new(), |mut escaped, byte| {
        if byte.is_ascii_alphanumeric() {
            escaped.push(char::from(byte));
        } else {
            write!(escaped, "%{byte:02X}").expect("it fits");
        }
        escaped
    })
}

/// The address of an account's page, as newer clients make it.
pub(crate) fn account_page(service: &str, token: &str) -> String {
    format!("/iap/1/my_account?service_name={service}&account_token={}&hashed=1", digest(token))
}

/// What names [`TOKEN`]'s account of the coal roller in a form.
pub(crate) fn form<'a>(digest: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let account = [("service_name", "coalroller"), ("account_token", digest), ("hashed", "1")];
    [&account, more].concat()
}
