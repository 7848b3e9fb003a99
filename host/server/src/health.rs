//! Whether the host lives, and whether it can serve.

use axum::extract::State;
use axum::http::StatusCode;

use crate::router::Host;

/// The process answers.
pub(crate) async fn live() -> &'static str {
    "ok\n"
}

/// The store takes writes, and the host is not stopping.
pub(crate) async fn ready(State(host): State<Host>) -> (StatusCode, &'static str) {
    if host.app.is_ready().await {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
    }
}
