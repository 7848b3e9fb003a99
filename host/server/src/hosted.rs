//! Calls of hosted services: `POST /services/{service}/{route…}`.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use stokehold_app::{Call, CallFailure, CallRequest};
use stokehold_wire::{Class, Fault, Message, Payload, failure, parse, success};

use crate::auth;
use crate::router::Host;
use crate::rpc::{self, insufficient};

/// Params that are the host's, not the guest's.
const TAKEN_OUT: [&str; 3] = ["account_token", "dbuuid", "context"];

/// Makes one paid call.
pub(crate) async fn call(
    State(host): State<Host>,
    Path((service, route)): Path<(String, String)>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let key = auth::text(&headers, "idempotency-key");
    let body = match body {
        Ok(body) => body,
        Err(error) => return rpc::fault(stokehold_wire::Id::NULL, &rpc::unread(&host, &error)),
    };
    let message = match single(&host, &body) {
        Ok(message) => message,
        Err(wrong) => return rpc::fault(stokehold_wire::Id::NULL, &wrong),
    };
    let (headers, outcome) = match request(service.clone(), route, key, &message) {
        Ok(request) => match host.app.call(request).await {
            Ok(call) => ended(&host, &service, call),
            Err(failed) => {
                let fault = translate(&host, &service, &failed);
                (retry_after(&failed), Err(with_limit(fault, &failed, None)))
            }
        },
        Err(wrong) => (HeaderMap::new(), Err(wrong)),
    };
    let Some(id) = message.id else { return (StatusCode::NO_CONTENT, headers).into_response() };
    let (status, body) = match outcome {
        Ok(result) => (StatusCode::OK, success(id, &result)),
        Err(fault) => {
            let status = StatusCode::from_u16(fault.class.http_status());
            (status.unwrap_or(StatusCode::OK), failure(id, &fault))
        }
    };
    (headers, rpc::json(status, body)).into_response()
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
    idempotency_key: Option<String>,
    message: &Message<'_>,
) -> Result<CallRequest, Fault> {
    message.params.check()?;
    let account_token = message.params.account_token()?;
    let params = message.params.without(&TAKEN_OUT);
    let dbuuid = rpc::dbuuid(&message.params)?;
    Ok(CallRequest { service, route, params, account_token, dbuuid, idempotency_key })
}

/// The headers and the outcome of a call that was made.
fn ended(host: &Host, service: &str, call: Call) -> (HeaderMap, Result<String, Fault>) {
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
        with_limit(fault, &failed, Some(call.fuel_used)).with("call", call.id.to_string())
    });
    (headers.collect(), outcome)
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
        "user-error" | "refused" => Class::UserError,
        // The client can mend these: it asks for less, or pays for more.
        "out-of-fuel" | "memory" | "deadline" | "output" => Class::UserError,
        "trap" | "bad-output" => Class::ServiceFault,
        "unavailable" | "no-service" | "busy" | "hold-lost" | "host-stopped" => Class::Unavailable,
        _ => {
            tracing::error!(error = failed as &dyn std::error::Error, "a call failed");
            Class::ServerError
        }
    };
    Fault::new(class, failed.to_string()).with("outcome", failed.class())
}

fn retry_after(failed: &CallFailure) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let CallFailure::Busy { retry_after, .. } = failed {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(retry_after.as_secs()));
    }
    headers
}
