//! Every route of the server.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use stokehold_app::App;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::RequestBodyTimeoutLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::Security;
use crate::problem::Problem;
use crate::rpc::Method;
use crate::{api, health, hosted, rpc};

/// What handlers share.
#[derive(Clone)]
pub struct Host {
    /// The application.
    pub app: Arc<App>,
    /// The address that clients know this host by, without a slash at its end.
    pub base_url: Arc<str>,
}

/// The whole server, as a service that has yet to be given a listener.
pub fn router(host: &Host) -> Router {
    let server = &host.app.config().server;
    let (management, document) = management(server.upload_bytes_max).split_for_parts();
    Router::new()
        .merge(management)
        .route("/api/openapi.json", get(|| async move { Json(document) }))
        .merge(broker())
        .route("/services/{service}/{*route}", post(hosted::call).fallback(rpc::method_not_allowed))
        .route("/healthz", get(health::live))
        .route("/readyz", get(health::ready))
        .fallback(not_found)
        .layer(DefaultBodyLimit::max(server.body_bytes_max))
        .layer(RequestBodyTimeoutLayer::new(Duration::from_secs(server.read_s_max)))
        .layer(CatchPanicLayer::custom(panicked))
        .with_state(host.clone())
}

/// The OpenAPI 3.1 document of the management API.
pub fn openapi() -> utoipa::openapi::OpenApi {
    management(0).into_openapi()
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Stokehold management API",
        description = "Services, versions, packs, orders, accounts and calls of one host.",
    ),
    modifiers(&Security)
)]
struct Document;

fn management(upload_bytes_max: usize) -> OpenApiRouter<Host> {
    let uploads = OpenApiRouter::new()
        .routes(routes!(api::version::upload, api::version::list))
        .layer(DefaultBodyLimit::max(upload_bytes_max));
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(api::service::create, api::service::list))
        .routes(routes!(api::service::show, api::service::change))
        .routes(routes!(api::service::approve))
        .routes(routes!(api::service::suspend))
        .routes(routes!(api::service::reset_key))
        .merge(uploads)
        .routes(routes!(api::version::activate))
        .routes(routes!(api::pack::create, api::pack::list))
        .routes(routes!(api::pack::change, api::pack::delete))
        .routes(routes!(api::order::create))
        .routes(routes!(api::order::show))
        .routes(routes!(api::order::confirm))
        .routes(routes!(api::order::refund))
        .routes(routes!(api::hold::list))
        .routes(routes!(api::hold::release))
        .routes(routes!(api::hold::refund))
        .routes(routes!(api::database::add, api::database::remove))
        .routes(routes!(api::account::grant))
        .routes(routes!(api::account::show))
        .routes(routes!(api::account::statement))
        .routes(routes!(api::call::show))
        .routes(routes!(api::call::log))
        .routes(routes!(api::token::create, api::token::list))
        .routes(routes!(api::token::revoke))
}

fn broker() -> Router<Host> {
    [
        ("/iap/1/authorize", Method::Authorize),
        ("/iap/1/capture", Method::Capture),
        ("/iap/1/cancel", Method::Cancel),
        ("/iap/1/balance", Method::Balance),
        ("/iap/1/get-accounts-information", Method::AccountsInformation),
        ("/iap/services-token", Method::ServicesToken),
        ("/iap/update-warning-odoo", Method::UpdateWarning),
        ("/iap/1/update-warning-email-alerts", Method::UpdateAlerts),
        ("/iap/1/update-auto-refill-settings", Method::UpdateRefill),
    ]
    .into_iter()
    .fold(Router::new(), |router, (path, method)| {
        let handler = post(move |host, headers, body| rpc::serve(method, host, headers, body));
        router.route(path, handler.fallback(rpc::method_not_allowed))
    })
}

/// Below the paths of the protocol an unknown one is answered in the protocol.
async fn not_found(uri: axum::http::Uri) -> Response {
    if uri.path().starts_with("/iap/") || uri.path().starts_with("/services/") {
        rpc::not_found(uri.path())
    } else {
        Problem::new(StatusCode::NOT_FOUND, format!("there is nothing at {}", uri.path()))
            .into_response()
    }
}

fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    let what = "the host failed; its log says why";
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, what.to_owned()).into_response()
}
