//! A client of a Stokehold server, for the commands that talk to one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;
use stokehold_app::Upload;
use ureq::http::{HeaderMap, Response};
use ureq::{Agent, Body, RequestBuilder};

use crate::failure::Failure;

/// A server, and who asks it.
#[derive(Clone)]
pub(crate) struct Client {
    agent: Agent,
    server: String,
    credential: Option<Credential>,
    calls: Arc<AtomicU64>,
}

/// Who asks.
#[derive(Clone)]
pub(crate) enum Credential {
    /// An API token.
    Token(String),
    /// A service's key.
    Key(String),
}

/// An answer: its status, headers and JSON body.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Client {
    pub(crate) fn new(server: &str, credential: Option<Credential>) -> Self {
        let config = Agent::config_builder().http_status_as_error(false).build();
        let server = server.trim_end_matches('/').to_owned();
        Self { agent: config.into(), server, credential, calls: Arc::default() }
    }

    /// The same server, asked by somebody else.
    pub(crate) fn asked_by(&self, credential: Credential) -> Self {
        Self { credential: Some(credential), ..self.clone() }
    }

    pub(crate) fn get(&self, path: &str) -> Result<Answer, Failure> {
        self.answer(self.signed(self.agent.get(self.url(path))).call())
    }

    pub(crate) fn delete(&self, path: &str) -> Result<Answer, Failure> {
        self.answer(self.signed(self.agent.delete(self.url(path))).call())
    }

    pub(crate) fn put(&self, path: &str, text: &str) -> Result<Answer, Failure> {
        let request = self.signed(self.agent.put(self.url(path)));
        self.answer(request.content_type("text/plain").send(text))
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Result<Answer, Failure> {
        self.answer(self.signed(self.agent.post(self.url(path))).send_json(body))
    }

    /// The request with who asks.
    fn signed<B>(&self, request: RequestBuilder<B>) -> RequestBuilder<B> {
        match &self.credential {
            Some(Credential::Token(token)) => {
                request.header("Authorization", format!("Bearer {token}"))
            }
            Some(Credential::Key(key)) => request.header("X-Service-Key", key),
            None => request,
        }
    }

    /// A JSON-RPC request.
    pub(crate) fn call(&self, path: &str, params: &Value) -> Result<Answer, Failure> {
        // A request with the id of an earlier one would be taken for its repeat.
        let id = self.calls.fetch_add(1, Ordering::Relaxed);
        let envelope = serde_json::json!({
            "jsonrpc": "2.0", "method": "call", "params": params, "id": id
        });
        self.answer(self.agent.post(self.url(path)).send_json(envelope))
    }

    /// Uploads a version.
    pub(crate) fn upload(
        &self,
        service: &str,
        upload: &Upload,
        activate: bool,
    ) -> Result<Answer, Failure> {
        let boundary = format!("stokehold-{:016x}", upload.component.len());
        let body = multipart(&boundary, upload);
        let path = format!("/api/v1/services/{service}/versions?activate={activate}");
        let request = self
            .signed(self.agent.post(self.url(&path)))
            // A server that refuses the upload says so before it is sent.
            .header("Expect", "100-continue")
            .header("Content-Type", format!("multipart/form-data; boundary={boundary}"));
        self.answer(request.send(&body[..]))
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.server)
    }

    fn answer(&self, response: Result<Response<Body>, ureq::Error>) -> Result<Answer, Failure> {
        let response = response.map_err(|error| {
            Failure::new(format!("{} cannot be reached", self.server), error)
                .hint("is the server running? --server or STOKEHOLD_SERVER says which one")
        })?;
        let (parts, mut body) = response.into_parts();
        let text = body.read_to_string().map_err(|error| {
            Failure::new(format!("{} broke off its answer", self.server), error)
        })?;
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body })
    }
}

impl Answer {
    /// The body of a success; otherwise what the problem document says, as a failure.
    pub(crate) fn success(self, what: &str) -> Result<Value, Failure> {
        if (200..300).contains(&self.status) {
            return Ok(self.body);
        }
        let detail = self.body["detail"].as_str().unwrap_or("the server gave no reason").to_owned();
        let faults = self.body["errors"].as_array().cloned().unwrap_or_default();
        let text = |fault: &Value, key: &str| fault[key].as_str().unwrap_or_default().to_owned();
        if !faults.is_empty() {
            let faults = faults.iter().map(|fault| (text(fault, "what"), text(fault, "mend")));
            return Err(Failure::plain(what).faults(faults));
        }
        let failure = Failure::new(what, format!("{} {detail}", self.status));
        Err(match self.status {
            401 => failure.hint("the token, or the service's key, has to be one of this server's"),
            403 => failure.hint("--token or STOKEHOLD_TOKEN says who asks"),
            404 => failure.hint(
                "is it there, and yours? --server or STOKEHOLD_SERVER says which server is asked",
            ),
            409 => {
                failure.hint("look at what is there: somebody else has it, or it was done before")
            }
            413 => failure.hint("make it smaller, or ask the operator for a higher limit"),
            _ => failure,
        })
    }
}

/// What stands in a path for a name, whatever is in it (RFC 3986).
pub(crate) fn segment(name: &str) -> String {
    let keep = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let text =
        |byte| if keep(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    name.bytes().map(text).collect()
}

/// The parts of an upload (RFC 7578).
fn multipart(boundary: &str, upload: &Upload) -> Vec<u8> {
    let mut parts: Vec<(String, &[u8])> = vec![
        (disposition("manifest", "service.toml"), upload.manifest.as_bytes()),
        (disposition("component", "component.wasm"), &upload.component),
    ];
    for (name, text) in &upload.files {
        parts.push((disposition("files", name), text.as_bytes()));
    }
    let mut body = Vec::new();
    for (head, content) in parts {
        body.extend(format!("--{boundary}\r\n{head}\r\n\r\n").as_bytes());
        body.extend(content);
        body.extend(b"\r\n");
    }
    body.extend(format!("--{boundary}--\r\n").as_bytes());
    body
}

fn disposition(part: &str, file: &str) -> String {
    let file = file.replace(['"', '\r', '\n'], "_");
    format!("Content-Disposition: form-data; name=\"{part}\"; filename=\"{file}\"")
}
