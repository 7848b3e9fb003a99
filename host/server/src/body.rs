//! JSON bodies of the management API.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use serde::de::DeserializeOwned;

use crate::problem::Problem;
use crate::router::Host;

/// What is said of a body that is over its limit.
pub(crate) fn too_large(bytes_max: usize) -> String {
    format!("the body is longer than this host's limit of {bytes_max} bytes")
}

/// A JSON body. What is wrong with it is answered as a problem document.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Host> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, host: &Host) -> Result<Self, Problem> {
        let bytes =
            Bytes::from_request(request, host).await.map_err(|error| match error.status() {
                StatusCode::PAYLOAD_TOO_LARGE => {
                    Problem::new(error.status(), too_large(host.app.config().server.body_bytes_max))
                }
                status => Problem::new(status, error.body_text()),
            })?;
        serde_json::from_slice(&bytes).map(Self).map_err(|error| {
            let status = match error.classify() {
                serde_json::error::Category::Data => StatusCode::UNPROCESSABLE_ENTITY,
                _ => StatusCode::BAD_REQUEST,
            };
            Problem::new(status, format!("the body is not what is expected: {error}"))
        })
    }
}
