//! One `POST`, and one more where the connection broke.

use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::{Request, Uri, header};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::{ClientConfig, RootCertStore};

use crate::error::Error;

/// More than any answer of a broker, in bytes.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// A pool of connections to one broker.
#[derive(Clone)]
pub(crate) struct Http {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    /// For each attempt.
    pub(crate) timeout: Duration,
}

/// An answer: its status and its body.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
}

impl Http {
    /// `secure`: with the certificate authorities that this machine trusts.
    pub(crate) fn new(secure: bool, timeout: Duration) -> Result<Self, rustls::Error> {
        let mut roots = RootCertStore::empty();
        if secure {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        let provider = rustls::crypto::ring::default_provider();
        let config = ClientConfig::builder_with_provider(provider.into())
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(config)
            .https_or_http()
            .enable_http1()
            .build();
        Ok(Self { client: Client::builder(TokioExecutor::new()).build(connector), timeout })
    }

    /// Posts JSON. Where the connection broke the same is sent once more: every request to a
    /// broker has the same effect twice as once, an authorization by its idempotency key.
    pub(crate) async fn post(
        &self,
        uri: &Uri,
        body: &Bytes,
        idempotency_key: Option<&str>,
    ) -> Result<Answer, Error> {
        match self.attempt(uri, body, idempotency_key).await {
            Err(Error::Unreachable(_)) => self.attempt(uri, body, idempotency_key).await,
            answer => answer,
        }
    }

    async fn attempt(
        &self,
        uri: &Uri,
        body: &Bytes,
        idempotency_key: Option<&str>,
    ) -> Result<Answer, Error> {
        let mut request =
            Request::post(uri.clone()).header(header::CONTENT_TYPE, "application/json");
        if let Some(key) = idempotency_key {
            request = request.header("Idempotency-Key", key);
        }
        let request = request
            .body(Full::new(body.clone()))
            .map_err(|error| Error::Unreachable(error.into()))?;
        tokio::time::timeout(self.timeout, self.exchange(request))
            .await
            .map_err(|_| Error::TimedOut(self.timeout))?
            .map_err(Error::Unreachable)
    }

    async fn exchange(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<Answer, Box<dyn std::error::Error + Send + Sync>> {
        let (head, body) = self.client.request(request).await?.into_parts();
        let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await?.to_bytes();
        Ok(Answer { status: head.status.as_u16(), body })
    }
}
