//! Calls of hosted services: `POST /services/{service}/{route…}`.
//!
//! One path, three ways: the call is made and answered; with `Prefer: respond-async` (RFC 7240) it is
//! put into the queue; with `?quote` it is only asked what it would cost.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use stokehold_app::types::CallId;
use stokehold_app::{Call, CallFailure, CallRequest, Quote};
use stokehold_wire::{Class, Fault, Id, Message, Payload, failure, parse, success};

use crate::amount::number;
use crate::auth;
use crate::router::Host;
use crate::rpc::{self, insufficient};
use crate::when;

/// Params that are the host's, not the guest's.
const TAKEN_OUT: [&str; 4] = ["account_token", "dbuuid", "context", QUOTE_PARAM];

/// A quote in the params, for clients that set no headers.
const QUOTE_PARAM: &str = "stokehold_quote";

/// An answer before it is put into its envelope.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    outcome: Result<String, Fault>,
}

/// Takes one paid call.
pub(crate) async fn call(
    State(host): State<Host>,
    Path((service, route)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let body = match body {
        Ok(body) => body,
        Err(error) => return rpc::fault(Id::NULL, &rpc::unread(&host, &error)),
    };
    let message = match single(&host, &body) {
        Ok(message) => message,
        Err(wrong) => return rpc::fault(Id::NULL, &wrong),
    };
    let answer = match request(service.clone(), route, &headers, &message) {
        Ok(request) if asks_for_quote(query.as_deref()) => {
            quoted(&host, &service, host.app.quote(request).await)
        }
        Ok(request) if prefers_async(&headers) => {
            queued(&host, &service, host.app.queue_call(request).await)
        }
        Ok(request) => match host.app.call(request).await {
            Ok(call) => ended(&host, &service, call),
            Err(failed) => refused(&host, &service, &failed),
        },
        Err(wrong) => Answer::new(Err(wrong)),
    };
    answer.into_response(message.id)
}

impl Answer {
    fn new(outcome: Result<String, Fault>) -> Self {
        let status = match &outcome {
            Ok(_) => StatusCode::OK,
            Err(fault) => StatusCode::from_u16(fault.class.http_status()).unwrap_or(StatusCode::OK),
        };
        Self { status, headers: HeaderMap::new(), outcome }
    }

    fn with<T: Into<HeaderValue>>(mut self, name: HeaderName, value: T) -> Self {
        self.headers.insert(name, value.into());
        self
    }

    fn into_response(self, id: Option<Id<'_>>) -> Response {
        let Self { status, headers, outcome } = self;
        let Some(id) = id else {
            let status = if status == StatusCode::OK { StatusCode::NO_CONTENT } else { status };
            return (status, headers).into_response();
        };
        let body = match outcome {
            Ok(result) => success(id, &result),
            Err(fault) => failure(id, &fault),
        };
        (headers, rpc::json(status, body)).into_response()
    }
}

/// `?quote`, with or without a value.
fn asks_for_quote(query: Option<&str>) -> bool {
    let mut members = query.unwrap_or_default().split('&');
    members.any(|member| member.split('=').next() == Some("quote"))
}

/// `Prefer: respond-async`, also among others.
fn prefers_async(headers: &HeaderMap) -> bool {
    let preferences = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    let mut preferences = preferences.flat_map(|value| value.split(','));
    preferences.any(|preference| {
        let name = preference.split([';', '=']).next().unwrap_or_default();
        name.trim().eq_ignore_ascii_case("respond-async")
    })
}

fn single<'a>(host: &Host, body: &'a [u8]) -> Result<Message<'a>, Fault> {
    match parse(body, rpc::limits(host))? {
        Payload::Single(message) => Ok(message),
        Payload::Batch(_) => {
            Err(Fault::new(Class::InvalidRequest, "a paid call is made alone, not in a batch"))
        }
    }
}

fn request(
    service: String,
    route: String,
    headers: &HeaderMap,
    message: &Message<'_>,
) -> Result<CallRequest, Fault> {
    message.params.check()?;
    let account_token = message.params.account_token()?;
    let params = message.params.without(&TAKEN_OUT);
    let dbuuid = rpc::dbuuid(&message.params)?;
    let idempotency_key = auth::text(headers, "idempotency-key");
    let quote = auth::text(headers, "stokehold-quote");
    let quote =
        quote.map_or_else(|| message.params.string(QUOTE_PARAM), |quote| Ok(Some(quote)))?;
    Ok(CallRequest { service, route, params, account_token, dbuuid, idempotency_key, quote })
}

