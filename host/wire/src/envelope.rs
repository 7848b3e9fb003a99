//! Requests (JSON-RPC 2.0, sections 4 and 6).

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::fault::{Class, Fault};
use crate::params::Params;

/// What a body holds.
#[derive(Debug)]
pub enum Payload<'a> {
    /// One message.
    Single(Message<'a>),
    /// Several, in their order. Never empty.
    Batch(Vec<Result<Message<'a>, Fault>>),
}

/// A request or, without an id, a notification.
#[derive(Debug)]
pub struct Message<'a> {
    /// To be echoed in the answer. A notification has none, and gets no answer.
    pub id: Option<Id<'a>>,
    /// The named parameters.
    pub params: Params<'a>,
    /// The message as it was sent.
    pub text: &'a str,
}

impl Message<'_> {
    /// The message's text, where its id is one that only a repeat would carry again.
    pub fn repeatable(&self) -> Option<&str> {
        self.id.filter(|id| *id != Id::NULL).map(|_| self.text)
    }
}

/// The id of a request: a string, a number or `null`, kept as the text that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Id<'a>(&'a str);

impl Id<'static> {
    /// The id of an answer to what was no request.
    pub const NULL: Self = Self("null");
}

impl Id<'_> {
    /// The id as JSON text.
    pub fn as_json(&self) -> &str {
        self.0
    }
}

/// What a body may have.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most messages of a batch. A larger one is refused whole.
    pub batch_max: usize,
    /// How deep arrays and objects may be nested, the outermost included.
    pub depth_max: usize,
}

/// Reads a body.
///
/// The method's name is not checked: on these paths the path says what is asked.
pub fn parse(body: &[u8], limits: Limits) -> Result<Payload<'_>, Fault> {
    let text = std::str::from_utf8(body).map_err(|error| {
        Fault::new(Class::ParseError, format!("the body is not UTF-8: {error}"))
    })?;
    let Limits { batch_max, depth_max } = limits;
    if is_deeper(body, depth_max) {
        let what = format!("the body is nested deeper than this host's limit of {depth_max}");
        return Err(Fault::new(Class::ParseError, what));
    }
    // RFC 8259, section 2: white space.
    let whole = text.trim_matches([' ', '\t', '\n', '\r']);
    if !whole.starts_with('[') {
        return message(whole).map_err(|wrong| if_json(text, wrong)).map(Payload::Single);
    }
    let several: Vec<&RawValue> =
        serde_json::from_str(whole).map_err(|error| if_json(text, invalid(&error)))?;
    match several.len() {
        0 => Err(Fault::new(Class::InvalidRequest, "an empty batch")),
        length if length > batch_max => {
            let what = format!("a batch of {length} requests: the limit is {batch_max}");
            Err(Fault::new(Class::InvalidRequest, what))
        }
        _ => {
            let several = several.into_iter().map(|one| message(one.get()));
            Ok(Payload::Batch(several.collect()))
        }
    }
}

/// What is wrong with a text, if it is JSON at all.
fn if_json(text: &str, wrong: Fault) -> Fault {
    match serde_json::from_str::<&RawValue>(text) {
        Ok(_) => wrong,
        Err(error) => Fault::new(Class::ParseError, format!("the body is not JSON: {error}")),
    }
}

/// Whether a JSON text is nested deeper than that. Of what is no JSON it says one thing or the other.
fn is_deeper(body: &[u8], max: usize) -> bool {
    // Nearly always there are not even that many brackets.
    body.iter().filter(|byte| matches!(byte, b'{' | b'[')).count() > max && depth(body) > max
}

fn depth(body: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut bytes = body.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'{' | b'[' => {
                depth = depth.saturating_add(1);
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => skip_string(&mut bytes),
            _ => {}
        }
    }
    deepest
}

/// Goes behind the end of a string that has begun.
fn skip_string(bytes: &mut std::slice::Iter<'_, u8>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return,
            // What is escaped ends no string.
            b'\\' => drop(bytes.next()),
            _ => {}
        }
    }
}

#[derive(Deserialize)]
struct Envelope<'a> {
    jsonrpc: Option<&'a RawValue>,
    method: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    params: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
}

/// Keeps a `null` apart from a member that is not there.
fn present<'de, D: serde::Deserializer<'de>>(member: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(member).map(Some)
}

