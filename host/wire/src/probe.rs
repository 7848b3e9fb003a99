//! What has to hold for any body: called by the fuzz target, and by the tests on its corpus.

use serde_json::{Map, Value};

use crate::envelope::{Id, Limits, Message, Payload, parse};
use crate::fault::Fault;
use crate::reply::{failure, success};

/// The limits here.
const LIMITS: Limits = Limits { batch_max: 50, depth_max: 128 };

/// Reads `body`.
///
/// # Panics
///
/// Where an answer to it would break the protocol.
pub fn envelope(body: &[u8]) {
    match parse(body, LIMITS) {
        Err(fault) => check_fault(Id::NULL, &fault),
        Ok(Payload::Single(message)) => check(&message),
        Ok(Payload::Batch(messages)) => {
            assert!(
                (1..=LIMITS.batch_max).contains(&messages.len()),
                "{} messages",
                messages.len()
            );
            for message in messages {
                match message {
                    Ok(message) => check(&message),
                    Err(fault) => check_fault(Id::NULL, &fault),
                }
            }
        }
    }
}

fn check(message: &Message<'_>) {
    let params = &message.params;
    let id = message.id.unwrap_or(Id::NULL);
    let answer = object(&success(id, "true"));
    assert_eq!(answer["result"], true);
    assert!(!answer.contains_key("error"), "a success has no error member");
    let faults = [
        params.check().err(),
        params.account_token().err(),
        params.credits("credit").err(),
        params.string("description").err(),
        params.boolean("warn_me").err(),
        params.list("iap_accounts", |item| crate::Params::object(item).map(drop)).err(),
    ];
    for fault in faults.iter().flatten() {
        check_fault(id, fault);
    }
    if params.check().is_ok() {
        let rest = params.without(&["account_token"]);
        // A number that no float can hold is JSON text, but not a value here.
        if let Ok(rest) = serde_json::from_str::<Map<String, Value>>(&rest) {
            assert!(!rest.contains_key("account_token"), "the token was taken out");
        }
    }
}

fn check_fault(id: Id<'_>, fault: &Fault) {
    let answer = object(&failure(id, fault));
    let data = &answer["error"]["data"];
    assert!(data["name"].is_string() && data["message"].is_string(), "{answer:?}");
    assert!(!answer.contains_key("result"), "an error has no result member");
}

/// The members of an answer, but for its id, which may be a number that no float can hold.
fn object(answer: &str) -> Map<String, Value> {
    let members: std::collections::BTreeMap<String, &serde_json::value::RawValue> =
        serde_json::from_str(answer).expect("an answer is a JSON object");
    let others = members.into_iter().filter(|(name, _)| name != "id");
    let value = |text: &str| serde_json::from_str(text).expect("a member is JSON");
    others.map(|(name, text)| (name, value(text.get()))).collect()
}
