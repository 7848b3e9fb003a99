//! `/calls/{id}`: the record of a call, and cancelling it.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use serde_json::value::RawValue;
use stokehold_app::is_repeatable;
use stokehold_app::types::CallRecord;
use utoipa::ToSchema;

use crate::amount::Amount;
use crate::auth::BearerOrAccount;
use crate::extract::Path;
use crate::problem::Problem;
use crate::router::Host;
use crate::when;

/// A call.
#[derive(Serialize, ToSchema)]
pub(crate) struct CallBody {
    id: String,
    service: String,
    version: u32,
    /// SHA-256 of the component that ran.
    digest: String,
    route: String,
    /// `queued`, `running`, `captured` or `cancelled`.
    status: &'static str,
    /// `ok`, or the class of the failure.
    outcome: Option<String>,
    #[schema(value_type = f64)]
    credits_authorized: Amount,
    #[schema(value_type = f64)]
    credits_captured: Amount,
    /// The fuel that was burned.
    fuel: i64,
    /// The fuel that the hold bought.
    fuel_bought: i64,
    /// What the guest had its host do: for each kind, how many calls and their fuel.
    #[schema(value_type = Object)]
    host_calls: Box<RawValue>,
    /// Whether the same call would burn the same fuel again and answer the same: its guest has asked
    /// for no clock, no random number, no stored value and no other host. `null` where nobody knows.
    repeatable: Option<bool>,
    /// The version of the price list that fuel is counted by.
    price_list: String,
    memory_peak_bytes: i64,
    duration_ms: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    result: Option<Box<RawValue>>,
    /// What the client was told instead of a result.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// The signed record, a compact JWS; once the call has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<String>,
    created_at: String,
    /// When it left the queue.
    started_at: Option<String>,
    ended_at: Option<String>,
}

/// Show a call: to its provider, or to the client that made it.
#[utoipa::path(get, path = "/api/v1/calls/{id}", tag = "calls",
    security(("token" = ["provider"]), ("account_token" = [])), params(("id" = String, Path)),
    responses((status = 200, body = CallBody), (status = 401, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn show(
    State(host): State<Host>,
    who: BearerOrAccount,
    Path(id): Path<String>,
) -> Result<Json<CallBody>, Problem> {
    let call = record(&host, who, &id).await?;
    Ok(Json(body(&host, call)))
}

/// Cancel a call that waits in the queue, or runs from there. Nothing is charged for it, unless it
/// ends by itself at the same moment.
#[utoipa::path(post, path = "/api/v1/calls/{id}/cancel", tag = "calls",
    security(("token" = ["provider"]), ("account_token" = [])), params(("id" = String, Path)),
    responses((status = 200, body = CallBody), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem, description = "it has ended, or its client waits for it")))]
pub(crate) async fn cancel(
    State(host): State<Host>,
    who: BearerOrAccount,
    Path(id): Path<String>,
) -> Result<Json<CallBody>, Problem> {
    let call = record(&host, who, &id).await?;
    let cancelled = host.app.cancel_call(call).await?;
    Ok(Json(body(&host, cancelled)))
}

/// Show what the guest has said, line by line.
#[utoipa::path(get, path = "/api/v1/calls/{id}/log", tag = "calls",
    security(("token" = ["provider"]), ("account_token" = [])), params(("id" = String, Path)),
    responses((status = 200, body = String, content_type = "text/plain"),
        (status = 401, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn log(
    State(host): State<Host>,
    who: BearerOrAccount,
    Path(id): Path<String>,
) -> Result<String, Problem> {
    Ok(record(&host, who, &id).await?.log)
}

pub(super) async fn record(
    host: &Host,
    who: BearerOrAccount,
    id: &str,
) -> Result<CallRecord, Problem> {
    let id = id.parse();
    let id = id.map_err(|_| Problem::new(StatusCode::NOT_FOUND, "no such call"))?;
    Ok(match who {
        BearerOrAccount::Bearer(caller) => host.app.call_record(caller, id).await?,
        BearerOrAccount::Account(token) => host.app.call_record_of(&token, id).await?,
    })
}

pub(super) fn body(host: &Host, call: CallRecord) -> CallBody {
    let receipt = host.app.receipt(&call);
    let repeatable = is_repeatable(&call);
    CallBody {
        id: call.id.to_string(),
        service: call.service_name,
        version: call.version_number,
        digest: call.digest,
        route: call.route,
        status: call.status.as_str(),
        outcome: call.outcome,
        credits_authorized: Amount(call.credits_authorized),
        credits_captured: Amount(call.credits_captured),
        fuel: call.fuel_used,
        fuel_bought: call.fuel_bought,
        host_calls: RawValue::from_string(call.host_calls).unwrap_or_default(),
        repeatable,
        price_list: call.price_list,
        memory_peak_bytes: call.memory_peak_bytes,
        duration_ms: call.duration_ms,
        result: call.result.and_then(|json| RawValue::from_string(json).ok()),
        error: call.error,
        receipt,
        created_at: when::text(call.created_at),
        started_at: call.started_at.map(when::text),
        ended_at: call.ended_at.map(when::text),
    }
}
