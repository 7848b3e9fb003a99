//! How mail is sent.

use std::path::PathBuf;

use lettre::message::Mailbox;
use serde::{Deserialize, Serialize};

use super::secret;
use crate::secret::Secret;

/// How mail is sent: warnings that an account runs low.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mail {
    /// What carries it. By default nothing does: a host does not write to people before its
    /// operator has said through whom.
    pub transport: MailTransport,
    /// The sender, such as `Stokehold <credits@example.com>`.
    pub from: Option<String>,
    /// Where the mails are put, with the transport `file`.
    pub directory: Option<PathBuf>,
    /// The mail server, with the transport `smtp`.
    pub host: Option<String>,
    /// Its port. By default the one that is customary for `tls`: 587, 465 or 25.
    pub port: Option<u16>,
    /// How the connection to it is encrypted.
    pub tls: MailTls,
    /// The name to sign in with. Without one it takes mail from anybody.
    pub username: Option<String>,
    /// The password to sign in with.
    #[serde(serialize_with = "secret::redacted", deserialize_with = "secret::read")]
    pub password: Option<Secret>,
    /// A file that holds the password, so that it need not stand here or in the environment.
    pub password_file: Option<PathBuf>,
    /// How long the server may take for one mail, connecting included, in seconds.
    pub timeout_s: u64,
    /// How often a mail is tried before it is given up. 30 attempts, with the waits below, are a
    /// day: a mail server that is down for a night loses nothing, and a warning that is older warns
    /// of nothing.
    pub attempts_max: u32,
    /// How long to wait after the first attempt that failed, in seconds; twice as long after each
    /// further one. Long enough for a server that greylists to take the second or third.
    pub retry_s: u64,
    /// The longest wait between two attempts, in seconds.
    pub retry_s_max: u64,
}

/// What carries mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MailTransport {
    /// Nothing. Mails wait until something does.
    None,
    /// A mail server.
    Smtp,
    /// Each mail becomes a file of its own.
    File,
    /// The latest mails are kept in memory, for tests.
    Memory,
}

/// How the connection to a mail server is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MailTls {
    /// Not at all.
    None,
    /// It starts in clear, and is encrypted before anything is sent; a server that cannot do so
    /// gets nothing.
    Starttls,
    /// From its first byte.
    Implicit,
}

impl Default for Mail {
    fn default() -> Self {
        Self {
            transport: MailTransport::None,
            from: None,
            directory: None,
            host: None,
            port: None,
            tls: MailTls::Starttls,
            username: None,
            password: None,
            password_file: None,
            timeout_s: 30,
            attempts_max: 30,
            retry_s: 30,
            retry_s_max: 3_600,
        }
    }
}

impl Mail {
    /// What is wrong with the settings, one text each.
    pub(super) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut check = |holds: bool, what: &str| {
            if !holds {
                faults.push(what.to_owned());
            }
        };
        check((1..=600).contains(&self.timeout_s), "mail.timeout_s has to be from 1 to 600");
        check(self.attempts_max >= 1, "mail.attempts_max has to be at least 1");
        check(self.retry_s >= 1, "mail.retry_s has to be at least 1");
        check(self.retry_s_max >= self.retry_s, "mail.retry_s_max cannot be below mail.retry_s");
        if self.transport == MailTransport::File {
            check(self.directory.is_some(), "mail.directory is missing: the transport is \"file\"");
        }
        if self.transport == MailTransport::Smtp {
            check(self.host.is_some(), "mail.host is missing: the transport is \"smtp\"");
            check(
                self.password.is_none() || self.password_file.is_none(),
                "mail.password and mail.password_file are both set: leave one",
            );
            let has_password = self.password.is_some() || self.password_file.is_some();
            check(
                self.username.is_some() || !has_password,
                "mail.username is missing: there is a password",
            );
            check(
                has_password || self.username.is_none(),
                "mail.password or mail.password_file is missing: there is a mail.username",
            );
            check(
                !has_password || self.tls != MailTls::None || self.is_local(),
                "mail.tls is \"none\": a password is sent to another machine with \"starttls\" or \
                 \"implicit\" only",
            );
            faults.extend(self.password().err());
        }
        if self.transport != MailTransport::None {
            faults.extend(self.sender().err());
        }
        faults
    }

    /// The sender.
    pub(crate) fn sender(&self) -> Result<Mailbox, String> {
        let from = self.from.as_deref().ok_or("mail.from is missing: every mail has a sender")?;
        from.parse().map_err(|error| format!("mail.from is no address: {error}"))
    }

    /// The password, wherever it stands.
    pub(crate) fn password(&self) -> Result<Option<Secret>, String> {
        let Some(path) = &self.password_file else { return Ok(self.password.clone()) };
        secret::file("mail.password_file", path).map(Some)
    }

    /// Whether the mail server is on this machine.
    fn is_local(&self) -> bool {
        let host = self.host.as_deref().unwrap_or_default();
        let loopback = host.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback());
        loopback || host == "localhost"
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn mail(text: &str) -> Mail {
        toml::from_str(text).expect("valid TOML")
    }

    #[test]
    fn what_is_missing_or_contradicts_is_named() {
        let smtp = "transport = 'smtp'\nfrom = 'a@example.com'\n";
        for (text, faults) in [
            ("", vec![]),
            ("transport = 'memory'", vec!["mail.from is missing"]),
            ("transport = 'memory'\nfrom = 'nobody'", vec!["mail.from is no address"]),
            ("transport = 'file'\nfrom = 'A <a@example.com>'", vec!["mail.directory is missing"]),
            (smtp, vec!["mail.host is missing"]),
            (&format!("{smtp}host = 'h'"), vec![]),
            (&format!("{smtp}host = 'h'\nusername = 'u'"), vec!["mail.password or"]),
            (&format!("{smtp}host = 'h'\npassword = 'p'"), vec!["mail.username is missing"]),
            (
                &format!("{smtp}host = 'h'\nusername = 'u'\npassword = 'p'\npassword_file = '/no'"),
                vec!["both set", "mail.password_file /no: "],
            ),
            (
                &format!("{smtp}host = 'h'\ntls = 'none'\nusername = 'u'\npassword = 'p'"),
                vec!["mail.tls is"],
            ),
            (
                &format!("{smtp}host = '127.0.0.1'\ntls = 'none'\nusername = 'u'\npassword = 'p'"),
                vec![],
            ),
            ("timeout_s = 0\nretry_s = 9\nretry_s_max = 8", vec!["timeout_s", "retry_s_max"]),
        ] {
            let found = mail(text).faults();
            assert_eq!(found.len(), faults.len(), "{text}: {found:?}");
            let named = found.iter().zip(&faults).all(|(found, fault)| found.contains(fault));
            assert!(named, "{text}: {found:?}");
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        let mail = mail("password = 'hunter2'");
        let shown = format!("{mail:?}{}", toml::to_string(&mail).expect("TOML"));
        assert!(!shown.contains("hunter2") && shown.contains("password = \"(redacted)\""));
        let error = toml::from_str::<Mail>("password = 1234").expect_err("no text");
        assert!(!error.message().contains("1234"), "{error}");
    }

    #[test]
    fn a_password_is_the_file_without_the_end_of_its_line() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        fs::write(file.path(), "hunter 2\r\n").expect("written");
        let mail = Mail { password_file: Some(file.path().into()), ..Mail::default() };
        assert_eq!(mail.password().expect("read").expect("there").reveal(), "hunter 2");
    }
}
