//! The JSON-RPC 2.0 envelope, seen from a caller.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::Error;
use crate::http::Answer;

/// A request.
#[derive(Serialize)]
pub(crate) struct Request<'a, P> {
    jsonrpc: &'static str,
    method: &'static str,
    params: &'a P,
    id: &'a str,
}

#[derive(Deserialize)]
struct Response {
    #[serde(rename = "jsonrpc")]
    _version: String,
    /// Brokers leave it out where there is nothing to say.
    #[serde(default)]
    result: Value,
    error: Option<Fault>,
}

#[derive(Deserialize)]
struct Fault {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    name: String,
    message: String,
}

impl<'a, P> Request<'a, P> {
    pub(crate) fn new(params: &'a P, id: &'a str) -> Self {
        Self { jsonrpc: "2.0", method: "call", params, id }
    }
}

/// The result in an answer, or the error in it.
pub(crate) fn result(answer: &Answer) -> Result<Value, Error> {
    let not_a_broker = |what: String| Error::NotABroker { status: answer.status, what };
    let response: Response = serde_json::from_slice(&answer.body)
        .map_err(|error| not_a_broker(format!("no JSON-RPC answer: {error}")))?;
    match response.error {
        Some(Fault { data }) => Err(Error::of_class(data.name, data.message)),
        None if (200..300).contains(&answer.status) => Ok(response.result),
        None => Err(not_a_broker("no error in it".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, body: &'static str) -> Result<Value, Error> {
        result(&Answer { status, body: body.into() })
    }

    #[test]
    fn a_result_may_be_left_out() {
        assert_eq!(read(200, r#"{"jsonrpc":"2.0","id":null,"result":"t"}"#).ok(), Some("t".into()));
        assert_eq!(read(200, r#"{"jsonrpc":"2.0","id":null}"#).ok(), Some(Value::Null));
    }

    #[test]
    fn what_is_no_answer_of_a_broker_is_no_success() {
        for (status, body) in [
            (200, ""),
            (200, "{}"),
            (200, "true"),
            (502, "<html>"),
            (500, r#"{"jsonrpc":"2.0","result":true}"#),
        ] {
            assert!(matches!(read(status, body), Err(Error::NotABroker { .. })), "{body}");
        }
    }

    #[test]
    fn an_error_counts_whatever_the_status() {
        let body = r#"{"jsonrpc":"2.0","error":{"data":{"name":"UserError","message":"no"}}}"#;
        for status in [200, 400, 413] {
            assert!(matches!(read(status, body), Err(Error::Refused(_))));
        }
    }
}
