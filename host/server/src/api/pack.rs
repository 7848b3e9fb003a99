//! `/services/{name}/packs`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use stokehold_app::PackRequest;
use stokehold_app::types::{Cents, Pack, PackChange, PackId};
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
#[utoipa::path(post, path = "/api/v1/services/{name}/packs", tag = "packs", security(("token" = ["provider"])),
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
#[utoipa::path(get, path = "/api/v1/services/{name}/packs", tag = "packs", security(("token" = ["client"])),
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

/// What is to be changed about a pack. What is left out stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PackChanges {
    name: Option<String>,
    description: Option<String>,
    #[schema(value_type = Option<f64>)]
    credits: Option<Amount>,
    price_cents: Option<i64>,
}

/// Change a pack. Orders keep the terms they were made on.
#[utoipa::path(patch, path = "/api/v1/services/{name}/packs/{id}", tag = "packs", security(("token" = ["provider"])),
    params(("name" = String, Path), ("id" = i64, Path)), request_body = PackChanges,
    responses((status = 200, body = PackBody), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
pub(crate) async fn change(
    State(host): State<Host>,
    Bearer(caller): Bearer,
    Path((name, id)): Path<(String, i64)>,
    Body(changes): Body<PackChanges>,
) -> Result<Json<PackBody>, Problem> {
    let change = PackChange {
        name: changes.name,
        description: changes.description,
        credits: changes.credits.map(|credits| credits.0),
        price: changes.price_cents.map(Cents),
    };
    Ok(Json(body(host.app.change_pack(caller, &name, PackId(id), change).await?)))
}

/// Take a pack out of sale.
#[utoipa::path(delete, path = "/api/v1/services/{name}/packs/{id}", tag = "packs", security(("token" = ["provider"])),
    params(("name" = String, Path), ("id" = i64, Path)),
    responses((status = 204), (status = 401, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn delete(
    State(host): State<Host>,
    Bearer(caller): Bearer,
    Path((name, id)): Path<(String, i64)>,
) -> Result<StatusCode, Problem> {
    host.app.delete_pack(caller, &name, PackId(id)).await?;
    Ok(StatusCode::NO_CONTENT)
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
