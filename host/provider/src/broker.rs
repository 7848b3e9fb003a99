//! A broker, as a provider with a service key sees it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hyper::Uri;
use hyper::body::Bytes;
use serde::Serialize;
use serde_json::Value;
use stokehold_ledger::Credits;
use thiserror::Error;
use uuid::Uuid;

use crate::amount;
use crate::charge::Charge;
use crate::error::Error;
use crate::http::Http;
use crate::rpc;

/// How long a broker may take for one answer, unless [`Broker::with_timeout`] says otherwise.
const TIMEOUT: Duration = Duration::from_secs(15);
const SECONDS_PER_HOUR: f64 = 3_600.0;

/// A broker and a service that is sold through it. Cheap to clone.
#[derive(Clone)]
pub struct Broker {
    http: Http,
    endpoint: Arc<str>,
    /// A secret: it draws credits from every client of the service.
    service_key: Arc<str>,
}

/// Why a text is not the endpoint of a broker.
#[derive(Debug, Error)]
pub enum EndpointError {
    /// Not the URL of a server.
    #[error("{0:?} is no endpoint: it has to be a URL such as https://broker.example.com")]
    NotAUrl(String),
    /// No TLS on this machine.
    #[error("there is no TLS to reach {0} with")]
    NoTls(String, #[source] rustls::Error),
}

/// What a broker calls an open hold: a transaction token.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct TransactionToken(String);

impl TransactionToken {
    /// The token's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A token that was kept as text: in a queue, in a database.
impl From<String> for TransactionToken {
    fn from(text: String) -> Self {
        Self(text)
    }
}

#[derive(Serialize)]
struct Authorize<'a> {
    key: &'a str,
    account_token: &'a str,
    #[serde(with = "amount")]
    credit: Credits,
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dbuuid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<f64>,
}

#[derive(Serialize)]
struct Capture<'a> {
    key: &'a str,
    token: &'a TransactionToken,
    #[serde(rename = "credit_to_capture", with = "amount")]
    credits: Credits,
}

#[derive(Serialize)]
struct Cancel<'a> {
    key: &'a str,
    token: &'a TransactionToken,
}

impl Broker {
    /// The broker at `endpoint`, an `http` or `https` URL, for the service that has this key.
    pub fn new(endpoint: &str, service_key: impl Into<Arc<str>>) -> Result<Self, EndpointError> {
        let not_a_url = || EndpointError::NotAUrl(endpoint.to_owned());
        let uri: Uri = endpoint.parse().map_err(|_| not_a_url())?;
        let secure = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(not_a_url()),
        };
        if uri.query().is_some() {
            return Err(not_a_url());
        }
        let http = Http::new(secure, TIMEOUT)
            .map_err(|error| EndpointError::NoTls(endpoint.to_owned(), error))?;
        let endpoint = endpoint.trim_end_matches('/').into();
        Ok(Self { http, endpoint, service_key: service_key.into() })
    }

    /// The same broker, given this long for each answer.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.http.timeout = timeout;
        self
    }

    /// Holds credits of an account, which nobody else can then use. The hold has to be captured or
    /// cancelled: [`Broker::charge`] does it in any case.
    pub async fn authorize(&self, charge: &Charge) -> Result<TransactionToken, Error> {
        let params = Authorize {
            key: &self.service_key,
            account_token: &charge.account_token,
            credit: charge.credits,
            description: charge.description.as_deref(),
            dbuuid: charge.dbuuid.as_deref(),
            ttl: charge.ttl.map(|ttl| ttl.as_secs_f64() / SECONDS_PER_HOUR),
        };
        match self.call("authorize", &params, true).await {
            Ok(Value::String(token)) => Ok(TransactionToken(token)),
            Ok(_) => Err(Error::NotABroker { status: 200, what: "no transaction token".into() }),
            Err(Error::InsufficientCredit(mut shortage)) => {
                shortage.body = charge.credit_template.clone().or(shortage.body);
                Err(Error::InsufficientCredit(shortage))
            }
            Err(error) => Err(error),
        }
    }

    /// Captures `credits` of a hold, no more than it has, and releases the rest. Once it was
    /// captured, nothing more happens.
    pub async fn capture(&self, token: &TransactionToken, credits: Credits) -> Result<(), Error> {
        let params = Capture { key: &self.service_key, token, credits };
        self.call("capture", &params, false).await.map(drop)
    }

    /// Releases a hold whole. Once it was cancelled, nothing more happens.
    pub async fn cancel(&self, token: &TransactionToken) -> Result<(), Error> {
        let params = Cancel { key: &self.service_key, token };
        self.call("cancel", &params, false).await.map(drop)
    }

    /// `once`: with a key by which the broker knows a repetition, and does not act again.
    async fn call(
        &self,
        action: &str,
        params: &impl Serialize,
        once: bool,
    ) -> Result<Value, Error> {
        let id = Uuid::now_v7().simple().to_string();
        let unsent = |error: Box<dyn std::error::Error + Send + Sync>| Error::Unreachable(error);
        let uri = format!("{}/iap/1/{action}", self.endpoint)
            .parse::<Uri>()
            .map_err(|error| unsent(error.into()))?;
        let body = serde_json::to_vec(&rpc::Request::new(params, &id))
            .map_err(|error| unsent(error.into()))?;
        let answer = self.http.post(&uri, &Bytes::from(body), once.then_some(&*id)).await?;
        rpc::result(&answer)
    }
}

/// Without the service key.
impl fmt::Debug for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broker").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_the_url_of_a_server() {
        for good in ["http://localhost:8070", "https://broker.example.com/", "http://h/a/b"] {
            assert!(Broker::new(good, "key").is_ok(), "{good}");
        }
        for bad in ["", "localhost:8070", "/iap", "ftp://h", "http://h/?a=b"] {
            assert!(matches!(Broker::new(bad, "key"), Err(EndpointError::NotAUrl(_))), "{bad}");
        }
    }

    #[test]
    fn the_service_key_is_not_shown() {
        let broker = Broker::new("http://h", "secret").expect("an endpoint");
        assert_eq!(format!("{broker:?}"), r#"Broker { endpoint: "http://h", .. }"#);
    }

    #[test]
    fn amounts_are_written_exactly() {
        let params = Capture {
            key: "k",
            token: &TransactionToken("t".into()),
            credits: Credits::from_micros(123_456_789_012_345),
        };
        let written = serde_json::to_string(&params).expect("JSON");
        assert_eq!(written, r#"{"key":"k","token":"t","credit_to_capture":123456789.012345}"#);
    }
}
