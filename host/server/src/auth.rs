//! Who asks: credentials in headers.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use stokehold_app::types::AccountToken;
use stokehold_app::{Caller, Secret};

use crate::problem::Problem;
use crate::router::Host;

/// A caller with an API token: `Authorization: Bearer …`.
pub(crate) struct Bearer(pub(crate) Caller);

impl FromRequestParts<Host> for Bearer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, host: &Host) -> Result<Self, Problem> {
        let token = bearer(&parts.headers);
        let token = token.ok_or_else(|| Problem::unauthorized("an API token is needed"))?;
        let caller = host.app.authenticate(&token).await?;
        caller.map(Self).ok_or_else(|| Problem::unauthorized("the API token is not valid"))
    }
}

/// A caller with an API token, or with a service's key: `X-Service-Key`.
pub(crate) struct BearerOrKey(pub(crate) Caller);

impl FromRequestParts<Host> for BearerOrKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, host: &Host) -> Result<Self, Problem> {
        if let Some(key) = text(&parts.headers, "x-service-key") {
            let holder = host.app.key_holder(&Secret::from(key)).map(Self);
            return holder.ok_or_else(|| Problem::unauthorized("the service key is not valid"));
        }
        Bearer::from_request_parts(parts, host).await.map(|bearer| Self(bearer.0))
    }
}

/// A caller with an API token, or a client with its account token: `X-Account-Token`.
pub(crate) enum BearerOrAccount {
    Bearer(Caller),
    Account(AccountToken),
}

impl FromRequestParts<Host> for BearerOrAccount {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, host: &Host) -> Result<Self, Problem> {
        if let Some(token) = text(&parts.headers, "x-account-token") {
            let token = token.parse();
            return token
                .map(Self::Account)
                .map_err(|_| Problem::unauthorized("the account token is not valid"));
        }
        Bearer::from_request_parts(parts, host).await.map(|bearer| Self::Bearer(bearer.0))
    }
}

/// A key by which a repeat is recognised: `Idempotency-Key`, where there is one.
pub(crate) struct IdempotencyKey(pub(crate) Option<String>);

impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(text(&parts.headers, "idempotency-key")))
    }
}

fn bearer(headers: &HeaderMap) -> Option<Secret> {
    let value = text(headers, header::AUTHORIZATION.as_str())?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| Secret::from(token.trim().to_owned()))
}

pub(crate) fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}
