//! Where something is in a registry: `oci://HOST/REPOSITORY:TAG`.

use std::fmt;
use std::str::FromStr;

use ureq::http::Uri;

const SCHEME: &str = "oci://";

/// Where something is in a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reference {
    /// Host, and port where it is not the scheme's own.
    host: String,
    pub(super) repository: String,
    /// A tag, or a digest: `sha256:…`.
    pub(super) version: String,
    is_digest: bool,
}

impl Reference {
    /// Whether a text means a registry, and no directory.
    pub(crate) fn is_meant(text: &str) -> bool {
        text.starts_with(SCHEME)
    }

    /// The registry's address. One on this machine is asked without TLS, as other clients do.
    pub(super) fn server(&self) -> String {
        let name = self.host.rsplit_once(':').map_or(self.host.as_str(), |(name, _)| name);
        let is_here = ["localhost", "127.0.0.1", "[::1]"].contains(&name);
        format!("{}://{}", if is_here { "http" } else { "https" }, self.host)
    }

    /// The address of a place that the registry names, with its own name or without it.
    pub(super) fn resolve(&self, location: &str) -> String {
        if location.starts_with('/') { self.server() + location } else { location.to_owned() }
    }

    /// Whether the registry itself is at this address.
    pub(super) fn is_at(&self, address: &str) -> bool {
        origin(address).is_some_and(|other| origin(&self.server()) == Some(other))
    }
}

/// What has to be the same of two addresses for one server to be at both: RFC 6454, section 4.
fn origin(address: &str) -> Option<(String, String, u16)> {
    let address: Uri = address.parse().ok()?;
    let scheme = address.scheme_str()?.to_owned();
    let port = address.port_u16().unwrap_or(if scheme == "http" { 80 } else { 443 });
    Some((scheme, address.host()?.to_ascii_lowercase(), port))
}

impl FromStr for Reference {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text} is no reference: write oci://HOST/REPOSITORY:TAG");
        let (host, rest) =
            text.strip_prefix(SCHEME).and_then(|it| it.split_once('/')).ok_or_else(wrong)?;
        let (repository, version, is_digest) = match (rest.split_once('@'), rest.split_once(':')) {
            (Some((repository, digest)), _) => (repository, digest, true),
            (None, Some((repository, tag))) => (repository, tag, false),
            (None, None) => (rest, "latest", false),
        };
        let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let repository_ok = repository.split('/').all(|part| {
            part.bytes().all(|byte| is_name(byte) || b"._-".contains(&byte)) && !part.is_empty()
        });
        let version_ok = !version.is_empty()
            && version.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-:".contains(&byte));
        if host.is_empty() || !repository_ok || !version_ok {
            return Err(wrong());
        }
        let (host, repository) = (host.to_owned(), repository.to_owned());
        Ok(Self { host, repository, version: version.to_owned(), is_digest })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let separator = if self.is_digest { '@' } else { ':' };
        write!(f, "{SCHEME}{}/{}{separator}{}", self.host, self.repository, self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_read_and_written() {
        for (text, server) in [
            ("oci://ghcr.io/acme/greeter:1.0", "https://ghcr.io"),
            ("oci://localhost:5000/greeter:latest", "http://localhost:5000"),
            ("oci://example.com:5000/a/b/c@sha256:abc", "https://example.com:5000"),
        ] {
            let reference: Reference = text.parse().expect("a reference");
            assert_eq!(
                (reference.to_string().as_str(), reference.server().as_str()),
                (text, server)
            );
        }
        let latest: Reference = "oci://ghcr.io/acme/greeter".parse().expect("a reference");
        assert_eq!(latest.version, "latest");
        for text in
            ["oci://", "oci://ghcr.io", "oci://ghcr.io/Acme:1", "oci://ghcr.io/a:", "ghcr.io/a:1"]
        {
            assert!(text.parse::<Reference>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_registry_is_where_its_reference_says() {
        let reference: Reference = "oci://ghcr.io/acme/greeter".parse().expect("a reference");
        for (address, expected) in [
            ("https://ghcr.io/v2/", true),
            ("https://GHCR.io:443/v2/?a=b", true),
            ("http://ghcr.io/v2/", false),
            ("https://ghcr.io:5000/v2/", false),
            ("https://ghcr.io.example.com/v2/", false),
            ("https://ghcr.io@example.com/v2/", false),
            ("elsewhere", false),
        ] {
            assert_eq!(reference.is_at(address), expected, "{address}");
        }
    }
}
