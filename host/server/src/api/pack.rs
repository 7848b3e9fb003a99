//! `/services/{name}/packs`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use stokehold_app::PackRequest;
use stokehold_app::types::{Cents, Pack};
use utoipa::ToSchema;

use crate::amount::Amount;
use crate::auth::Bearer;
use crate::body::Body;
use crate::extract::Path;
use crate::problem::Problem;
use crate::router::Host;

/// A new pack.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPack {
    name: String,
    #[schema(value_type = f64)]
    credits: Amount,
    /// The price of the whole pack, in euro cents.
    price_cents: i64,
    #[serde(default)]
    description: String,
}

/// A pack.
#[derive(Serialize, ToSchema)]
pub(crate) struct PackBody {
    /// Unique across all services.
    id: i64,
    name: String,
    description: String,
    #[schema(value_type = f64)]
    credits: Amount,
    /// The price of the whole pack, in euro cents.
    price_cents: i64,
}

/// Packs, the oldest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct Packs {
    packs: Vec<PackBody>,
}

/// Put credits up for sale.
#[utoipa::path(post, path = "/api/v1/services/{name}/packs", tag = "packs", security(("token" = [])),
    params(("name" = String, Path)), request_body = NewPack,
    responses((status = 201, body = PackBody), (status = 401, body = Problem),
        (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn create(
    State(host): State<Host>,
    Bearer(caller): Bearer,
    Path(name): Path<String>,
    Body(new): Body<NewPack>,
) -> Result<(StatusCode, Json<PackBody>), Problem> {
    let request = PackRequest {
        name: new.name,
        description: new.description,
        credits: new.credits.0,
        price: Cents(new.price_cents),
    };
    let pack = host.app.create_pack(caller, &name, request).await?;
    Ok((StatusCode::CREATED, Json(body(pack))))
}

/// List what a service has for sale.
#[utoipa::path(get, path = "/api/v1/services/{name}/packs", tag = "packs", security(("token" = [])),
    params(("name" = String, Path)),
    responses((status = 200, body = Packs), (status = 401, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn list(
    State(host): State<Host>,
    _: Bearer,
    Path(name): Path<String>,
) -> Result<Json<Packs>, Problem> {
    let packs = host.app.packs(&name).await?.into_iter().map(body).collect();
    Ok(Json(Packs { packs }))
}

fn body(pack: Pack) -> PackBody {
    PackBody {
        id: pack.id.0,
        name: pack.name,
        description: pack.description,
        credits: Amount(pack.credits),
        price_cents: pack.price.0,
    }
}
