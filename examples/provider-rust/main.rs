//! A paid service with a server of its own: it reverses texts, at a credit for ten characters.
//!
//! `SERVICE_KEY=… BROKER=http://127.0.0.1:8070 LISTEN=127.0.0.1:8071 cargo run --release
//! --package stokehold-provider --example provider-rust`, and then a JSON-RPC request with the
//! params `account_token` and `text` to `/reverse`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that talks to a person")]

use std::env::var;
use std::time::Duration;

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use stokehold_provider::{Broker, Charge, ChargeError, Credits};
use tokio::net::TcpListener;

/// What the client reads who has too few credits.
const NO_CREDIT: &str = "<h2>Out of mirrors</h2><p>A credit turns ten characters round.</p>";
const MICROCREDITS_PER_CHARACTER: i64 = 100_000;
/// The work takes no time: a hold that is older was forgotten.
const TTL: Duration = Duration::from_mins(1);

#[derive(Deserialize)]
struct Request {
    id: Value,
    params: Params,
}

#[derive(Deserialize)]
struct Params {
    account_token: String,
    text: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let broker = Broker::new(&var("BROKER")?, var("SERVICE_KEY")?)?;
    let listener = TcpListener::bind(var("LISTEN").as_deref().unwrap_or("127.0.0.1:8071")).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let router = Router::new().route("/reverse", post(reverse)).with_state(broker);
    axum::serve(listener, router).await?;
    Ok(())
}

async fn reverse(State(broker): State<Broker>, Json(request): Json<Request>) -> Json<Value> {
    let Params { account_token, text } = request.params;
    let charge = Charge::new(account_token, price(&text))
        .description("A text, turned round")
        .credit_template(NO_CREDIT)
        .ttl(TTL);
    let work = broker.charge(charge, async |tx| {
        let (turned, left_out) = turn(&text)?;
        // Nobody pays for what was not turned.
        tx.capture_at_most(price(&turned));
        Ok(json!({ "text": turned, "left_out": left_out }))
    });
    let (member, value) = match work.await {
        Ok(result) => ("result", result),
        Err(ChargeError::Body(reason)) => ("error", user_error(reason)),
        Err(ChargeError::Authorize(error) | ChargeError::Capture(error)) => {
            eprintln!("no charge: {error}");
            ("error", error.to_rpc())
        }
    };
    Json(json!({ "jsonrpc": "2.0", "id": request.id, member: value }))
}

/// The text without its control characters, from its end, and how many of those there were.
fn turn(text: &str) -> Result<(String, usize), &'static str> {
    let turned: String = text.chars().rev().filter(|char| !char.is_control()).collect();
    if turned.is_empty() {
        return Err("there is nothing in it to turn round");
    }
    let left_out = text.chars().count() - turned.chars().count();
    Ok((turned, left_out))
}

fn price(text: &str) -> Credits {
    let characters = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    Credits::from_micros(characters.saturating_mul(MICROCREDITS_PER_CHARACTER))
}

fn user_error(reason: &str) -> Value {
    let data = json!({ "name": "odoo.exceptions.UserError", "message": reason, "debug": "" });
    json!({ "code": 200, "message": reason, "data": data })
}
