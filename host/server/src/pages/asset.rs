//! What pages are made of besides HTML.

use axum::http::header;
use axum::response::IntoResponse;

/// Long enough for a visit, short enough that a new release shows.
const CACHE: &str = "public, max-age=300";

pub(super) async fn style() -> impl IntoResponse {
    let headers =
        [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, CACHE)];
    (headers, include_str!("../../assets/style.css"))
}

pub(super) async fn icon() -> impl IntoResponse {
    let headers = [(header::CONTENT_TYPE, "image/svg+xml"), (header::CACHE_CONTROL, CACHE)];
    (headers, include_str!("../../assets/icon.svg"))
}
