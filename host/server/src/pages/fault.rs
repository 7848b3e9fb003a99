//! A page that says what is wrong, and what to do about it.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use stokehold_app::Error;

use super::Page;
use super::link::Link;
use crate::problem::Problem;

/// What is wrong with a request.
#[derive(Debug, Template)]
#[template(path = "fault.html")]
pub(super) struct Fault {
    status: StatusCode,
    what: String,
    mend: &'static str,
    /// The account that the request was about, where that is known.
    back: Option<Link>,
}

impl Fault {
    pub(super) fn new(status: StatusCode, what: impl Into<String>, mend: &'static str) -> Self {
        Self { status, what: what.into(), mend, back: None }
    }

    /// A link that does not name an account.
    pub(super) fn bad_link(what: impl Into<String>) -> Self {
        let mend = "Open the page once more from where its link stands: a part of it may be lost.";
        Self::new(StatusCode::BAD_REQUEST, what, mend)
    }

    /// The same with a way back to the account.
    pub(super) fn back(self, link: &Link) -> Self {
        Self { back: Some(link.clone()), ..self }
    }

    /// What is wrong, as a sentence.
    fn sentence(&self) -> String {
        let mut rest = self.what.chars();
        let first = rest.next().map(char::to_uppercase);
        format!("{}{}.", first.map(String::from_iter).unwrap_or_default(), rest.as_str())
    }

    fn title(&self) -> &'static str {
        match self.status {
            StatusCode::NOT_FOUND => "Not found",
            StatusCode::SERVICE_UNAVAILABLE => "Not now",
            _ => "That did not work",
        }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let problem = Problem::from(error);
        let mend = match problem.status() {
            StatusCode::NOT_FOUND => "Check its name, and open the page once more from its link.",
            StatusCode::CONFLICT => "It may have changed since the page was shown. Look again.",
            StatusCode::SERVICE_UNAVAILABLE => "If it stays like this, tell this host's operator.",
            _ => "Go back and correct it.",
        };
        Self::new(problem.status(), problem.detail(), mend)
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        (self.status, Page(self)).into_response()
    }
}
