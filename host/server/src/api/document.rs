//! What the routes' own descriptions leave out of the OpenAPI document.

use axum::http::StatusCode;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::{OpenApi, RefOr, Response};

/// Gives each operation a name that no other has, and each response its meaning and its type.
pub(crate) fn complete(mut document: OpenApi) -> OpenApi {
    for item in document.paths.paths.values_mut() {
        for operation in operations(item) {
            name(operation);
            for (status, response) in &mut operation.responses.responses {
                if let (Ok(status), RefOr::T(response)) = (status.parse(), response) {
                    describe(status, response);
                }
            }
        }
    }
    document
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, patch, delete, .. } = item;
    [get, put, post, patch, delete].into_iter().flatten()
}

/// `packs-create`: handlers are named by what they do, files by what they do it to.
fn name(operation: &mut Operation) {
    if let (Some(tag), Some(id)) = (operation.tags.iter().flatten().next(), &operation.operation_id)
    {
        operation.operation_id = Some(format!("{tag}-{id}"));
    }
}

/// Errors are problem documents (RFC 9457), which have a type of their own.
fn describe(status: StatusCode, response: &mut Response) {
    if response.description.is_empty() {
        let meaning = status.canonical_reason().unwrap_or_default();
        meaning.clone_into(&mut response.description);
    }
    if (status.is_client_error() || status.is_server_error())
        && let Some(content) = response.content.shift_remove("application/json")
    {
        response.content.insert("application/problem+json".to_owned(), content);
    }
}
