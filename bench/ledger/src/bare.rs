//! The bare handler: what answering the same JSON costs with nothing behind it.
//!
//! It is what one writes first with axum: typed requests, typed answers, a token that is made up.
//! Threads and socket options are those of `stokehold serve`.

use anyhow::Result;
use axum::routing::post;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use stokehold_tests::again::LISTENING;
use tokio::net::TcpListener;
use uuid::Uuid;

#[derive(Deserialize)]
#[expect(
    dead_code,
    reason = "parsed as the server parses them; the bare handler has no use for them"
)]
struct Request<P> {
    jsonrpc: String,
    method: String,
    params: P,
    id: Value,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "as above")]
struct Authorize {
    key: String,
    account_token: String,
    credit: f64,
    description: Option<String>,
}

#[derive(Deserialize)]
#[expect(dead_code, clippy::struct_field_names, reason = "as above; the names are the protocol's")]
struct Capture {
    key: String,
    token: String,
    credit_to_capture: Option<f64>,
}

#[derive(Serialize)]
struct Answer<R> {
    jsonrpc: &'static str,
    id: Value,
    result: R,
}

fn answer<R>(id: Value, result: R) -> Json<Answer<R>> {
    Json(Answer { jsonrpc: "2.0", id, result })
}

async fn authorize(Json(request): Json<Request<Authorize>>) -> Json<Answer<String>> {
    answer(request.id, Uuid::now_v7().simple().to_string())
}

async fn capture(Json(request): Json<Request<Capture>>) -> Json<Answer<bool>> {
    answer(request.id, true)
}

/// Serves until it is killed.
pub(crate) fn serve() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("{LISTENING}{}", listener.local_addr()?);
        let router = Router::new()
            .route("/iap/1/authorize", post(authorize))
            .route("/iap/1/capture", post(capture));
        Ok(axum::serve(listener, router).await?)
    })
}
