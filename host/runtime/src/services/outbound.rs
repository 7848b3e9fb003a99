//! Where requests may go, and the way there.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::Uri;
use http::uri::Scheme;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use wasmtime_wasi_http::Error;

use super::address::is_public;
use super::tls::{self, Authorities};

/// What the operator allows to all services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkSettings {
    /// Hosts that services may reach, `*` for whatever their manifests name. None by default: a
    /// new host reaches out to nobody.
    pub hosts: Vec<Host>,
    /// Certificate authorities that are trusted beside those of the machine. None by default.
    pub authorities: Authorities,
    /// Whether addresses that are not on the Internet may be reached. Not by default: there stand
    /// this machine's own services, its neighbours, and the cloud's metadata.
    pub private_addresses: bool,
    /// Requests of one call. 16 by default: a call is an errand, not a crawl.
    pub requests_max: usize,
    /// The longest body of a request, and of an answer, in bytes. 8 MiB by default.
    pub body_bytes_max: usize,
    /// How long finding and reaching a host may take. 10 s by default.
    pub connect_time_max: Duration,
}

impl Default for NetworkSettings {
    fn default() -> Self {
        NetworkSettings {
            hosts: Vec::new(),
            authorities: Authorities::default(),
            private_addresses: false,
            requests_max: 16,
            body_bytes_max: 8 << 20,
            connect_time_max: Duration::from_secs(10),
        }
    }
}

/// A host, or a family of them, that may be reached: `api.example.com`, `*.example.com`, `*`, each
/// with a scheme before it and a port after it where they are not `https` and the scheme's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    is_tls: bool,
    name: String,
    /// `None` only for `*`, which stands for every port.
    port: Option<u16>,
}

/// A text that names no host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no host: write a name such as api.example.com, *.example.com or http://localhost:8080"
)]
pub struct HostError(String);

impl std::str::FromStr for Host {
    type Err = HostError;

    fn from_str(text: &str) -> Result<Self, HostError> {
        let error = || HostError(text.to_owned());
        if text == "*" {
            return Ok(Host { is_tls: true, name: "*".to_owned(), port: None });
        }
        let (is_tls, rest) = match text.split_once("://") {
            None => (true, text),
            Some(("https", rest)) => (true, rest),
            Some(("http", rest)) => (false, rest),
            Some(_) => return Err(error()),
        };
        // An address of IPv6 has colons of its own, in brackets.
        let (name, port) = match rest.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => {
                (name, port.parse().map_err(|_| error())?)
            }
            _ => (rest, default_port(is_tls)),
        };
        let plain = name.strip_prefix("*.").unwrap_or(name);
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._[]:".contains(&byte);
        if plain.is_empty() || !plain.bytes().all(allowed) {
            return Err(error());
        }
        Ok(Host { is_tls, name: name.to_ascii_lowercase(), port: Some(port) })
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_tls { "" } else { "http://" };
        write!(f, "{scheme}{}", self.name)?;
        match self.port {
            Some(port) if port != default_port(self.is_tls) => write!(f, ":{port}"),
            _ => Ok(()),
        }
    }
}

impl Host {
    /// Whether all that `other` stands for may be reached where this may.
    pub fn includes(&self, other: &Host) -> bool {
        let Some(port) = other.port else { return self.port.is_none() };
        // `*.a.example` stands for names of any length before its suffix: one of them tells.
        let name = other.name.replacen('*', "any", 1);
        self.covers(&Target { is_tls: other.is_tls, name, port })
            && (self.name.starts_with('*') || self.name == other.name)
    }

    fn covers(&self, target: &Target) -> bool {
        let Some(port) = self.port else { return true };
        let name = match self.name.strip_prefix('*') {
            Some(suffix) => target.name.len() > suffix.len() && target.name.ends_with(suffix),
            None => target.name == self.name,
        };
        name && port == target.port && self.is_tls == target.is_tls
    }
}

const fn default_port(is_tls: bool) -> u16 {
    if is_tls { 443 } else { 80 }
}

/// The network as all services of a host may use it.
pub struct Network {
    settings: NetworkSettings,
    tls: OnceLock<Arc<rustls::ClientConfig>>,
}

impl Network {
    /// A network with these bounds.
    pub fn new(settings: NetworkSettings) -> Self {
        Network { settings, tls: OnceLock::new() }
    }

