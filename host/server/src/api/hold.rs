//! `/services/{name}/holds`: what is set aside, releasing, giving back.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use stokehold_app::types::{HoldId, OpenHold};
use utoipa::{IntoParams, ToSchema};

use crate::amount::Amount;
use crate::auth::{self, Bearer};
use crate::body::Body;
use crate::problem::Problem;
use crate::router::Host;
use crate::when;

/// How many holds stand on a page.
const PAGE: u32 = 100;

/// Which page.
#[derive(Deserialize, IntoParams)]
pub(crate) struct HoldsQuery {
    /// The `next` of the page before.
    after: Option<String>,
}

/// Open holds, the oldest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct Holds {
    holds: Vec<HoldBody>,
    /// The `after` of the next page, where there is one.
    next: Option<String>,
}

/// An open hold.
#[derive(Serialize, ToSchema)]
pub(crate) struct HoldBody {
    /// The transaction token; for a call of a hosted service, the call's id.
    id: String,
    /// What the account is known by: the SHA-1 of its token.
    account: String,
    #[schema(value_type = f64)]
    credits: Amount,
    description: Option<String>,
    /// Whether it is a call's: then it ends with the call and cannot be released.
    is_call: bool,
    created_at: String,
    expires_at: String,
}

/// Credits to be given back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRefund {
    #[schema(value_type = f64)]
    credits: Amount,
    /// Why, in words for the client's statement.
    reason: String,
}

/// The balance after a refund.
#[derive(Serialize, ToSchema)]
pub(crate) struct Refunded {
    #[schema(value_type = f64)]
    balance: Amount,
}

/// List the open holds of a service.
#[utoipa::path(get, path = "/api/v1/services/{name}/holds", tag = "holds", security(("token" = ["provider"])),
    params(("name" = String, Path), HoldsQuery),
    responses((status = 200, body = Holds), (status = 401, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn list(
    State(host): State<Host>,
    Bearer(caller): Bearer,
    Path(name): Path<String>,
    Query(query): Query<HoldsQuery>,
) -> Result<Json<Holds>, Problem> {
    let after = query.after.as_deref().map(parse).transpose()?;
    let mut holds = host.app.holds(caller, &name, after, PAGE + 1).await?;
    let page = usize::try_from(PAGE).unwrap_or(usize::MAX);
    let more = holds.len() > page;
    holds.truncate(page);
    let next = holds.last().filter(|_| more).map(|last| last.hold.id.to_string());
    Ok(Json(Holds { holds: holds.into_iter().map(body).collect(), next }))
}

/// Release an open hold.
#[utoipa::path(post, path = "/api/v1/services/{name}/holds/{id}/release", tag = "holds",
    security(("token" = ["provider"])), params(("name" = String, Path), ("id" = String, Path)),
    responses((status = 204), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem)))]
pub(crate) async fn release(
    State(host): State<Host>,
    Bearer(caller): Bearer,
    Path((name, id)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    host.app.release(caller, &name, parse(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Give back credits that a hold has captured.
#[utoipa::path(post, path = "/api/v1/services/{name}/holds/{id}/refund", tag = "holds",
    security(("token" = ["provider"])), request_body = NewRefund,
    params(("name" = String, Path), ("id" = String, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key refunds once a day.")),
    responses((status = 201, body = Refunded), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn refund(
    State(host): State<Host>,
    Bearer(caller): Bearer,
    Path((name, id)): Path<(String, String)>,
    headers: HeaderMap,
    Body(new): Body<NewRefund>,
) -> Result<(StatusCode, Json<Refunded>), Problem> {
    let (id, key) = (parse(&id)?, auth::text(&headers, "idempotency-key"));
    let refund = host.app.refund(caller, &name, id, new.credits.0, new.reason, key.as_deref());
    Ok((StatusCode::CREATED, Json(Refunded { balance: Amount(refund.await?) })))
}

fn parse(id: &str) -> Result<HoldId, Problem> {
    id.parse().map_err(|_| Problem::new(StatusCode::NOT_FOUND, "no such transaction"))
}

fn body(open: OpenHold) -> HoldBody {
    HoldBody {
        id: open.hold.id.to_string(),
        account: open.account.to_string(),
        credits: Amount(open.hold.amount),
        description: open.hold.description,
        is_call: open.is_call,
        created_at: when::text(open.hold.created_at),
        expires_at: when::text(open.hold.expires_at),
    }
}
