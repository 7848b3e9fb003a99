//! `/services/{name}/accounts/{token}`: balance, grants, statement.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use stokehold_app::GrantRequest;
use stokehold_app::types::AccountToken;
use utoipa::{IntoParams, ToSchema};

use crate::amount::Amount;
use crate::auth::{self, Bearer};
use crate::body::Body;
use crate::extract::{Path, Query};
use crate::problem::Problem;
use crate::router::Host;
use crate::statement::{CSV_HEADER, Entry};
use crate::when;

/// The most lines of one page of a statement.
const LINES_MAX: u32 = 1_000;

/// Credits to be given.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewGrant {
    #[schema(value_type = f64)]
    credits: Amount,
    /// Why, in words for the client's statement.
    reason: String,
}

/// The balance after a grant.
#[derive(Serialize, ToSchema)]
pub(crate) struct Granted {
    #[schema(value_type = f64)]
    balance: Amount,
}

/// An account.
#[derive(Serialize, ToSchema)]
pub(crate) struct AccountBody {
    /// All that was granted less all that was captured.
    #[schema(value_type = f64)]
    balance: Amount,
    /// What open holds have set aside.
    #[schema(value_type = f64)]
    held: Amount,
    /// What a new hold may take: the balance less what is held.
    #[schema(value_type = f64)]
    available: Amount,
    /// `registered`, or `disabled` where the token that was asked for has a `+…` suffix.
    state: &'static str,
}

/// Which part of a statement.
#[derive(Deserialize, IntoParams)]
pub(crate) struct StatementQuery {
    /// The statement as it stood at this instant, RFC 3339; now where it is left out.
    at: Option<String>,
    /// The `next` of the page before.
    #[serde(default)]
    after: i64,
    /// How many lines at the most.
    #[serde(default = "lines_max")]
    limit: u32,
}

fn lines_max() -> u32 {
    LINES_MAX
}

/// A part of a statement.
#[derive(Serialize, ToSchema)]
pub(crate) struct Statement {
    /// The oldest first.
    entries: Vec<Entry>,
    /// The balance at the instant asked for.
    #[schema(value_type = f64)]
    balance: Amount,
    /// The `after` of the next page, where there is one.
    next: Option<i64>,
}

/// Give credits to an account. It is made where there is none.
#[utoipa::path(post, path = "/api/v1/services/{name}/accounts/{token}/grants", tag = "accounts",
    security(("token" = ["provider"])), request_body = NewGrant,
    params(("name" = String, Path), ("token" = String, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key grants once.")),
    responses((status = 201, body = Granted), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn grant(
    State(host): State<Host>,
    Bearer(caller): Bearer,
    Path((name, token)): Path<(String, String)>,
    headers: HeaderMap,
    Body(new): Body<NewGrant>,
) -> Result<(StatusCode, Json<Granted>), Problem> {
    let request = GrantRequest {
        credits: new.credits.0,
        reason: new.reason,
        idempotency_key: auth::text(&headers, "idempotency-key"),
    };
    let balance = host.app.grant(caller, &name, &account(&token)?, request).await?;
    Ok((StatusCode::CREATED, Json(Granted { balance: Amount(balance) })))
}

/// Show an account.
#[utoipa::path(get, path = "/api/v1/services/{name}/accounts/{token}", tag = "accounts",
    security(("token" = ["provider"])), params(("name" = String, Path), ("token" = String, Path)),
    responses((status = 200, body = AccountBody), (status = 401, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn show(
    State(host): State<Host>,
    Bearer(caller): Bearer,
    Path((name, token)): Path<(String, String)>,
) -> Result<Json<AccountBody>, Problem> {
    let token = account(&token)?;
    let view = host.app.account(caller, &name, token.key()).await?;
    Ok(Json(AccountBody {
        balance: Amount(view.balance),
        held: Amount(view.held),
        available: Amount(view.available),
        state: if token.is_chargeable() { "registered" } else { "disabled" },
    }))
}

/// Show an account's statement, as JSON or, with `Accept: text/csv`, as CSV.
#[utoipa::path(get, path = "/api/v1/services/{name}/accounts/{token}/statement", tag = "accounts",
    security(("token" = ["provider"])), params(("name" = String, Path), ("token" = String, Path), StatementQuery),
    responses((status = 200, body = Statement), (status = 401, body = Problem),
        (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn statement(
    State(host): State<Host>,
    Bearer(caller): Bearer,
    Path((name, token)): Path<(String, String)>,
    Query(query): Query<StatementQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let until =
        query.at.as_deref().map(when::parse).transpose().map_err(|error| {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, format!("at: {error}"))
        })?;
    if !(1..=LINES_MAX).contains(&query.limit) {
        let what = format!("limit has to be from 1 to {LINES_MAX}");
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, what));
    }
    let part = (query.after, query.limit);
    let page = host.app.statement(caller, &name, account(&token)?.key(), part, until).await?;
    let wants_csv =
        auth::text(&headers, "accept").is_some_and(|accept| accept.contains("text/csv"));
    if wants_csv {
        let csv = [(header::CONTENT_TYPE, "text/csv; charset=utf-8")];
        let lines = page.lines.into_iter().map(|line| Entry::from(line).csv());
        let body: String = std::iter::once(CSV_HEADER.to_owned()).chain(lines).collect();
        return Ok((csv, body).into_response());
    }
    Ok(Json(Statement {
        entries: page.lines.into_iter().map(Entry::from).collect(),
        balance: Amount(page.balance),
        next: page.next,
    })
    .into_response())
}

fn account(token: &str) -> Result<AccountToken, Problem> {
    token.parse().map_err(|error| {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, format!("the account token: {error}"))
    })
}