fn message(text: &str) -> Result<Message<'_>, Fault> {
    if !text.starts_with('{') {
        return Err(Fault::new(Class::InvalidRequest, "a request has to be an object"));
    }
    let envelope: Envelope<'_> = serde_json::from_str(text).map_err(|error| invalid(&error))?;
    let is = |member: Option<&RawValue>, expected: &str| {
        member.is_some_and(|value| value.get() == expected)
    };
    if !is(envelope.jsonrpc, "\"2.0\"") {
        return Err(Fault::new(Class::InvalidRequest, "\"jsonrpc\" has to be \"2.0\""));
    }
    if !envelope.method.is_some_and(|method| method.get().starts_with('"')) {
        return Err(Fault::new(Class::InvalidRequest, "\"method\" has to be a string"));
    }
    let id = envelope.id.map(RawValue::get);
    if id.is_some_and(|id| id.starts_with(['{', '[', 't', 'f'])) {
        let what = "\"id\" has to be a string, a number or null";
        return Err(Fault::new(Class::InvalidRequest, what));
    }
    Ok(Message { id: id.map(Id), params: Params::read(envelope.params), text })
}

fn invalid(error: &serde_json::Error) -> Fault {
    Fault::new(Class::InvalidRequest, format!("not a JSON-RPC 2.0 request: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { batch_max: 10, depth_max: 5 };

    fn single(body: &str) -> Result<Message<'_>, Fault> {
        match parse(body.as_bytes(), LIMITS)? {
            Payload::Single(message) => Ok(message),
            Payload::Batch(_) => panic!("a batch"),
        }
    }

    fn class(body: &str) -> Class {
        single(body).expect_err("a fault").class
    }

    #[test]
    fn ids_are_echoed_as_they_came() {
        for (id, expected) in [
            ("\"a90378ec\"", Some("\"a90378ec\"")),
            ("7", Some("7")),
            ("1e400", Some("1e400")),
            ("null", Some("null")),
            ("\"\\u00e9\"", Some("\"\\u00e9\"")),
        ] {
            let body = format!(r#"{{"jsonrpc":"2.0","method":"call","params":{{}},"id":{id}}}"#);
            let message = single(&body).expect("a request");
            assert_eq!(message.id.as_ref().map(Id::as_json), expected);
        }
        let notification = single(r#"{"jsonrpc":"2.0","method":"call","params":{}}"#);
        assert_eq!(notification.expect("a notification").id, None);
    }

    #[test]
    fn what_is_no_request_is_named() {
        for body in ["", "{", "{\"jsonrpc\":\"2.0\",}", "nul", "{}{}", "\u{feff}{}"] {
            assert_eq!(class(body), Class::ParseError, "{body}");
        }
        for body in [
            "{}",
            "1",
            "null",
            "\"call\"",
            r#"{"jsonrpc":"1.0","method":"call"}"#,
            r#"{"jsonrpc":2.0,"method":"call"}"#,
            r#"{"jsonrpc":"2.0","method":1}"#,
            r#"{"jsonrpc":"2.0"}"#,
            r#"{"jsonrpc":"2.0","method":"call","id":{}}"#,
            r#"{"jsonrpc":"2.0","method":"call","id":true}"#,
            r#"{"jsonrpc":"2.0","method":"call","id":1,"id":2}"#,
            "[]",
        ] {
            assert_eq!(class(body), Class::InvalidRequest, "{body}");
        }
    }

    #[test]
    fn what_stands_in_a_request_s_place_is_named_in_json_s_words() {
        let fault = single("5").expect_err("a fault");
        assert_eq!(fault.message, "a request has to be an object");
    }

    #[test]
    fn a_body_may_be_nested_up_to_its_limit() {
        let nested = |depth: usize, text: &str| {
            let value = format!("{}{text}{}", "[".repeat(depth), "]".repeat(depth));
            format!(r#"{{"jsonrpc":"2.0","method":"call","params":{{"a":{value}}},"id":1}}"#)
        };
        assert!(single(&nested(3, "")).is_ok());
        assert_eq!(class(&nested(4, "")), Class::ParseError);
        assert_eq!(class(&nested(1_000_000, "")), Class::ParseError);
        // Brackets in a string nest nothing.
        assert!(single(&nested(3, r#""[{\"[{\\""#)).is_ok());
        assert!(single(&nested(3, r#""\\",{}"#)).is_err());
    }

    #[test]
    fn the_corpus_of_the_fuzz_target_holds() {
        // Tests run in the folder of their package; another checkout may have built them.
        let corpus = "../../fuzz/corpus/envelope";
        let mut seen = 0;
        for file in std::fs::read_dir(corpus).expect("a corpus") {
            let input = std::fs::read(file.expect("a file").path()).expect("an input");
            crate::probe::envelope(&input);
            seen += 1;
        }
        assert!(seen > 5, "{seen} inputs");
    }

    #[test]
    fn a_batch_is_bounded() {
        let batch = |length| format!("[{}]", vec!["1"; length].join(","));
        assert!(
            matches!(parse(batch(10).as_bytes(), LIMITS), Ok(Payload::Batch(all)) if all.len() == 10)
        );
        assert!(parse(batch(11).as_bytes(), LIMITS).is_err());
    }
}
