//! Uploads of versions (RFC 7578).

use crate::http::{Client, Reply};

const BOUNDARY: &str = "a-boundary-that-is-in-no-component";

/// A part: its name, its file name and what it says.
pub type Part<'a> = (&'a str, &'a str, &'a [u8]);

/// A manifest of the least that is needed, with further lines.
///
/// One credit buys ten million fuel, so that a guest that loops for ever ends at once.
pub fn manifest(name: &str, more: &str) -> String {
    format!(
        "[service]\nname = \"{name}\"\nlabel = \"The {name}\"\n[component]\npath = \"it.wasm\"\n\
         [tariff]\nfuel_per_credit = 10_000_000\n{more}"
    )
}

/// Uploads a version of `service`.
#[track_caller]
pub fn upload(client: &Client, service: &str, manifest: &str, component: &[u8]) -> Reply {
    let parts =
        [("manifest", "service.toml", manifest.as_bytes()), ("component", "it.wasm", component)];
    send(client, &format!("/api/v1/services/{service}/versions"), &parts)
}

/// Posts these parts.
#[track_caller]
pub fn send(client: &Client, path: &str, parts: &[Part<'_>]) -> Reply {
    let (kind, body) = form(parts);
    client.with("Content-Type", &kind).send("POST", path, Some(body))
}

/// A form's content type, and its body.
pub fn form(parts: &[Part<'_>]) -> (String, Vec<u8>) {
    let mut body = Vec::new();
    for (name, file, content) in parts {
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"; \
             filename=\"{file}\"\r\n\r\n"
        );
        body.extend(head.as_bytes());
        body.extend(*content);
        body.extend(b"\r\n");
    }
    body.extend(format!("--{BOUNDARY}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={BOUNDARY}"), body)
}
