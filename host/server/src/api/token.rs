//! `/tokens`: how callers get in.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use stokehold_app::types::{ApiToken, Role, TokenId};
use utoipa::ToSchema;

use crate::auth::Bearer;
use crate::body::Body;
use crate::extract::Path;
use crate::problem::Problem;
use crate::router::Host;
use crate::when;

/// A new token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewToken {
    /// `operator`, `provider` or `client`.
    role: String,
    /// Whose it is, in words.
    name: String,
}

/// A token.
#[derive(Serialize, ToSchema)]
pub(crate) struct TokenBody {
    id: i64,
    role: &'static str,
    name: String,
    created_at: String,
    /// The token itself. Only in the answer that makes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

/// Tokens that work, the oldest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct Tokens {
    tokens: Vec<TokenBody>,
}

/// Make a token. It is shown here and never again.
#[utoipa::path(post, path = "/api/v1/tokens", tag = "tokens", security(("token" = ["operator"])), request_body = NewToken,
    responses((status = 201, body = TokenBody), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn create(
    State(host): State<Host>,
    Bearer(caller): Bearer,
    Body(new): Body<NewToken>,
) -> Result<(StatusCode, Json<TokenBody>), Problem> {
    let role = Role::parse(&new.role).ok_or_else(|| {
        let what = format!("there is no role {:?}: operator, provider or client", new.role);
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, what)
    })?;
    let (row, token) = host.app.create_token(caller, role, new.name).await?;
    Ok((StatusCode::CREATED, Json(body(row, Some(token.reveal().to_owned())))))
}

/// List the tokens that work.
#[utoipa::path(get, path = "/api/v1/tokens", tag = "tokens", security(("token" = ["operator"])),
    responses((status = 200, body = Tokens), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub(crate) async fn list(
    State(host): State<Host>,
    Bearer(caller): Bearer,
) -> Result<Json<Tokens>, Problem> {
    let tokens = host.app.tokens(caller).await?;
    Ok(Json(Tokens { tokens: tokens.into_iter().map(|row| body(row, None)).collect() }))
}

/// Revoke a token. It stops working at once.
#[utoipa::path(delete, path = "/api/v1/tokens/{id}", tag = "tokens", security(("token" = ["operator"])),
    params(("id" = i64, Path)),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)))]
pub(crate) async fn revoke(
    State(host): State<Host>,
    Bearer(caller): Bearer,
    Path(id): Path<i64>,
) -> Result<StatusCode, Problem> {
    host.app.revoke_token(caller, TokenId(id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn body(row: ApiToken, token: Option<String>) -> TokenBody {
    TokenBody {
        id: row.id.0,
        role: row.role.as_str(),
        name: row.name,
        created_at: when::text(row.created_at),
        token,
    }
}