    /// The certificates that this machine trusts are read at the first request.
    fn tls(&self) -> Result<Arc<rustls::ClientConfig>, Error> {
        if let Some(tls) = self.tls.get() {
            return Ok(Arc::clone(tls));
        }
        let tls = tls::client(&self.settings.authorities);
        let tls = tls.map_err(|error| Error::Tls(io::Error::other(error)))?;
        Ok(Arc::clone(self.tls.get_or_init(|| Arc::new(tls))))
    }
}

/// Where one service may reach: the hosts of its manifest, as far as the operator allows them.
pub struct Outbound {
    network: Arc<Network>,
    hosts: Vec<Host>,
}

/// Where a request goes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target {
    is_tls: bool,
    /// In lower case; an address of IPv6 in its brackets.
    name: String,
    port: u16,
}

impl Target {
    fn of(uri: &Uri) -> Option<Self> {
        let is_tls = uri.scheme() == Some(&Scheme::HTTPS);
        let name = uri.host()?.to_ascii_lowercase();
        let port = uri.port_u16().unwrap_or(default_port(is_tls));
        Some(Target { is_tls, name, port })
    }
}

/// As a manifest would name it.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Target { is_tls, name, port } = self;
        Host { is_tls: *is_tls, name: name.clone(), port: Some(*port) }.fmt(f)
    }
}

/// Why a request is not sent. The guest learns no more than the WASI error; the text is for its
/// developer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Denied {
    #[error("its address names no host")]
    NoHost,
    #[error("[outbound] of service.toml does not name {0}")]
    NotNamed(String),
    #[error("the operator of this host does not allow {0}: outbound.hosts of the configuration")]
    NotAllowed(String),
}

impl From<Denied> for Error {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::NoHost => Error::HttpRequestUriInvalid,
            Denied::NotNamed(_) | Denied::NotAllowed(_) => Error::HttpRequestDenied,
        }
    }
}

pub(super) trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

impl Outbound {
    /// A service's share of the network.
    pub fn new(network: Arc<Network>, hosts: Vec<Host>) -> Self {
        Outbound { network, hosts }
    }

    pub(super) fn settings(&self) -> &NetworkSettings {
        &self.network.settings
    }

    /// Why a request is denied to a service whose manifest names no host.
    pub(super) fn denied(uri: &Uri) -> Denied {
        Target::of(uri).map_or(Denied::NoHost, |target| Denied::NotNamed(target.to_string()))
    }

    /// Where a request goes, if it may go there.
    pub(super) fn target(&self, uri: &Uri) -> Result<Target, Denied> {
        let target = Target::of(uri).ok_or(Denied::NoHost)?;
        let named = |hosts: &[Host]| hosts.iter().any(|host| host.covers(&target));
        if !named(&self.hosts) {
            Err(Denied::NotNamed(target.to_string()))
        } else if !named(&self.settings().hosts) {
            Err(Denied::NotAllowed(target.to_string()))
        } else {
            Ok(target)
        }
    }

    /// Connects within the time for it. The name is looked up once, and the address that was
    /// checked is the one that is connected to: a second answer of the name's server, with a
    /// private address, comes too late.
    pub(super) async fn connect(
        &self,
        target: &Target,
        time_max: Option<Duration>,
    ) -> Result<Box<dyn Connection>, Error> {
        let max = self.settings().connect_time_max;
        let time_max = time_max.map_or(max, |time| time.min(max));
        let connecting = async {
            let name = target.name.trim_start_matches('[').trim_end_matches(']');
            let found = tokio::net::lookup_host((name, target.port)).await;
            let addresses = self.reachable(found.map_err(|error| no_name(&error))?)?;
            let stream = TcpStream::connect(&*addresses).await.map_err(Error::Connect)?;
            if !target.is_tls {
                return Ok(Box::new(stream) as Box<dyn Connection>);
            }
            let server = ServerName::try_from(name.to_owned());
            let server = server.map_err(|error| Error::Tls(io::Error::other(error)))?;
            let connector = TlsConnector::from(self.network.tls()?);
            let stream = connector.connect(server, stream).await.map_err(Error::Tls)?;
            Ok(Box::new(stream) as Box<dyn Connection>)
        };
        let connected = tokio::time::timeout(time_max, connecting).await;
        connected.map_err(|_| Error::ConnectionTimeout)?
    }

