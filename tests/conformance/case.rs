//! The form of the tables in `cases/`.

use std::fs;
use std::path::Path;

use serde::Deserialize;

/// A table of cases.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Table {
    #[serde(rename = "case")]
    pub(crate) cases: Vec<Case>,
}

/// A request, its answer, and its effect.
///
/// In `body`, `${key}` stands for the service key, `${other_key}` for another service's,
/// `${account}` for the case's own account token and `${hold}` for the transaction token that
/// `setup` has left.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    pub(crate) name: String,
    #[serde(default = "post")]
    pub(crate) method: String,
    pub(crate) path: String,
    /// What the account has to begin with; `0` for no account.
    #[serde(default = "ten")]
    pub(crate) credits: String,
    /// Steps that come before: `hold 4`, `expired 4`, `capture`, `capture 1`, `cancel`.
    #[serde(default)]
    pub(crate) setup: Vec<String>,
    /// Whether the same request was sent before: its answer is the second one's.
    #[serde(default)]
    pub(crate) repeated: bool,
    /// A request header, `Name: value`.
    #[serde(default)]
    pub(crate) header: String,
    /// The params, where the envelope is the usual one.
    params: Option<String>,
    /// The whole body.
    #[serde(default)]
    pub(crate) body: String,
    /// The HTTP status.
    #[serde(default = "ok")]
    pub(crate) status: u16,
    /// The id of the answer, JSON.
    #[serde(default = "one")]
    pub(crate) id: String,
    /// The result, JSON: see `answer.rs` for what stands for many.
    pub(crate) result: Option<String>,
    /// The class of the error, the last part of its name.
    pub(crate) error: Option<String>,
    /// The error's code.
    pub(crate) code: Option<i64>,
    /// What the error's message says, among other things.
    #[serde(default)]
    pub(crate) says: String,
    /// The whole answer, JSON, where it is more than one result or error; empty for no body.
    pub(crate) answer: Option<String>,
    /// The account's balance afterwards, where it has changed.
    pub(crate) balance: Option<String>,
    /// What is held afterwards, where it has changed.
    pub(crate) held: Option<String>,
}

fn post() -> String {
    "POST".to_owned()
}

fn ten() -> String {
    "10".to_owned()
}

fn one() -> String {
    "1".to_owned()
}

fn ok() -> u16 {
    200
}

impl Table {
    pub(crate) fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).expect("a table");
        let mut table: Table =
            toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for case in &mut table.cases {
            if let Some(params) = &case.params {
                case.body =
                    format!(r#"{{"jsonrpc":"2.0","method":"call","params":{params},"id":1}}"#);
            }
        }
        table
    }
}
