//! Answers (JSON-RPC 2.0, section 5).

use crate::envelope::Id;
use crate::fault::Fault;

/// An answer with a result. `result` is JSON text and is passed on untouched.
///
/// It never has an `error` member, not even `null`: clients test for its presence.
pub fn success(id: Id<'_>, result: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{},"result":{result}}}"#, id.as_json())
}

/// An answer with an error.
pub fn failure(id: Id<'_>, fault: &Fault) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{},"error":{}}}"#, id.as_json(), fault.to_json())
}

/// The answers to a batch. None at all where it was notifications only.
pub fn batch(answers: &[String]) -> Option<String> {
    (!answers.is_empty()).then(|| format!("[{}]", answers.join(",")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Class;
    use serde_json::{Value, json};

    #[test]
    fn an_error_always_carries_its_data() {
        let fault = Fault::new(Class::AccessError, "no").with("outcome", "x");
        let answer: Value = serde_json::from_str(&failure(Id::NULL, &fault)).expect("JSON");
        assert_eq!(
            answer,
            json!({"jsonrpc": "2.0", "id": null, "error": {"code": 200, "message": "no", "data": {
                "name": "odoo.exceptions.AccessError", "message": "no", "debug": "",
                "arguments": ["no"], "context": {}, "outcome": "x"}}})
        );
    }

    #[test]
    fn a_success_has_no_error_member() {
        assert_eq!(success(Id::NULL, "1.10"), r#"{"jsonrpc":"2.0","id":null,"result":1.10}"#);
        assert_eq!(batch(&[]), None);
        assert_eq!(batch(&["1".into(), "2".into()]).as_deref(), Some("[1,2]"));
    }
}
