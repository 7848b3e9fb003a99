//! The events of a call, as a client listens to them.

use std::io::BufRead;

use serde_json::Value;

use crate::http::Client;

/// An event.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// What kind it is of: `status`, `progress`, `log`, `outcome`.
    pub kind: String,
    /// Its id, empty where it has none.
    pub id: String,
    /// What it says.
    pub data: Value,
}

/// The events of the call at `location`, as they come.
#[track_caller]
pub fn follow(client: &Client, location: &str) -> impl Iterator<Item = Event> + use<> {
    let (status, body) = client.open(&format!("{location}/events"));
    assert_eq!(status, 200);
    let mut lines = body.lines();
    std::iter::from_fn(move || {
        let (mut kind, mut id, mut data) = (None, String::new(), Value::Null);
        loop {
            let line = lines.next()?.expect("a line");
            match line.split_once(": ") {
                Some(("event", text)) => kind = Some(text.to_owned()),
                Some(("id", text)) => text.clone_into(&mut id),
                Some(("data", text)) => data = serde_json::from_str(text).expect("JSON"),
                // The end of an event, or of a comment that keeps the connection open.
                _ if line.is_empty() && kind.is_some() => {
                    return Some(Event { kind: kind.unwrap_or_default(), id, data });
                }
                _ => {}
            }
        }
    })
}
