//! A client of a server under test.

use std::io::BufReader;
use std::time::Duration;

use serde_json::{Value, json};
use ureq::http::{HeaderMap, Request};
use ureq::{Agent, BodyReader};

/// Longer than any call that a test makes.
const TIMEOUT: Duration = Duration::from_secs(100);

/// A client, with the headers that it sends along with every request.
#[derive(Clone, Debug)]
pub struct Client {
    agent: Agent,
    server: String,
    headers: Vec<(String, String)>,
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub text: String,
}

fn agent(time: Duration) -> Agent {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(time))
        // A server that refuses a request before its body has come closes the connection: the next
        // request must not be on its way there already.
        .max_idle_connections(0);
    config.build().into()
}

impl Client {
    /// A client that says nothing of itself.
    pub fn new(server: &str) -> Self {
        Client { agent: agent(TIMEOUT), server: server.to_owned(), headers: Vec::new() }
    }

    /// The same client, which sends one header more.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut client = self.clone();
        client.headers.push((name.to_owned(), value.to_owned()));
        client
    }

    /// The same client with an API token.
    #[must_use]
    pub fn bearer(&self, token: &str) -> Self {
        self.with("Authorization", &format!("Bearer {token}"))
    }

    /// The same client, which gives up sooner.
    #[must_use]
    pub fn within(&self, time: Duration) -> Self {
        Client { agent: agent(time), ..self.clone() }
    }

    /// Sends a request and reads its answer.
    #[track_caller]
    pub fn send(&self, method: &str, path: &str, body: Option<Vec<u8>>) -> Reply {
        self.try_send(method, path, body).unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// Sends a request and reads its answer, where the server gives one.
    pub fn try_send(
        &self,
        method: &str,
        path: &str,
        body: Option<Vec<u8>>,
    ) -> Result<Reply, ureq::Error> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.server));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let response = match body {
            Some(body) => self.agent.run(request.body(body)?)?,
            None => self.agent.run(request.body(())?)?,
        };
        let (parts, mut body) = response.into_parts();
        let text = body.read_to_string()?;
        Ok(Reply { status: parts.status.as_u16(), headers: parts.headers, text })
    }

    /// Opens an answer that comes bit by bit.
    #[track_caller]
    pub fn open(&self, path: &str) -> (u16, BufReader<BodyReader<'static>>) {
        let mut request = Request::builder().method("GET").uri(format!("{}{path}", self.server));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let response = self.agent.run(request.body(()).expect("a request"));
        let (parts, body) = response.unwrap_or_else(|error| panic!("{path}: {error}")).into_parts();
        (parts.status.as_u16(), BufReader::new(body.into_reader()))
    }

    /// `GET`.
    #[track_caller]
    pub fn get(&self, path: &str) -> Reply {
        self.send("GET", path, None)
    }

    /// `POST` of JSON.
    #[track_caller]
    pub fn post(&self, path: &str, body: &Value) -> Reply {
        self.with("Content-Type", "application/json").send("POST", path, Some(bytes(body)))
    }

    /// A JSON-RPC request.
    #[track_caller]
    pub fn rpc(&self, path: &str, params: &Value) -> Reply {
        self.post(path, &envelope(params))
    }

    /// A JSON-RPC request whose answer may never come.
    pub fn try_rpc(&self, path: &str, params: &Value) -> Result<Reply, ureq::Error> {
        let client = self.with("Content-Type", "application/json");
        client.try_send("POST", path, Some(bytes(&envelope(params))))
    }
}

impl Reply {
    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// A header, or an empty text.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The JSON body of an answer with this status.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        if self.text.is_empty() { Value::Null } else { self.json() }
    }

    /// The result of a JSON-RPC answer.
    #[track_caller]
    pub fn result(&self) -> Value {
        let body = self.expect(200);
        assert!(body.get("error").is_none(), "{self:?}");
        body["result"].clone()
    }

    /// The `data` of the error of a JSON-RPC answer. Its class ends with `class`.
    #[track_caller]
    pub fn fault(&self, class: &str) -> Value {
        let body = self.json();
        assert!(body.get("result").is_none(), "{self:?}");
        let data = &body["error"]["data"];
        let name = data["name"].as_str().unwrap_or_default();
        assert_eq!(name.rsplit('.').next(), Some(class), "{self:?}");
        assert!(data["message"].is_string() && body["error"]["code"].is_i64(), "{self:?}");
        data.clone()
    }

    /// Asserts that this is a problem document with this status, and answers it.
    #[track_caller]
    pub fn problem(&self, status: u16) -> Value {
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let problem = self.expect(status);
        assert_eq!(problem["status"], status, "{self:?}");
        for member in ["type", "title", "detail"] {
            assert!(problem[member].as_str().is_some_and(|text| !text.is_empty()), "{self:?}");
        }
        problem
    }
}

fn envelope(params: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "method": "call", "params": params, "id": 1 })
}

fn bytes(body: &Value) -> Vec<u8> {
    body.to_string().into_bytes()
}
