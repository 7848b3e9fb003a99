//! The printing house of the tests: a server with the API that the service `postcard` asks, and
//! every bad day that such a one can have.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use serde_json::Value;

/// The key that the house knows its customer by.
pub(crate) const KEY: &str = "a-key-that-only-the-provider-knows";

/// A printing house. It ends with the process.
pub(crate) struct House {
    /// Its address, such as `http://127.0.0.1:40123`.
    pub(crate) address: String,
    seen: Arc<Mutex<Seen>>,
}

/// What the house has seen so far.
#[derive(Default)]
struct Seen {
    /// The texts of the cards that it was asked to print.
    texts: Vec<String>,
    /// What it has printed: the tracking number by the customer's key for the card.
    printed: BTreeMap<String, String>,
    /// Connections that wait for ever.
    waiting: Vec<TcpStream>,
}

/// A request, as far as it matters.
struct Asked {
    line: String,
    headers: BTreeMap<String, String>,
    card: Value,
}

impl House {
    pub(crate) fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let seen = Arc::new(Mutex::new(Seen::default()));
        let house = Self { address, seen: seen.clone() };
        thread::spawn(move || {
            for stream in listener.incoming() {
                serve(stream.expect("a connection"), &mut lock(&seen));
            }
        });
        house
    }

    /// The texts of the cards that it was asked to print, in their order.
    pub(crate) fn asked(&self) -> Vec<String> {
        lock(&self.seen).texts.clone()
    }
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Answers the one request of a connection. The card's text says what kind of day it is.
fn serve(mut stream: TcpStream, seen: &mut Seen) {
    let asked = read(&stream);
    let text = asked.card["text"].as_str().unwrap_or_default().to_owned();
    seen.texts.push(text.clone());
    let authorized = asked.headers.get("authorization") == Some(&format!("Bearer {KEY}"));
    let answer = match &*text {
        _ if asked.line != "POST /v1/postcards HTTP/1.1" => answer(404, "{}"),
        _ if !authorized => answer(401, r#"{"error":"who are you?"}"#),
        "silence" => return seen.waiting.push(stream),
        "hang up" => return,
        "half an answer" => "HTTP/1.1 201 Created\r\ncontent-length: 999\r\n\r\n{\"trac".to_owned(),
        "a page" => answer(201, "<html>It works!</html>"),
        "a fault" => answer(500, r#"{"error":"printer on fire"}"#),
        "no such street" => answer(422, r#"{"error":"there is no such street"}"#),
        "no credit" => answer(402, r#"{"error":"pay your bill"}"#),
        _ => print(seen, &asked.headers["idempotency-key"]),
    };
    // Who has gone away does not read it.
    let _ = stream.write_all(answer.as_bytes());
}

/// Prints a card, unless it has come before.
fn print(seen: &mut Seen, key: &str) -> String {
    let body = |tracking: &String| format!(r#"{{"tracking":"{tracking}"}}"#);
    if let Some(tracking) = seen.printed.get(key) {
        return answer(200, &body(tracking));
    }
    let tracking = format!("T{}", seen.printed.len() + 1);
    let answer = answer(201, &body(&tracking));
    seen.printed.insert(key.to_owned(), tracking);
    answer
}

fn answer(status: u16, body: &str) -> String {
    format!("HTTP/1.1 {status} So\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

fn read(stream: &TcpStream) -> Asked {
    let mut lines = BufReader::new(stream);
    let mut line = || {
        let mut line = String::new();
        lines.read_line(&mut line).expect("a line");
        line.trim_end().to_owned()
    };
    let first = line();
    let mut headers = BTreeMap::new();
    while let Some((name, value)) = line().split_once(": ") {
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok());
    let mut body = vec![0; length.unwrap_or_default()];
    lines.read_exact(&mut body).expect("a body");
    Asked { line: first, headers, card: serde_json::from_slice(&body).unwrap_or_default() }
}
