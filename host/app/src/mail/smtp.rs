//! A mail server, spoken to by SMTP.

use std::time::Duration;

use lettre::Message;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use tokio::time::timeout;

use super::carrier::Failure;
use crate::config::{Mail, MailTls};

/// A mail server, with the connection to it while there are mails to send.
pub(super) struct Smtp {
    host: String,
    port: u16,
    hello: ClientId,
    encryption: Encryption,
    credentials: Option<Credentials>,
    patience: Duration,
    connection: Option<AsyncSmtpConnection>,
}

enum Encryption {
    None,
    Starttls(TlsParameters),
    Implicit(TlsParameters),
}

impl Smtp {
    pub(super) fn new(settings: &Mail) -> Result<Self, String> {
        let host = settings.host.clone().ok_or("mail.host is missing")?;
        let trusted = || {
            TlsParameters::new(host.clone()).map_err(|error| format!("no TLS for mail: {error}"))
        };
        let (encryption, port) = match settings.tls {
            MailTls::None => (Encryption::None, 25),
            MailTls::Starttls => (Encryption::Starttls(trusted()?), 587),
            MailTls::Implicit => (Encryption::Implicit(trusted()?), 465),
        };
        let username = settings.username.clone();
        let credentials = username
            .zip(settings.password()?)
            .map(|(username, password)| Credentials::new(username, password.reveal().to_owned()));
        Ok(Self {
            port: settings.port.unwrap_or(port),
            hello: ClientId::Domain(settings.sender()?.email.domain().to_owned()),
            encryption,
            credentials,
            patience: Duration::from_secs(settings.timeout_s),
            connection: None,
            host,
        })
    }

    /// Sends a mail over the connection that is open, or a new one.
    pub(super) async fn send(&mut self, message: &Message) -> Result<(), Failure> {
        let patience = self.patience;
        timeout(patience, self.exchange(message)).await.unwrap_or_else(|_| {
            let why = format!("{} took longer than {} s", self.host, patience.as_secs());
            Err(Failure::Transient(why))
        })
    }

    async fn exchange(&mut self, message: &Message) -> Result<(), Failure> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            // Whatever a server says before it has heard of a mail is not about that mail: a
            // wrong password is the operator's to mend, and the mail can wait for that.
            None => self.connect().await.map_err(|error| Failure::Transient(error.to_string()))?,
        };
        let sent = connection.send(message.envelope(), &message.formatted()).await;
        if !connection.has_broken() {
            self.connection = Some(connection);
        }
        sent.map(drop).map_err(|error| {
            let why = error.to_string();
            if error.is_permanent() { Failure::Permanent(why) } else { Failure::Transient(why) }
        })
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Error> {
        let implicit = match &self.encryption {
            Encryption::Implicit(tls) => Some(tls.clone()),
            _ => None,
        };
        let address = (&*self.host, self.port);
        // Half of the time, so that a second address of the host has its turn.
        let each = Some(self.patience / 2);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(address, each, &self.hello, implicit, None).await?;
        if let Encryption::Starttls(tls) = &self.encryption {
            connection.starttls(tls.clone(), &self.hello).await?;
        }
        if let Some(credentials) = &self.credentials {
            connection.auth(&[Mechanism::Plain, Mechanism::Login], credentials).await?;
        }
        Ok(connection)
    }

    /// Takes leave of the server.
    pub(super) async fn hang_up(&mut self) {
        if let Some(mut connection) = self.connection.take() {
            // Every mail has been answered: nothing depends on how the server takes it.
            let _ = timeout(self.patience, connection.quit()).await;
        }
    }
}
