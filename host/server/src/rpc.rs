//! The broker's JSON-RPC paths.

mod answer;
mod client;
mod params;

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use stokehold_wire::{Class, Fault, Id, Limits, Message, Payload, batch, failure, parse, success};

pub(crate) use answer::insufficient;
pub(crate) use params::dbuuid;

use crate::auth::IdempotencyKey;
use crate::body::too_large;
use crate::router::Host;

/// What a path of the broker asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Method {
    Authorize,
    Capture,
    Cancel,
    Balance,
    AccountsInformation,
    ServicesToken,
    UpdateWarning,
    UpdateAlerts,
    UpdateRefill,
}

/// Answers one body: a request, a notification, or a batch of them.
pub(crate) async fn serve(
    method: Method,
    State(host): State<Host>,
    IdempotencyKey(key): IdempotencyKey,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let body = match body {
        Ok(body) => body,
        Err(error) => return fault(Id::NULL, &unread(&host, &error)),
    };
    match parse(&body, limits(&host)) {
        Err(wrong) => fault(Id::NULL, &wrong),
        Ok(Payload::Single(message)) => {
            match (one(method, &host, &message, key.as_deref()).await, message.id) {
                (_, None) => StatusCode::NO_CONTENT.into_response(),
                (Ok(result), Some(id)) => json(StatusCode::OK, success(id, &result)),
                (Err(wrong), Some(id)) => fault(id, &wrong),
            }
        }
        // A key names one request; in a batch the parameter does.
        Ok(Payload::Batch(messages)) => several(method, &host, messages).await,
    }
}

/// What a body may have here.
pub(crate) fn limits(host: &Host) -> Limits {
    let server = &host.app.config().server;
    Limits { batch_max: server.batch_max, depth_max: server.depth_max }
}

/// One after the other: a batch may authorize and then capture.
async fn several(
    method: Method,
    host: &Host,
    messages: Vec<Result<Message<'_>, Fault>>,
) -> Response {
    let mut answers = Vec::new();
    for message in messages {
        match message {
            Err(wrong) => answers.push(failure(Id::NULL, &wrong)),
            Ok(message) => match (one(method, host, &message, None).await, message.id) {
                (_, None) => {}
                (Ok(result), Some(id)) => answers.push(success(id, &result)),
                (Err(wrong), Some(id)) => answers.push(failure(id, &wrong)),
            },
        }
    }
    match batch(&answers) {
        Some(body) => json(StatusCode::OK, body),
        None => StatusCode::NO_CONTENT.into_response(),
    }
}

/// One message; the answer is the JSON text of its result.
async fn one(
    method: Method,
    host: &Host,
    message: &Message<'_>,
    key: Option<&str>,
) -> Result<String, Fault> {
    message.params.check()?;
    match method {
        Method::Authorize => answer::authorize(host, message, key).await,
        Method::Capture => answer::capture(host, &message.params).await,
        Method::Cancel => answer::cancel(host, &message.params).await,
        Method::Balance => answer::balance(host, &message.params).await,
        Method::AccountsInformation => client::accounts_information(host, &message.params).await,
        Method::ServicesToken => client::services_token(host, &message.params).await,
        Method::UpdateWarning => client::update_warning(host, &message.params).await,
        Method::UpdateAlerts => client::update_alerts(host, &message.params).await,
        Method::UpdateRefill => client::update_refill(host, &message.params).await,
    }
}

pub(crate) fn json(status: StatusCode, body: String) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

pub(crate) fn fault(id: Id<'_>, fault: &Fault) -> Response {
    let status = StatusCode::from_u16(fault.class.http_status()).unwrap_or(StatusCode::OK);
    json(status, failure(id, fault))
}

/// A body that was too long, or never came whole.
pub(crate) fn unread(host: &Host, error: &BytesRejection) -> Fault {
    match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Fault::new(Class::TooLarge, too_large(host.app.config().server.body_bytes_max))
        }
        _ => Fault::new(Class::ParseError, error.body_text()),
    }
}

pub(crate) fn not_found(path: &str) -> Response {
    fault(Id::NULL, &Fault::new(Class::NotFound, format!("there is nothing at {path}")))
}

pub(crate) async fn method_not_allowed() -> Response {
    let wrong = Fault::new(Class::MethodNotAllowed, "this path takes POST");
    let mut response = fault(Id::NULL, &wrong);
    response.headers_mut().insert(header::ALLOW, header::HeaderValue::from_static("POST"));
    response
}
