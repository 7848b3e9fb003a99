//! `/services/{name}/secrets`: set, list, drop. No answer has a value.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use stokehold_app::Secret;
use utoipa::ToSchema;

use crate::auth::Bearer;
use crate::extract::Path;
use crate::problem::Problem;
use crate::router::Host;
use crate::when;

/// The secrets of a service, by name.
#[derive(Serialize, ToSchema)]
pub(crate) struct Secrets {
    secrets: Vec<SecretBody>,
}

/// A secret of a service. Nobody is shown its value.
#[derive(Serialize, ToSchema)]
pub(crate) struct SecretBody {
    name: String,
    set_at: String,
}

/// Set a secret. The body is its value, text; the service's next call is told it.
#[utoipa::path(put, path = "/api/v1/services/{name}/secrets/{secret}", tag = "secrets",
    security(("token" = ["provider"])), params(("name" = String, Path), ("secret" = String, Path)),
    request_body(content = String, content_type = "text/plain"),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 422, body = Problem),
        (status = 409, body = Problem, description = "too many secrets, or a host without a key for them")))]
pub(crate) async fn set(
    State(host): State<Host>,
    Bearer(caller): Bearer,
    Path((name, secret)): Path<(String, String)>,
    value: Bytes,
) -> Result<StatusCode, Problem> {
    let value = String::from_utf8(value.to_vec());
    let value = value.map_err(|_| Problem::fault("the value is not UTF-8", "encode it as text"))?;
    host.app.set_secret(caller, &name, &secret, &Secret::from(value)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List the names of a service's secrets.
#[utoipa::path(get, path = "/api/v1/services/{name}/secrets", tag = "secrets",
    security(("token" = ["provider"])), params(("name" = String, Path)),
    responses((status = 200, body = Secrets), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)))]
pub(crate) async fn list(
    State(host): State<Host>,
    Bearer(caller): Bearer,
    Path(name): Path<String>,
) -> Result<Json<Secrets>, Problem> {
    let secrets = host.app.secrets(caller, &name).await?.into_iter();
    let body = |(name, set_at)| SecretBody { name, set_at: when::text(set_at) };
    Ok(Json(Secrets { secrets: secrets.map(body).collect() }))
}

/// Drop a secret. Calls of a version that names it are refused from then on.
#[utoipa::path(delete, path = "/api/v1/services/{name}/secrets/{secret}", tag = "secrets",
    security(("token" = ["provider"])), params(("name" = String, Path), ("secret" = String, Path)),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)))]
pub(crate) async fn delete(
    State(host): State<Host>,
    Bearer(caller): Bearer,
    Path((name, secret)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    host.app.delete_secret(caller, &name, &secret).await?;
    Ok(StatusCode::NO_CONTENT)
}
