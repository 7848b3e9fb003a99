//! The requests that the load consists of, as the clients of Odoo's databases write them.

use std::cell::Cell;

/// What the requests of a load have in common: written once, and filled in for each.
pub(crate) struct Requests {
    authorize: Template,
    capture: Template,
    /// The last id: each is used once, as a repeat would be answered with what it got before.
    id: Cell<u128>,
}

/// A request with gaps: the head, then parts of the body between which something is filled in.
struct Template {
    parts: [Vec<u8>; 3],
}

/// How long an id, an account token and a transaction token are.
const TOKEN_LENGTH: usize = 32;

/// The head that Python's `requests` sends, of an Odoo server that calls the broker.
fn template(path: &str, body: [&str; 3]) -> Template {
    let length = body.iter().map(|part| part.len()).sum::<usize>() + 2 * TOKEN_LENGTH;
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: python-requests/2.32.3\r\n\
         Accept-Encoding: gzip, deflate\r\nAccept: */*\r\nConnection: keep-alive\r\n\
         Content-Length: {length}\r\nContent-Type: application/json\r\n\r\n"
    );
    let [first, second, third] = body;
    Template { parts: [head + first, second.into(), third.into()].map(String::into_bytes) }
}

impl Requests {
    /// Requests of a service with this key. Their ids begin with `series`.
    pub(crate) fn new(key: &str, series: u32) -> Self {
        let begin = r#"{"jsonrpc": "2.0", "method": "call", "params": {"#;
        let account = format!(r#"{begin}"account_token": ""#);
        let authorize = format!(
            r#"", "credit": 0.01, "description": "one of a benchmark", "key": "{key}"}}, "id": ""#
        );
        let token = format!(r#"{begin}"token": ""#);
        let capture = format!(r#"", "credit_to_capture": 0.01, "key": "{key}"}}, "id": ""#);
        Self {
            authorize: template("/iap/1/authorize", [&account, &authorize, "\"}"]),
            capture: template("/iap/1/capture", [&token, &capture, "\"}"]),
            id: Cell::new(u128::from(series) << 96),
        }
    }

    /// Writes the request that holds a hundredth of a credit of this account.
    pub(crate) fn authorize(&self, account: &str, into: &mut Vec<u8>) {
        self.authorize.fill(account, self.id(), into);
    }

    /// Writes the request that captures all of this hold.
    pub(crate) fn capture(&self, transaction: &str, into: &mut Vec<u8>) {
        self.capture.fill(transaction, self.id(), into);
    }

    fn id(&self) -> u128 {
        self.id.update(|id| id + 1);
        self.id.get()
    }
}

impl Template {
    fn fill(&self, token: &str, id: u128, into: &mut Vec<u8>) {
        debug_assert_eq!(token.len(), TOKEN_LENGTH, "the head has told the length");
        let [head, middle, end] = &self.parts;
        into.extend_from_slice(head);
        into.extend_from_slice(token.as_bytes());
        into.extend_from_slice(middle);
        into.extend_from_slice(format!("{id:032x}").as_bytes());
        into.extend_from_slice(end);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_request_is_as_long_as_its_head_says_and_its_body_is_json() {
        let requests = Requests::new("sk_1", 7);
        let token = "0123456789abcdef0123456789abcdef";
        let (mut authorize, mut capture) = (Vec::new(), Vec::new());
        requests.authorize(token, &mut authorize);
        requests.capture(token, &mut capture);
        let mut ids = Vec::new();
        for (request, name) in [(authorize, "account_token"), (capture, "token")] {
            let text = String::from_utf8(request).unwrap();
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())), "{head}");
            let body: Value = serde_json::from_str(body).unwrap();
            assert_eq!(body["params"][name], token);
            assert_eq!(body["params"]["key"], "sk_1");
            ids.push(body["id"].clone());
        }
        assert_ne!(ids[0], ids[1]);
    }
}