/// What the call would cost, for which the service stands in.
fn quoted(host: &Host, service: &str, quote: Result<Quote, CallFailure>) -> Answer {
    match quote {
        Err(failed) => refused(host, service, &failed),
        Ok(quote) => Answer::new(Ok(json!({
            "credits": number(quote.credits),
            "description": quote.description,
            "service": service,
            "version": quote.version,
            "fuel": quote.fuel,
            "settle": quote.settle,
            "on": quote.on,
            "expires_at": when::text(quote.expires_at),
            "quote": quote.signed,
        })
        .to_string())),
    }
}

/// Where the call is to be found that waits.
fn queued(host: &Host, service: &str, queued: Result<CallId, CallFailure>) -> Answer {
    let id = match queued {
        Err(failed) => return refused(host, service, &failed),
        Ok(id) => id.to_string(),
    };
    let location = format!("/api/v1/calls/{id}");
    let text = |text: &str| HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""));
    let applied = HeaderValue::from_static("respond-async");
    let accepted = Answer::new(Ok(json!({ "call": id, "location": location }).to_string()))
        .with(header::LOCATION, text(&location))
        .with(HeaderName::from_static("stokehold-call"), text(&id))
        .with(HeaderName::from_static("preference-applied"), applied);
    Answer { status: StatusCode::ACCEPTED, ..accepted }
}

/// A call for which nothing was held.
fn refused(host: &Host, service: &str, failed: &CallFailure) -> Answer {
    let answer = Answer::new(Err(with_limit(translate(host, service, failed), failed, None)));
    match failed {
        CallFailure::Busy { retry_after, .. } | CallFailure::Suspended { retry_after } => {
            answer.with(header::RETRY_AFTER, retry_after.as_secs())
        }
        _ => answer,
    }
}

/// The headers and the outcome of a call that was made.
fn ended(host: &Host, service: &str, call: Call) -> Answer {
    let headers = [
        ("stokehold-call", call.id.to_string()),
        ("stokehold-credits-authorized", call.authorized.to_string()),
        ("stokehold-credits-captured", call.captured.to_string()),
        ("stokehold-fuel", call.fuel_used.to_string()),
    ];
    let headers = headers.into_iter().filter_map(|(name, value)| {
        Some((HeaderName::from_static(name), HeaderValue::from_str(&value).ok()?))
    });
    let outcome = call.outcome.map_err(|failed| {
        let fault = translate(host, service, &failed);
        with_limit(fault, &failed, Some(call.fuel_used))
            .with("call", call.id.to_string())
            .with("credits_captured", number(call.captured))
    });
    Answer { headers: headers.collect(), ..Answer::new(outcome) }
}

/// Names the limit that was broken, where one was.
fn with_limit(fault: Fault, failed: &CallFailure, fuel_used: Option<u64>) -> Fault {
    match failed.limit(fuel_used) {
        None => fault,
        Some(limit) => fault
            .with("limit", limit.name)
            .with("limit_value", limit.value)
            .with("limit_used", limit.used),
    }
}

/// The one table from failed calls to the classes of the protocol.
fn translate(host: &Host, service: &str, failed: &CallFailure) -> Fault {
    if let CallFailure::Insufficient { needed, template } = failed {
        return insufficient(host, *needed, service, template).with("outcome", failed.class());
    }
    let class = match failed.class() {
        "no-service" if matches!(failed, CallFailure::UnknownService) => Class::NotFound,
        "access-error" => Class::AccessError,
        "user-error" | "refused" | "bad-quote" | "spend-limit" | "cancelled" => Class::UserError,
        // The client can mend these: it asks for less, or pays for more.
        "out-of-fuel" | "memory" | "deadline" | "output" => Class::UserError,
        "trap" | "handles" | "bad-output" => Class::ServiceFault,
        "unavailable" | "no-service" | "busy" | "suspended" | "hold-lost" | "host-stopped" => {
            Class::Unavailable
        }
        _ => {
            tracing::error!(error = failed as &dyn std::error::Error, "a call failed");
            Class::ServerError
        }
    };
    Fault::new(class, failed.to_string()).with("outcome", failed.class())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preference_is_found_among_others() {
        let prefers = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append("prefer", HeaderValue::from_static(value));
            }
            prefers_async(&headers)
        };
        assert!(prefers(&["respond-async"]) && prefers(&["wait=10, Respond-Async"]));
        assert!(prefers(&["return=minimal", "respond-async; x=1"]));
        assert!(!prefers(&[]) && !prefers(&["return=respond-async"]));
    }

    #[test]
    fn a_quote_is_asked_for_by_name() {
        assert!(asks_for_quote(Some("quote")) && asks_for_quote(Some("a=1&quote=1")));
        assert!(!asks_for_quote(None) && !asks_for_quote(Some("quotes")));
    }
}