    fn reachable(
        &self,
        addresses: impl Iterator<Item = SocketAddr>,
    ) -> Result<Vec<SocketAddr>, Error> {
        let may =
            |address: &SocketAddr| self.settings().private_addresses || is_public(address.ip());
        let addresses: Vec<_> = addresses.filter(may).collect();
        if addresses.is_empty() { Err(Error::DestinationIpProhibited) } else { Ok(addresses) }
    }
}

fn no_name(error: &io::Error) -> Error {
    Error::DnsError { rcode: Some(error.to_string()), info_code: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outbound(manifest: &[&str], operator: &[&str], private_addresses: bool) -> Outbound {
        let hosts = |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect();
        let settings = NetworkSettings {
            hosts: hosts(operator),
            private_addresses,
            ..NetworkSettings::default()
        };
        Outbound::new(Arc::new(Network::new(settings)), hosts(manifest))
    }

    fn may(outbound: &Outbound, uri: &str) -> bool {
        outbound.target(&uri.parse().unwrap()).is_ok()
    }

    #[test]
    fn a_host_needs_the_manifest_and_the_operator() {
        let both = outbound(&["a.example", "*.b.example", "http://c.example:81"], &["*"], false);
        for (uri, allowed) in [
            ("https://a.example/x", true),
            ("https://A.EXAMPLE:443/", true),
            ("http://a.example/", false),
            ("https://a.example:8443/", false),
            ("https://x.b.example/", true),
            ("https://b.example/", false),
            ("https://.b.example/", false),
            ("https://xb.example/", false),
            ("http://c.example:81/", true),
            ("http://c.example/", false),
            ("https://a.example@evil.example/", false),
            ("https://evil.example/a.example", false),
        ] {
            assert_eq!(may(&both, uri), allowed, "{uri}");
        }
        assert!(!may(&outbound(&["a.example"], &[], false), "https://a.example/"));
        assert!(!may(&outbound(&["a.example"], &["b.example"], false), "https://a.example/"));
        assert!(!may(&outbound(&[], &["*"], false), "https://a.example/"));
    }

    #[test]
    fn what_is_denied_is_named_as_a_manifest_would() {
        let denied = |outbound: &Outbound, uri: &str| {
            outbound.target(&uri.parse().unwrap()).expect_err("it is denied").to_string()
        };
        let named = outbound(&["a.example"], &[], true);
        assert!(denied(&named, "http://b.example:81/x?key=1").ends_with(" http://b.example:81"));
        assert!(denied(&named, "https://a.example/").contains("allow a.example: outbound.hosts"));
    }

    #[test]
    fn one_host_includes_another() {
        for (wide, narrow, includes) in [
            ("*", "a.example", true),
            ("*", "*", true),
            ("a.example", "*", false),
            ("a.example", "a.example", true),
            ("a.example", "a.example:8443", false),
            ("*.a.example", "b.a.example", true),
            ("*.a.example", "*.a.example", true),
            ("*.a.example", "*.b.a.example", true),
            ("*.a.example", "a.example", false),
            ("*.b.a.example", "*.a.example", false),
            ("any.a.example", "*.a.example", false),
            ("http://a.example", "a.example", false),
        ] {
            let [wide, narrow] = [wide, narrow].map(|text| text.parse::<Host>().unwrap());
            assert_eq!(wide.includes(&narrow), includes, "{wide} and {narrow}");
        }
    }

    #[test]
    fn hosts_are_read_and_written() {
        for text in
            ["a.example", "*.a.example", "http://a.example:81", "a.example:8443", "*", "[::1]:8443"]
        {
            assert_eq!(text.parse::<Host>().unwrap().to_string(), text);
        }
        assert_eq!("https://A.example:443".parse::<Host>().unwrap().to_string(), "a.example");
        for text in ["", "ftp://a.example", "a.example:port", "a b", "a/b", "*.", "a.*.b"] {
            assert!(text.parse::<Host>().is_err(), "{text}");
        }
    }

    #[tokio::test]
    async fn private_addresses_are_not_connected_to() {
        let private = outbound(
            &["http://localhost:9", "http://127.0.0.1:9", "http://[::1]:9"],
            &["*"],
            false,
        );
        for uri in ["http://localhost:9/", "http://127.0.0.1:9/", "http://[::1]:9/"] {
            let target = private.target(&uri.parse().unwrap()).unwrap();
            let refused = private.connect(&target, None).await.err();
            assert!(matches!(refused, Some(Error::DestinationIpProhibited)), "{uri}: {refused:?}");
        }
    }
}
