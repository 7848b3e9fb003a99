//! Errors of the management API: problem documents (RFC 9457).

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use stokehold_app::Error;
use stokehold_app::types::Refusal;
use utoipa::ToSchema;

/// A problem document.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// What kind of problem it is: `about:blank`, so the status says it.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The status's own words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What is wrong in this case.
    detail: String,
    /// Each fault with its mend, where there may be several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FaultBody>,
}

/// One fault.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FaultBody {
    /// What is wrong.
    pub(crate) what: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) mend: String,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: detail.into(),
            errors: Vec::new(),
        }
    }

    pub(crate) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// What is wrong, in words.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    /// Nobody has said who asks, or nobody knows them.
    pub(crate) fn unauthorized(detail: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, detail)
    }

    /// A request with one fault, and its mend.
    pub(crate) fn fault(what: impl Into<String>, mend: &str) -> Self {
        let what = what.into();
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, what.clone()).with([(what, mend.to_owned())])
    }

    fn with(mut self, errors: impl IntoIterator<Item = (String, String)>) -> Self {
        self.errors = errors.into_iter().map(|(what, mend)| FaultBody { what, mend }).collect();
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        let body = serde_json::to_string(&self).unwrap_or_default();
        let json = HeaderValue::from_static("application/problem+json");
        let mut response = (status, [(header::CONTENT_TYPE, json)], body).into_response();
        if status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

/// The one table from errors of use cases to statuses.
impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        match error {
            Error::NotFound(_) => Self::new(StatusCode::NOT_FOUND, detail),
            Error::Forbidden(_) => Self::new(StatusCode::FORBIDDEN, detail),
            Error::Conflict(_) => Self::new(StatusCode::CONFLICT, detail),
            Error::Invalid(faults) => Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
                .with(faults.into_iter().map(|what| (what, String::new()))),
            Error::BadUpload(faults) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail).with(faults)
            }
            Error::Refused(refusal) => Self::new(refused(refusal), detail),
            Error::Store(_) | Error::Host(_) => {
                tracing::error!(error = &error as &dyn std::error::Error, "a request failed");
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "the host failed; try again later")
            }
        }
    }
}

fn refused(refusal: Refusal) -> StatusCode {
    match refusal {
        Refusal::UnknownAccount | Refusal::UnknownHold => StatusCode::NOT_FOUND,
        Refusal::ZeroAmount
        | Refusal::AboveOperationMax(_)
        | Refusal::AboveAccountMax
        | Refusal::PriceOutOfRange => StatusCode::UNPROCESSABLE_ENTITY,
        _ => StatusCode::CONFLICT,
    }
}
