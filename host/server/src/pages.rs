//! Pages for people: plain HTML that needs no script and no signing in.
//!
//! A client's database sends its users here with a link that names an account: by its token or, in
//! newer ones, by the token's SHA-1. Whoever has the link has the account, as with the token itself.
//! So the pages hand on nothing but the SHA-1, and keep it from logs, titles and other sites.

mod account;
mod asset;
mod fault;
mod given;
mod link;
mod list;
mod purchase;

use askama::Template;
use axum::Router;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::map_response;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};

use crate::api;
use crate::router::Host;

/// What a page may load and do: our style, our icon, forms to ourselves. No script at all, and no
/// other site may put it into a frame.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; \
     base-uri 'none'; frame-ancestors 'none'";

/// Every page, and what pages are made of.
pub(crate) fn routes() -> Router<Host> {
    Router::new()
        .route("/iap/1/credit", get(purchase::show).post(purchase::buy))
        .route("/iap/1/my_account", get(account::show))
        .route("/iap/1/my_account/release", post(account::release))
        .route("/iap/1/my_account/warning", post(account::warn))
        .route("/iap/services", get(list::own))
        .route("/iap/1/all-in-app-services", get(list::catalogue))
        .route("/api/docs", get(api::docs::show))
        .layer(map_response(private))
        .route("/assets/style.css", get(asset::style))
        .route("/assets/icon.svg", get(asset::icon))
        .layer(map_response(strict))
}

/// A page of its account's owner is kept nowhere, and its address is told to nobody.
async fn private(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

async fn strict(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// A template, written out as a page.
pub(crate) struct Page<T>(pub(crate) T);

impl<T: Template> IntoResponse for Page<T> {
    fn into_response(self) -> Response {
        match self.0.render() {
            Ok(html) => Html(html).into_response(),
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "a page failed");
                let what = "the host failed; its log says why\n";
                (StatusCode::INTERNAL_SERVER_ERROR, what).into_response()
            }
        }
    }
}
