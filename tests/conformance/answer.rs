//! Comparing an answer with what a table expects.
//!
//! In an expected JSON value the text `<text>` stands for any text but an empty one, `<number>`
//! for any number, `<any>` for anything, and `<error Class>` for an error object of that class.

use serde_json::{Value, json};
use stokehold_tests::http::Reply;

use crate::case::Case;

/// What is wrong with an answer.
pub(crate) fn check(case: &Case, reply: &Reply) -> Result<(), String> {
    if reply.status != case.status {
        return Err(format!("the status is {}, not {}: {reply:?}", reply.status, case.status));
    }
    if case.answer.as_deref() == Some("") {
        return if reply.text.is_empty() { Ok(()) } else { Err(format!("a body: {reply:?}")) };
    }
    if reply.header("content-type") != "application/json" {
        return Err(format!("not JSON: {reply:?}"));
    }
    let found: Value = serde_json::from_str(&reply.text).map_err(|error| format!("{error}"))?;
    let expected = expected(case);
    if !matches(&expected, &found) {
        return Err(format!("expected {expected}, found {found}"));
    }
    said(case, &found)
}

fn expected(case: &Case) -> Value {
    let parse = |text: &str| -> Value {
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{}: {error}", case.name))
    };
    let id = parse(&case.id);
    match (&case.result, &case.error, &case.answer) {
        (Some(result), None, None) => {
            json!({ "jsonrpc": "2.0", "id": id, "result": parse(result) })
        }
        (None, Some(class), None) => {
            json!({ "jsonrpc": "2.0", "id": id, "error": format!("<error {class}>") })
        }
        (None, None, Some(answer)) => parse(answer),
        _ => panic!("{}: one of result, error, answer", case.name),
    }
}

/// Checks the error's code and text.
fn said(case: &Case, found: &Value) -> Result<(), String> {
    let error = &found["error"];
    if case.code.is_some_and(|code| error["code"] != code) {
        return Err(format!("another code: {found}"));
    }
    let message = error["data"]["message"].as_str().unwrap_or_default();
    if message.contains(&case.says) { Ok(()) } else { Err(format!("another text: {found}")) }
}

/// Whether a value is what is expected. Objects have exactly the members that are named.
pub(crate) fn matches(expected: &Value, found: &Value) -> bool {
    match (expected, found) {
        (Value::String(text), _) if text == "<text>" => {
            found.as_str().is_some_and(|text| !text.is_empty())
        }
        (Value::String(text), _) if text == "<number>" => found.is_number(),
        (Value::String(text), _) if text == "<any>" => true,
        (Value::String(text), _) if text.starts_with("<error ") => {
            is_error(found, text.trim_start_matches("<error ").trim_end_matches('>'))
        }
        (Value::Object(expected), Value::Object(found)) => {
            expected.len() == found.len()
                && expected
                    .iter()
                    .all(|(name, value)| found.get(name).is_some_and(|found| matches(value, found)))
        }
        (Value::Array(expected), Value::Array(found)) => {
            expected.len() == found.len()
                && expected.iter().zip(found).all(|(expected, found)| matches(expected, found))
        }
        _ => expected == found,
    }
}

/// Whether this is an error that clients can read: they take `data`, `data.name` and
/// `data.message` without looking. `InsufficientCreditError`'s message is JSON, which they parse.
fn is_error(found: &Value, class: &str) -> bool {
    let data = &found["data"];
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let (Some(name), Some(message)) = (text(&data["name"]), text(&data["message"])) else {
        return false;
    };
    let is_readable = match class {
        "InsufficientCreditError" => serde_json::from_str::<Value>(&message).is_ok_and(|message| {
            let texts = ["service_name", "base_url", "title", "message"];
            texts.iter().all(|member| message[member].is_string())
                && message["credit"].is_number()
                && message["trial"].is_boolean()
        }),
        _ => !message.is_empty(),
    };
    name.rsplit('.').next() == Some(class)
        && is_readable
        && found["code"].is_i64()
        && found["message"].as_str().is_some_and(|text| !text.is_empty())
        && data["debug"] == ""
        && data["arguments"].is_array()
        && data["context"].is_object()
}
