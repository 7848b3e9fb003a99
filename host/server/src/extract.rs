//! What stands in a request's address, read so that what is wrong with it is answered as a problem
//! document like everything else.

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{FromRequestParts, Path as AxumPath, Query as AxumQuery};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::problem::Problem;
use crate::router::Host;

/// The parts of the path that differ from request to request.
pub(crate) struct Path<T>(pub(crate) T);

impl<T: DeserializeOwned + Send> FromRequestParts<Host> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, host: &Host) -> Result<Self, Problem> {
        let path = AxumPath::from_request_parts(parts, host).await;
        path.map(|AxumPath(path)| Self(path)).map_err(|error: PathRejection| {
            Problem::new(error.status(), format!("the path is not valid: {}", error.body_text()))
        })
    }
}

/// What follows the `?`.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<Host> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, host: &Host) -> Result<Self, Problem> {
        let query = AxumQuery::from_request_parts(parts, host).await;
        query.map(|AxumQuery(query)| Self(query)).map_err(|error: QueryRejection| {
            Problem::new(error.status(), format!("the query is not valid: {}", error.body_text()))
        })
    }
}
