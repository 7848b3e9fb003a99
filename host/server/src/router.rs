//! Every route of the server.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::DefaultBodyLimit;
use axum::http::{Method, StatusCode, Uri};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use stokehold_app::App;
use stokehold_wire::{Class, Fault, Id};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::RequestBodyTimeoutLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::Security;
use crate::api::document::complete;
use crate::problem::Problem;
use crate::rpc::Method as Asked;
use crate::{api, health, hosted, pages, rpc, unread};

/// What handlers share.
#[derive(Clone)]
pub struct Host {
    /// The application.
    pub app: Arc<App>,
    /// The address that clients know this host by, without a slash at its end.
    pub base_url: Arc<str>,
}

impl Host {
    /// A host that clients know by the address of its configuration.
    pub fn new(app: Arc<App>) -> Self {
        let base_url = app.config().server.base_url().into();
        Self { app, base_url }
    }
}

/// The whole server, as a service that has yet to be given a listener.
pub fn router(host: &Host) -> Router {
    let server = &host.app.config().server;
    let (management, document) = management(server.upload_bytes_max).split_for_parts();
    let document = complete(document);
    let others = Router::new()
        .merge(management.layer(middleware::from_fn(unread::close)))
        .route("/api/openapi.json", get(|| async move { Json(document) }))
        .merge(pages::routes())
        .route("/.well-known/jwks.json", get(api::signing_key::jwks))
        .route("/healthz", get(health::live))
        .route("/readyz", get(health::ready))
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(not_found);
    // One layer each: a route makes a copy of all below it for every layer and every request.
    let read_max = Duration::from_secs(server.read_s_max);
    let limits =
        (RequestBodyTimeoutLayer::new(read_max), DefaultBodyLimit::max(server.body_bytes_max));
    Router::new()
        .merge(others.layer((CatchPanicLayer::custom(panicked), limits.clone())))
        .merge(protocol().layer((CatchPanicLayer::custom(panicked_in_protocol), limits)))
        .with_state(host.clone())
}

/// The OpenAPI 3.1 document of the management API.
pub fn openapi() -> utoipa::openapi::OpenApi {
    complete(management(0).into_openapi())
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
        .routes(routes!(api::version::show))
        .routes(routes!(api::version::activate))
        .routes(routes!(api::secret::set, api::secret::delete))
        .routes(routes!(api::secret::list))
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
        .routes(routes!(api::call::cancel))
        .routes(routes!(api::event::follow))
        .routes(routes!(api::signing_key::rotate))
        .routes(routes!(api::token::create, api::token::list))
        .routes(routes!(api::token::revoke))
}

/// What is asked and answered in JSON-RPC: the broker, and calls of hosted services.
fn protocol() -> Router<Host> {
    let hosted = post(hosted::call).fallback(rpc::method_not_allowed);
    let broker = [
        ("/iap/1/authorize", Asked::Authorize),
        ("/iap/1/capture", Asked::Capture),
        ("/iap/1/cancel", Asked::Cancel),
        ("/iap/1/balance", Asked::Balance),
        ("/iap/1/get-accounts-information", Asked::AccountsInformation),
        ("/iap/services-token", Asked::ServicesToken),
        ("/iap/update-warning-odoo", Asked::UpdateWarning),
        ("/iap/1/update-warning-email-alerts", Asked::UpdateAlerts),
        ("/iap/1/update-auto-refill-settings", Asked::UpdateRefill),
    ];
    let broker = broker.into_iter().fold(Router::new(), |router, (path, method)| {
        let handler = post(move |host, key, body| rpc::serve(method, host, key, body));
        router.route(path, handler.fallback(rpc::method_not_allowed))
    });
    broker.route("/services/{service}/{*route}", hosted)
}

async fn not_found(method: Method, uri: Uri) -> Response {
    let path = uri.path();
    if is_of_protocol(&method, path) {
        rpc::not_found(path)
    } else {
        Problem::new(StatusCode::NOT_FOUND, format!("there is nothing at {path}")).into_response()
    }
}

/// The header `Allow` says what the path takes.
async fn method_not_allowed(method: Method, uri: Uri) -> Response {
    let what = format!("this path does not take {method}");
    if is_of_protocol(&method, uri.path()) {
        rpc::fault(Id::NULL, &Fault::new(Class::MethodNotAllowed, what))
    } else {
        Problem::new(StatusCode::METHOD_NOT_ALLOWED, what).into_response()
    }
}

/// Whoever posts outside the management API speaks the protocol, and is answered in it.
fn is_of_protocol(method: &Method, path: &str) -> bool {
    let is_posted = method == Method::POST && !path.starts_with("/api/");
    is_posted || path.starts_with("/iap/") || path.starts_with("/services/")
}

fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, PANICKED.to_owned()).into_response()
}

fn panicked_in_protocol(_: Box<dyn std::any::Any + Send>) -> Response {
    rpc::fault(Id::NULL, &Fault::new(Class::ServerError, PANICKED))
}

const PANICKED: &str = "the host failed; its log says why";

#[cfg(test)]
mod tests {
    use super::*;

    /// The document is a promise to those who call the API: a change of it is to be seen in review.
    #[test]
    fn the_openapi_document_is_the_committed_one() {
        const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
        let document = openapi().to_pretty_json().expect("it is JSON") + "\n";
        if std::env::var_os("STOKEHOLD_UPDATE").is_some() {
            std::fs::write(FILE, &document).expect("the file is written");
        }
        let committed = std::fs::read_to_string(FILE).unwrap_or_default();
        let line = document.lines().zip(committed.lines()).position(|(is, was)| is != was);
        assert!(
            document == committed,
            "openapi.json is another one from line {} on. If the change is meant, run\n\
             STOKEHOLD_UPDATE=1 cargo test --release -p stokehold-server openapi",
            line.unwrap_or(committed.lines().count()) + 1,
        );
    }
}
