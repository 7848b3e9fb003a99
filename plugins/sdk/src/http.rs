//! Requests to other hosts. The manifest has to name each of them, and the operator to allow it.
//!
//! A quote sends none. Redirects are not followed. Waiting costs no fuel, but counts towards the
//! call's deadline.

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use serde::de::{DeserializeOwned, Error as _};

/// What a request waits at most where it does not say: less than the 15 s after which common
/// clients of a paid service give up.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A request that can be sent.
#[derive(Clone, Debug)]
pub struct Request {
    pub(crate) is_post: bool,
    url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) timeout: Duration,
}

/// An answer, whatever its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status code, such as 200.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The request is not valid: its URL, or a header.
    Invalid(&'static str),
    /// The manifest does not name the host, the operator does not allow it, or this is a quote.
    Denied,
    /// No whole answer came in time. The other side may have done what was asked all the same.
    TimedOut,
    /// It failed on its way there or back, as the host puts it.
    Failed(String),
}

/// A `GET` request.
pub fn get(url: impl Into<String>) -> Request {
    Request {
        is_post: false,
        url: url.into(),
        headers: Vec::new(),
        body: Vec::new(),
        timeout: TIMEOUT,
    }
}

/// A `POST` request.
pub fn post(url: impl Into<String>) -> Request {
    Request { is_post: true, ..get(url) }
}

impl Request {
    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Adds a body of JSON, and says so in a header.
    ///
    /// # Panics
    /// If there is no JSON for the value, such as for a map whose keys are no texts.
    #[must_use]
    pub fn json(mut self, body: &impl Serialize) -> Self {
        self.body = serde_json::to_vec(body).expect("there is JSON for the value");
        self.header("content-type", "application/json")
    }

    /// Waits so long for the whole answer, from now on, instead of 10 s.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sends the request, and waits for the answer.
    pub fn send(&self) -> Result<Response, Error> {
        crate::exchange::send(self)
    }

    /// Scheme, authority, path with query.
    pub(crate) fn target(&self) -> Result<(&str, &str, String), Error> {
        let url = self.url.split('#').next().unwrap_or_default();
        let (scheme, rest) = url.split_once("://").ok_or(Error::Invalid("the URL"))?;
        let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let slash = if path.starts_with('/') { "" } else { "/" };
        Ok((scheme, authority, format!("{slash}{path}")))
    }
}

impl Response {
    /// Whether the status says that all went well: 200 to 299.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body, read as JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        // Params are read from text as well, so a component has the code for it already.
        serde_json::from_str(str::from_utf8(&self.body).map_err(serde_json::Error::custom)?)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(what) => write!(f, "{what} of the request is not valid"),
            Self::Denied => f.write_str("the host may not be reached"),
            Self::TimedOut => f.write_str("there was no answer in time"),
            Self::Failed(cause) => f.write_str(cause),
        }
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::{Error, get};

    #[test]
    fn an_url_is_taken_apart() {
        for (url, parts) in [
            ("https://a.example", ("https", "a.example", "/")),
            ("http://a.example:8080/b/c?d=/e#f", ("http", "a.example:8080", "/b/c?d=/e")),
            ("https://a.example?b", ("https", "a.example", "/?b")),
        ] {
            let (scheme, authority, path) = parts;
            assert_eq!(get(url).target(), Ok((scheme, authority, path.to_owned())), "{url}");
        }
        assert_eq!(get("a.example/b").target(), Err(Error::Invalid("the URL")));
    }
}
