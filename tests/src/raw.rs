//! HTTP as bytes on a connection, for requests that have to go out as they were recorded.

use std::io::{Read, Write};
use std::net::TcpStream;

/// Opens a connection and sends a request. `head` is its first line and its headers but `Host`,
/// one a line.
pub fn send(server: &str, head: &str, body: &[u8]) -> TcpStream {
    let host = server.strip_prefix("http://").expect("an address");
    let mut stream = TcpStream::connect(host).expect("a connection");
    let (line, headers) = head.split_once('\n').unwrap_or((head, ""));
    let mut request = format!("{line}\r\nHost: {host}\r\n");
    for header in headers.lines() {
        request.push_str(&format!("{header}\r\n"));
    }
    request.push_str("\r\n");
    let bytes = [request.as_bytes(), body].concat();
    stream.write_all(&bytes).expect("the request goes out");
    stream
}

/// Reads an answer that ends with its connection or its `Content-Length`: its status and its body.
pub fn receive(mut stream: TcpStream) -> (u16, String) {
    let mut answer = Vec::new();
    let mut part = [0; 4096];
    loop {
        if let Some(whole) = parsed(&answer) {
            return whole;
        }
        let length = stream.read(&mut part).expect("an answer");
        assert_ne!(length, 0, "the answer broke off: {}", String::from_utf8_lossy(&answer));
        answer.extend(&part[..length]);
    }
}

fn parsed(answer: &[u8]) -> Option<(u16, String)> {
    let text = std::str::from_utf8(answer).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>())
    });
    let length = length.and_then(Result::ok).unwrap_or(0);
    (body.len() >= length).then(|| (status, body.to_owned()))
}
