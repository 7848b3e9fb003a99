//! The bare handlers, in a process of their own: an echo, and a fresh guest for each echo, with
//! nothing behind them.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use stokehold_runtime::{Access, Budget, End, Program, Runtime, Settings};
use stokehold_tests::again::LISTENING;
use stokehold_tests::guest;
use tokio::net::TcpListener;

const BUDGET: Budget = Budget {
    fuel: 1_000_000_000,
    memory_bytes_max: 64 << 20,
    deadline: Duration::from_secs(10),
    output_bytes_max: 1 << 20,
    log_bytes_max: 64 << 10,
};

#[derive(Deserialize)]
struct Request {
    params: Box<RawValue>,
    id: Value,
}

#[derive(Serialize)]
struct Answer {
    jsonrpc: &'static str,
    id: Value,
    result: Box<RawValue>,
}

struct Furnace {
    runtime: Runtime,
    program: Program,
}

/// Serves until it is killed.
pub(crate) fn serve() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let furnace = Runtime::new(&Settings::default())?;
        let program = furnace.load(&guest::echo())?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("{LISTENING}{}", listener.local_addr()?);
        let router = Router::new()
            .route("/echo", post(echo))
            .route("/guest", post(fresh))
            .with_state(Arc::new(Furnace { runtime: furnace, program }));
        Ok(axum::serve(listener, router).await?)
    })
}

async fn echo(Json(request): Json<Request>) -> Json<Answer> {
    Json(Answer { jsonrpc: "2.0", id: request.id, result: request.params })
}

async fn fresh(
    State(furnace): State<Arc<Furnace>>,
    Json(request): Json<Request>,
) -> Result<Json<Answer>, StatusCode> {
    let asked = stokehold_runtime::Request {
        call_id: "0198f6c1-8d0a-7c3e-9a55-3f0c2b1d4e5f".to_owned(),
        route: "echo".to_owned(),
        params: request.params.get().to_owned(),
        client_id: "client".to_owned(),
    };
    let Furnace { runtime, program } = &*furnace;
    let run = runtime.handle(program, asked, 1_000, BUDGET, Access::default()).await;
    let End::Answered(result) = run.end else { return Err(StatusCode::INTERNAL_SERVER_ERROR) };
    let result = RawValue::from_string(result).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(Json(Answer { jsonrpc: "2.0", id: request.id, result }))
}
