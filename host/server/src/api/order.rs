//! `/orders`: buy a pack.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use stokehold_app::OrderRequest;
use stokehold_app::types::{AccountToken, Order, OrderId, PackId};
use utoipa::ToSchema;

use crate::amount::Amount;
use crate::auth::{self, Bearer, BearerOrAccount};
use crate::body::Body;
use crate::problem::Problem;
use crate::router::Host;
use crate::when;

/// A new order.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewOrder {
    /// The service's name.
    service: String,
    /// The account that gets the credits.
    account_token: String,
    /// Which pack.
    pack_id: i64,
}

/// An order.
#[derive(Serialize, ToSchema)]
pub(crate) struct OrderBody {
    id: String,
    service: String,
    /// What the account is known by: the SHA-1 of its token.
    account: String,
    pack_id: i64,
    /// The pack's name when it was bought.
    pack: String,
    #[schema(value_type = f64)]
    credits: Amount,
    price_cents: i64,
    /// The operator's part of the price.
    commission_cents: i64,
    /// `pending`, `paid` or `refunded`.
    status: &'static str,
    /// The account's balance now.
    #[schema(value_type = f64)]
    balance: Amount,
    created_at: String,
}

/// Why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reason {
    /// In words for the client's statement.
    reason: String,
}

/// Buy a pack. In the sandbox it is paid at once; in production the operator confirms the payment.
#[utoipa::path(post, path = "/api/v1/orders", tag = "orders", request_body = NewOrder,
    security(("token" = ["client"]), ("account_token" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key buys once.")),
    responses((status = 201, body = OrderBody), (status = 401, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn create(
    State(host): State<Host>,
    who: BearerOrAccount,
    headers: HeaderMap,
    Body(new): Body<NewOrder>,
) -> Result<(StatusCode, Json<OrderBody>), Problem> {
    let account_token: AccountToken = new.account_token.parse().map_err(|error| {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, format!("account_token: {error}"))
    })?;
    if let BearerOrAccount::Account(token) = who
        && token != account_token
    {
        return Err(Problem::new(StatusCode::FORBIDDEN, "this is another account's token"));
    }
    let (service, account) = (new.service, (&account_token).into());
    let request = OrderRequest {
        service: service.clone(),
        account,
        pack: PackId(new.pack_id),
        idempotency_key: auth::text(&headers, "idempotency-key"),
    };
    let order = host.app.create_order(request).await?;
    Ok((StatusCode::CREATED, Json(body(service, order))))
}

/// Show an order.
#[utoipa::path(get, path = "/api/v1/orders/{id}", tag = "orders", security(("token" = ["provider"])),
    params(("id" = String, Path)),
    responses((status = 200, body = OrderBody), (status = 401, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn show(
    State(host): State<Host>,
    Bearer(caller): Bearer,
    Path(id): Path<String>,
) -> Result<Json<OrderBody>, Problem> {
    let (service, order) = host.app.order(caller, parse(&id)?).await?;
    Ok(Json(body(service, order)))
}

/// Note that an order was paid: its credits are granted, once.
#[utoipa::path(post, path = "/api/v1/orders/{id}/confirm", tag = "orders", security(("token" = ["operator"])),
    params(("id" = String, Path)),
    responses((status = 200, body = OrderBody), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn confirm(
    State(host): State<Host>,
    Bearer(caller): Bearer,
    Path(id): Path<String>,
) -> Result<Json<OrderBody>, Problem> {
    let (service, order) = host.app.confirm_order(caller, parse(&id)?).await?;
    Ok(Json(body(service, order)))
}

/// Take an order's credits back, all of which have to be available, and note that its price was
/// given back.
#[utoipa::path(post, path = "/api/v1/orders/{id}/refund", tag = "orders", security(("token" = ["operator"])),
    params(("id" = String, Path)), request_body = Reason,
    responses((status = 200, body = OrderBody), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn refund(
    State(host): State<Host>,
    Bearer(caller): Bearer,
    Path(id): Path<String>,
    Body(reason): Body<Reason>,
) -> Result<Json<OrderBody>, Problem> {
    let (service, order) = host.app.refund_order(caller, parse(&id)?, reason.reason).await?;
    Ok(Json(body(service, order)))
}

fn parse(id: &str) -> Result<OrderId, Problem> {
    id.parse().map_err(|_| Problem::new(StatusCode::NOT_FOUND, "no such order"))
}

fn body(service: String, order: Order) -> OrderBody {
    OrderBody {
        id: order.id.to_string(),
        service,
        account: order.account.to_string(),
        pack_id: order.pack.0,
        pack: order.pack_name,
        credits: Amount(order.credits),
        price_cents: order.price.0,
        commission_cents: order.commission.operator.0,
        status: order.status.as_str(),
        balance: Amount(order.balance),
        created_at: when::text(order.created_at),
    }
}
