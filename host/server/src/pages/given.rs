//! What a page is asked with: names and values, from its address or from a form.

use axum::extract::{Form, FromRequest, FromRequestParts, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};

use super::fault::Fault;
use crate::auth::text;
use crate::router::Host;

/// What stands in a page's address after the `?`.
pub(super) struct Given(Vec<(String, String)>);

impl Given {
    /// The first value of this name; an empty one is none.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(given, _)| given == name)?;
        Some(value.as_str()).filter(|value| !value.is_empty())
    }

    /// Every value of this name.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(given, _)| given == name).map(|(_, value)| value.as_str())
    }
}

impl FromRequestParts<Host> for Given {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _: &Host) -> Result<Self, Fault> {
        let query = Query::try_from_uri(&parts.uri);
        query.map(|Query(given)| Self(given)).map_err(|error| Fault::bad_link(error.body_text()))
    }
}

/// What a form of ours was filled in with.
pub(super) struct Posted(pub(super) Given);

impl FromRequest<Host> for Posted {
    type Rejection = Fault;

    async fn from_request(request: Request, host: &Host) -> Result<Self, Fault> {
        if !is_ours(request.headers(), host) {
            let mend = "Open the account's own page, and use the form there.";
            return Err(Fault::new(StatusCode::FORBIDDEN, "this form is another site's", mend));
        }
        let form = Form::from_request(request, host).await;
        form.map(|Form(given)| Self(Given(given))).map_err(|error| {
            Fault::new(error.status(), error.body_text(), "Use the form on the account's own page.")
        })
    }
}

/// Whether a form was sent from a page of ours.
///
/// A browser sends nothing along by itself that these pages know anybody by: no cookie, no session.
/// Who acts is said by the account's token in the form, so another site could only act for accounts
/// whose tokens it has, and it needs no browser of a victim for that. The check stands all the same:
/// it keeps the pages safe on the day when somebody can sign in to them, and it keeps a leaked link
/// from being turned into purchases with somebody else's address in the log.
///
/// `Sec-Fetch-Site` decides where there is one: browsers send it on `https:` and to loopback. Else
/// `Origin` has to be ours. It is `null` for our own forms as well, since our pages tell nobody their
/// address; and it is missing where no browser asks.
fn is_ours(headers: &HeaderMap, host: &Host) -> bool {
    if let Some(site) = text(headers, "sec-fetch-site") {
        return site == "same-origin";
    }
    let Some(origin) = text(headers, "origin").filter(|origin| origin != "null") else {
        return true;
    };
    let asked = text(headers, "host");
    let authority = origin.split_once("://").map(|(_, authority)| authority);
    origin == *host.base_url || (authority.is_some() && authority == asked.as_deref())
}
