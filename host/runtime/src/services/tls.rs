//! Encrypted ways out: which certificates are trusted, and what is said of those that are not.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::{CertificateError, ClientConfig, RootCertStore};

/// Certificate authorities that are trusted beside those of the machine, such as a company's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Authorities(Vec<CertificateDer<'static>>);

/// Why a file of certificate authorities cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AuthoritiesError {
    /// It cannot be read, or what stands in it is no PEM.
    #[error("it cannot be read: {0}")]
    File(PemError),
    /// There is nothing in it.
    #[error("it holds no certificate: PEM is expected, -----BEGIN CERTIFICATE----- and so on")]
    Empty,
    /// What stands there as a certificate is none.
    #[error("its certificate number {number} cannot be used: {why}")]
    Certificate {
        /// Which, from 1.
        number: usize,
        /// Why.
        why: rustls::Error,
    },
}

impl Authorities {
    /// Reads the certificates in a PEM file.
    pub fn read(path: &Path) -> Result<Self, AuthoritiesError> {
        let found = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
        let found: Vec<CertificateDer<'static>> = found.map_err(AuthoritiesError::File)?;
        if found.is_empty() {
            return Err(AuthoritiesError::Empty);
        }
        let mut roots = RootCertStore::empty();
        for (at, certificate) in found.iter().enumerate() {
            roots
                .add(certificate.clone())
                .map_err(|why| AuthoritiesError::Certificate { number: at + 1, why })?;
        }
        Ok(Self(found))
    }
}

/// A client that trusts what this machine trusts, and these.
pub(super) fn client(authorities: &Authorities) -> Result<ClientConfig, rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots.add_parsable_certificates(authorities.0.iter().cloned());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    Ok(config?.with_root_certificates(roots).with_no_client_auth())
}

/// What is wrong with the other end's certificate, where that is what is wrong.
pub(super) fn certificate_error(error: &io::Error) -> Option<&CertificateError> {
    match error.get_ref()?.downcast_ref()? {
        rustls::Error::InvalidCertificate(why) => Some(why),
        _ => None,
    }
}

/// Why no encrypted connection came about, for the service's developer.
pub(super) fn why(error: &io::Error) -> String {
    let Some(certificate) = certificate_error(error) else {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
        return match inner {
            Some(rustls::Error::InvalidMessage(_)) => {
                "what it answers is no TLS: http:// names a host that does without".into()
            }
            _ => format!("TLS: {error}"),
        };
    };
    match certificate {
        CertificateError::UnknownIssuer => {
            "its certificate is of an authority that this host does not trust: outbound.ca_file of \
             the configuration names further ones"
                .into()
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate has expired".into()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            format!("its certificate is not for this name: {certificate}")
        }
        other => format!("its certificate cannot be accepted: {other}"),
    }
}
