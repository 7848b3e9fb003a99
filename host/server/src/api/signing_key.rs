//! `/signing-keys`, and `/.well-known/jwks.json`: what receipts and quotes are signed with.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::Bearer;
use crate::problem::Problem;
use crate::router::Host;

/// A key that signs from now on.
#[derive(Serialize, ToSchema)]
pub(crate) struct SigningKeyBody {
    /// Its name.
    kid: String,
}

/// Make a new key, which signs receipts and quotes from now on. What others have signed stays
/// genuine; their private parts are dropped.
#[utoipa::path(post, path = "/api/v1/signing-keys", tag = "signing keys", security(("token" = ["operator"])),
    responses((status = 201, body = SigningKeyBody), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub(crate) async fn rotate(
    State(host): State<Host>,
    Bearer(caller): Bearer,
) -> Result<(StatusCode, Json<SigningKeyBody>), Problem> {
    let kid = host.app.rotate_signing_key(caller).await?;
    Ok((StatusCode::CREATED, Json(SigningKeyBody { kid })))
}

/// The public keys (RFC 7517).
pub(crate) async fn jwks(State(host): State<Host>) -> Result<Response, Problem> {
    let jwks = host.app.jwks().await?;
    let headers =
        [(header::CONTENT_TYPE, "application/jwk-set+json"), (header::CACHE_CONTROL, "max-age=60")];
    Ok((headers, serde_json::to_string(&jwks).unwrap_or_default()).into_response())
}
