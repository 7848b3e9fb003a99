//! `/eligible-databases/{dbuuid}`: who may have trial credits.

use axum::extract::{Path, State};
use axum::http::StatusCode;

use crate::auth::Bearer;
use crate::problem::Problem;
use crate::router::Host;

/// Let a database have each service's trial credits, once.
#[utoipa::path(put, path = "/api/v1/eligible-databases/{dbuuid}", tag = "databases",
    security(("token" = ["operator"])), params(("dbuuid" = String, Path)),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 422, body = Problem)))]
pub(crate) async fn add(
    State(host): State<Host>,
    Bearer(caller): Bearer,
    Path(dbuuid): Path<String>,
) -> Result<StatusCode, Problem> {
    host.app.set_eligible(caller, &dbuuid, true).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Let a database have no more trial credits. What it had it keeps.
#[utoipa::path(delete, path = "/api/v1/eligible-databases/{dbuuid}", tag = "databases",
    security(("token" = ["operator"])), params(("dbuuid" = String, Path)),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)))]
pub(crate) async fn remove(
    State(host): State<Host>,
    Bearer(caller): Bearer,
    Path(dbuuid): Path<String>,
) -> Result<StatusCode, Problem> {
    host.app.set_eligible(caller, &dbuuid, false).await?;
    Ok(StatusCode::NO_CONTENT)
}
