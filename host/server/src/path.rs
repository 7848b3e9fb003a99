//! Paths as old clients join them.

use std::borrow::Cow;

use axum::http::{Request, Uri};

/// Reads `//iap/1/authorize/` as `/iap/1/authorize`: clients up to Odoo 17 join the host's address
/// and a path as strings.
pub(crate) fn normalise<B>(mut request: Request<B>) -> Request<B> {
    if let Some(uri) = normalised(request.uri()) {
        *request.uri_mut() = uri;
    }
    request
}

/// The same address with single slashes and none at the end; `None` where it is that already.
fn normalised(uri: &Uri) -> Option<Uri> {
    let path = match collapsed(uri.path()) {
        Cow::Borrowed(_) => return None,
        Cow::Owned(path) => path,
    };
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    format!("{path}{query}").parse().ok()
}

fn collapsed(path: &str) -> Cow<'_, str> {
    let trailing = path.len() > 1 && path.ends_with('/');
    if !trailing && !path.contains("//") {
        return Cow::Borrowed(path);
    }
    let parts: Vec<_> = path.split('/').filter(|part| !part.is_empty()).collect();
    Cow::Owned(format!("/{}", parts.join("/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_are_collapsed_and_the_query_stays() {
        for (uri, expected) in [
            ("//iap/1/authorize", Some("/iap/1/authorize")),
            ("/iap//1/balance//?a=b//c", Some("/iap/1/balance?a=b//c")),
            ("/", None),
            ("//", Some("/")),
            ("/iap/1/cancel", None),
        ] {
            let uri: Uri = uri.parse().expect("an address");
            assert_eq!(normalised(&uri).map(|uri| uri.to_string()).as_deref(), expected);
        }
    }
}
