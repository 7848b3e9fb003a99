//! Errors as clients of the protocol expect them.

use serde_json::{Map, Value, json};

/// The class of an error. Clients look at the last part of its dotted name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Not enough credits are available, or there is no such account.
    InsufficientCredit,
    /// The service key is not valid, or the transaction is not this service's.
    AccessError,
    /// The request cannot be done, and the user can know why.
    UserError,
    /// A parameter is of the wrong type or out of its range.
    TypeError,
    /// It may work later.
    Unavailable,
    /// The service's own code failed or broke a limit.
    ServiceFault,
    /// The host failed.
    ServerError,
    /// JSON-RPC -32700.
    ParseError,
    /// JSON-RPC -32600.
    InvalidRequest,
    /// JSON-RPC -32602.
    InvalidParams,
    /// No such path.
    NotFound,
    /// The path takes another HTTP method.
    MethodNotAllowed,
    /// The body is over the limit.
    TooLarge,
}

impl Class {
    /// The dotted name, `error.data.name`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::InsufficientCredit => "odoo.addons.iap.tools.iap_tools.InsufficientCreditError",
            Self::AccessError => "odoo.exceptions.AccessError",
            Self::UserError => "odoo.exceptions.UserError",
            Self::TypeError => "builtins.TypeError",
            Self::Unavailable => "stokehold.exceptions.Unavailable",
            Self::ServiceFault => "stokehold.exceptions.ServiceFault",
            Self::ServerError => "stokehold.exceptions.ServerError",
            Self::ParseError => "stokehold.exceptions.ParseError",
            Self::InvalidRequest => "stokehold.exceptions.InvalidRequest",
            Self::InvalidParams => "stokehold.exceptions.InvalidParams",
            Self::NotFound => "stokehold.exceptions.NotFound",
            Self::MethodNotAllowed => "stokehold.exceptions.MethodNotAllowed",
            Self::TooLarge => "stokehold.exceptions.TooLarge",
        }
    }

    /// `error.code`: those of JSON-RPC for faults of the envelope, 200 for all else.
    pub const fn code(self) -> i32 {
        match self {
            Self::ParseError => -32_700,
            Self::InvalidRequest => -32_600,
            Self::InvalidParams => -32_602,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::TooLarge => 413,
            _ => 200,
        }
    }

    /// The HTTP status of a single answer. Errors of the business are answers like any other.
    pub const fn http_status(self) -> u16 {
        match self {
            Self::ParseError | Self::InvalidRequest => 400,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::TooLarge => 413,
            _ => 200,
        }
    }
}

/// An error, ready to be answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// What kind of error it is.
    pub class: Class,
    /// What is said of it, `error.data.message`.
    pub message: String,
    /// More members of `error.data`, for clients that know them.
    pub details: Map<String, Value>,
}

impl Fault {
    /// An error of this class.
    pub fn new(class: Class, message: impl Into<String>) -> Self {
        Self { class, message: message.into(), details: Map::new() }
    }

    /// A parameter is of the wrong type or out of its range.
    pub fn type_error(message: impl Into<String>) -> Self {
        Self::new(Class::TypeError, message)
    }

    /// The same error with one more member in `error.data`.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.details.insert(name.to_owned(), value.into());
        self
    }

    /// The `error` object. `data` is always there, and `name` and `message` in it are strings:
    /// clients read them without looking.
    pub fn to_json(&self) -> Value {
        let mut data = self.details.clone();
        data.insert("name".into(), self.class.name().into());
        data.insert("message".into(), self.message.as_str().into());
        data.insert("debug".into(), "".into());
        data.insert("arguments".into(), json!([self.message]));
        data.insert("context".into(), json!({}));
        let message = match self.class {
            Class::InsufficientCredit => "Not enough credits",
            _ => &self.message,
        };
        json!({ "code": self.class.code(), "message": message, "data": data })
    }
}
