//! The address of a PostgreSQL server. It may hold a password, which is never shown.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use crate::error::OpenError;

/// How long a server may take to answer the knock.
const CONNECT_MAX: Duration = Duration::from_secs(2);

/// How long a connection is believed in whose other end gives no sign. A machine gives one while a
/// server of its thinks.
const SILENCE_MAX: Duration = Duration::from_secs(3);

/// How often a silent other end is then asked for a sign.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// Where a PostgreSQL database is, and how to get in: `postgres://user:password@host/database`.
///
/// `?sslmode=disable` speaks plainly; `require` and `verify-full` both encrypt and check the
/// server's certificate against those that this machine trusts. Without it a server on this
/// machine is spoken to plainly, and any other is checked.
#[derive(Clone)]
pub struct Address {
    pub(super) config: Config,
    pub(super) is_encrypted: bool,
}

impl FromStr for Address {
    type Err = OpenError;

    fn from_str(url: &str) -> Result<Self, OpenError> {
        let refused = |why: &str| OpenError::Address { why: why.to_owned() };
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(refused("it has to start with postgres://"));
        }
        let (url, mode) = without_ssl_mode(url);
        // What the parser says may repeat a part of the address.
        let mut config: Config =
            url.parse().map_err(|_| refused("it is not postgres://user:password@host/database"))?;
        let is_encrypted = match mode {
            Some("disable") => false,
            Some("require" | "verify-full") => true,
            None => !config.get_hosts().iter().all(is_here),
            Some(_) => return Err(refused("sslmode can be disable, require or verify-full")),
        };
        config
            .ssl_mode(if is_encrypted { SslMode::Require } else { SslMode::Disable })
            .application_name("stokehold")
            .connect_timeout(CONNECT_MAX)
            .keepalives_idle(SILENCE_MAX)
            .keepalives_interval(ASK_AGAIN)
            .keepalives_retries(1)
            .tcp_user_timeout(SILENCE_MAX);
        Ok(Self { config, is_encrypted })
    }
}

/// The server and the database, and nothing more.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts = self.config.get_hosts().iter().map(|host| match host {
            Host::Tcp(name) => name.clone(),
            #[cfg(unix)]
            Host::Unix(path) => path.display().to_string(),
        });
        let hosts = hosts.collect::<Vec<_>>().join(",");
        write!(f, "{}/{}", hosts, self.config.get_dbname().unwrap_or_default())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

/// Takes `sslmode` out of the query: the driver knows fewer kinds.
fn without_ssl_mode(url: &str) -> (String, Option<&str>) {
    let Some((front, query)) = url.split_once('?') else { return (url.to_owned(), None) };
    let mode = query.split('&').find_map(|part| part.strip_prefix("sslmode="));
    let rest: Vec<_> = query.split('&').filter(|part| !part.starts_with("sslmode=")).collect();
    let mark = if rest.is_empty() { "" } else { "?" };
    (format!("{front}{mark}{}", rest.join("&")), mode)
}

fn is_here(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_elsewhere_is_spoken_to_in_secret() {
        let is_encrypted = |url: &str| url.parse::<Address>().expect("an address").is_encrypted;
        assert!(!is_encrypted("postgres://anna:x@127.0.0.1/ledger"));
        assert!(!is_encrypted("postgres://anna@localhost:5433/ledger?connect_timeout=3"));
        assert!(is_encrypted("postgresql://anna@db.example.com/ledger"));
        assert!(is_encrypted("postgres://anna@localhost/ledger?sslmode=verify-full"));
        assert!(!is_encrypted(
            "postgres://db.example.com/ledger?sslmode=disable&connect_timeout=1"
        ));
    }

    #[test]
    fn an_address_shows_no_password() {
        let address: Address = "postgres://anna:secret@db.example.com/ledger".parse().expect("one");
        assert_eq!(address.to_string(), "db.example.com/ledger");
        assert_eq!(format!("{address:?}"), "Address(db.example.com/ledger)");
        for wrong in [
            "mysql://anna:secret@db/ledger",
            "postgres://anna:secret@db:port/ledger",
            "postgres://anna:secret@db/ledger?sslmode=prefer",
            "postgres://anna:secret@db/ledger?nonsense=secret",
        ] {
            let error = wrong.parse::<Address>().expect_err("refused").to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
