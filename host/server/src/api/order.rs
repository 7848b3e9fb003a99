//! `/orders`: buy a pack.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use stokehold_app::OrderRequest;
use stokehold_app::types::{AccountToken, PackId};
use utoipa::ToSchema;

use crate::amount::Amount;
use crate::auth::BearerOrAccount;
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
    pack_id: i64,
    /// The pack's name when it was bought.
    pack: String,
    #[schema(value_type = f64)]
    credits: Amount,
    price_cents: i64,
    /// The operator's part of the price.
    commission_cents: i64,
    /// `paid`.
    status: &'static str,
    /// The account's balance after it.
    #[schema(value_type = f64)]
    balance: Amount,
    created_at: String,
}

/// Buy a pack. In the sandbox it is paid at once.
#[utoipa::path(post, path = "/api/v1/orders", tag = "orders", request_body = NewOrder,
    security(("token" = []), ("account_token" = [])),
    responses((status = 201, body = OrderBody), (status = 401, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn create(
    State(host): State<Host>,
    who: BearerOrAccount,
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
    let service = new.service;
    let request =
        OrderRequest { service: service.clone(), account_token, pack: PackId(new.pack_id) };
    let order = host.app.create_order(request).await?;
    let body = OrderBody {
        id: order.id.to_string(),
        service,
        pack_id: order.pack.0,
        pack: order.pack_name,
        credits: Amount(order.credits),
        price_cents: order.price.0,
        commission_cents: order.commission.operator.0,
        status: "paid",
        balance: Amount(order.balance),
        created_at: when::text(order.created_at),
    };
    Ok((StatusCode::CREATED, Json(body)))
}
