//! What goes wrong between a provider and its broker.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stokehold_ledger::Credits;
use thiserror::Error;

use crate::amount;

/// Why a broker did not do what it was asked.
#[derive(Debug, Error)]
pub enum Error {
    /// The account has fewer credits available than were asked for, or there is no such account.
    /// The client has to be told: [`Error::to_rpc`].
    #[error("the account has too few credits: {}", .0.message)]
    InsufficientCredit(Box<Shortage>),
    /// The service key is not valid, or the transaction is not this service's.
    #[error("the broker denied access: {0}")]
    AccessDenied(String),
    /// The request cannot be done as things are: a capture after the hold expired, for one.
    #[error("the broker refused: {0}")]
    Refused(String),
    /// An amount or another parameter is out of its range.
    #[error("the broker cannot read the request: {0}")]
    BadRequest(String),
    /// Any other error of the broker, with the name that it gave.
    #[error("the broker failed: {message} ({name})")]
    Failed {
        /// The class of the error, `data.name` on the wire.
        name: String,
        /// What the broker said of it.
        message: String,
    },
    /// No connection, or one that broke off, twice.
    #[error("the broker cannot be reached")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// No whole answer in time. Whether the broker did its part is unknown.
    #[error("the broker did not answer within {} s", .0.as_secs_f64())]
    TimedOut(Duration),
    /// Something else than a broker listens at the endpoint.
    #[error("what answered is no broker: HTTP status {status}, and {what}")]
    NotABroker {
        /// The status of the answer.
        status: u16,
        /// What is wrong with its body.
        what: String,
    },
    /// The runtime stopped before the broker answered.
    #[error("the program stopped before the broker answered")]
    Stopped,
}

/// Not enough credits: what a client needs to know to get more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Shortage {
    /// How many credits were asked for.
    #[serde(with = "amount")]
    pub credit: Credits,
    /// The service they were for.
    pub service_name: String,
    /// Where to buy credits.
    pub base_url: String,
    /// A heading for the message.
    pub title: String,
    /// The message, in plain text.
    pub message: String,
    /// Whether the client may still get trial credits.
    pub trial: bool,
    /// HTML to show in place of the message: the charge's credit template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

impl Error {
    /// The `error` member of the JSON-RPC answer that a provider gives its own client, in the form
    /// that clients of the protocol know. Only a shortage is told in full: the rest is between
    /// provider and broker.
    pub fn to_rpc(&self) -> Value {
        let (name, message) = match self {
            Self::InsufficientCredit(shortage) => (
                "odoo.addons.iap.tools.iap_tools.InsufficientCreditError",
                serde_json::to_string(shortage).unwrap_or_else(|_| shortage.message.clone()),
            ),
            _ => ("odoo.exceptions.AccessError", "the charge failed; try again later".to_owned()),
        };
        let data = json!({ "name": name, "message": message, "debug": "" });
        json!({ "code": 200, "message": "the service was not provided", "data": data })
    }

    /// The error of a class, by its dotted name on the wire. Only its last part counts.
    pub(crate) fn of_class(name: String, message: String) -> Self {
        match name.rsplit('.').next().unwrap_or_default() {
            "InsufficientCreditError" => {
                Self::InsufficientCredit(Box::new(Shortage::of_message(message)))
            }
            "AccessError" => Self::AccessDenied(message),
            "UserError" => Self::Refused(message),
            "TypeError" => Self::BadRequest(message),
            _ => Self::Failed { name, message },
        }
    }
}

impl Shortage {
    /// Reads the JSON text that the error's message is. Another text is the message itself.
    fn of_message(text: String) -> Self {
        serde_json::from_str(&text).unwrap_or_else(|_| Self { message: text, ..Self::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_go_by_the_last_part_of_their_name() {
        let of = |name: &str| Error::of_class(name.into(), "why".into()).to_string();
        assert_eq!(of("odoo.exceptions.AccessError"), "the broker denied access: why");
        assert_eq!(of("UserError"), "the broker refused: why");
        assert_eq!(of("builtins.TypeError"), "the broker cannot read the request: why");
        assert_eq!(of("x.Unavailable"), "the broker failed: why (x.Unavailable)");
    }

    #[test]
    fn a_shortage_survives_the_way_to_the_client() {
        let message = r#"{"credit":0.1,"service_name":"s","base_url":"u","trial":true,"new":1}"#;
        let error = Error::of_class("a.InsufficientCreditError".into(), message.into());
        let Error::InsufficientCredit(shortage) = &error else { panic!("it is {error:?}") };
        assert_eq!((shortage.credit.micros(), shortage.trial), (100_000, true));
        let told = error.to_rpc();
        let told = told["data"]["message"].as_str().expect("a text").to_owned();
        assert!(told.starts_with(r#"{"credit":0.1,"#), "{told}");
        assert_eq!(Shortage::of_message(told), **shortage);
    }

    #[test]
    fn a_shortage_in_plain_words_is_kept() {
        let error = Error::of_class("InsufficientCreditError".into(), "no coal".into());
        assert_eq!(error.to_string(), "the account has too few credits: no coal");
    }
}
