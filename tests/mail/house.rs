//! A server whose mail goes somewhere, and what its clients do.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};
use stokehold_tests::http::Reply;
use stokehold_tests::poll;
use stokehold_tests::server::{Server, assert_clean};
use tempfile::TempDir;

use crate::mailbox::Mailbox;

const SERVICE: &str = "coalroller";

/// A sandbox with the coal roller.
pub(crate) struct House {
    pub(crate) server: Server,
    pub(crate) data: TempDir,
    key: String,
}

/// What the outbox says of one mail.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) attempts: u32,
    /// Whether it is still to be sent.
    pub(crate) is_due: bool,
    pub(crate) is_sent: bool,
    /// What the last attempt said.
    pub(crate) error: Option<String>,
}

impl House {
    /// Starts one whose mail goes to this mail server, in clear.
    pub(crate) fn with(mailbox: &Mailbox, more: &[(&str, &str)]) -> Self {
        let settings = smtp(&mailbox.port);
        Self::start(&[&settings, more].concat())
    }

    /// Starts one with these settings.
    pub(crate) fn start(settings: &[(&str, &str)]) -> Self {
        let data = tempfile::tempdir().expect("a directory");
        let server = Server::sandbox_with(data.path(), &general(settings));
        let key = server.key.clone().expect("the key of the first start");
        House { server, data, key }
    }

    /// The same one, stopped and started with other settings.
    pub(crate) fn restart(self, settings: &[(&str, &str)]) -> Self {
        let House { server, data, key } = self;
        server.stop();
        let server = Server::sandbox_with(data.path(), &general(settings));
        House { server, data, key }
    }

    /// Gives an account credits, and has it warned at 5 or less.
    pub(crate) fn warned(&self, token: &str, emails: &[&str]) {
        self.server.grant(SERVICE, token, &json!(10));
        let emails: Vec<_> = emails.iter().map(|email| json!({ "email": email })).collect();
        let settings = json!({
            "account_token": token, "warning_threshold": 5, "warning_emails": emails,
        });
        self.rpc("/iap/1/update-warning-email-alerts", &settings).result();
    }

    pub(crate) fn grant(&self, token: &str, credits: u32) {
        self.server.grant(SERVICE, token, &json!(credits));
    }

    /// A JSON-RPC request, which is no repeat of another.
    #[track_caller]
    pub(crate) fn rpc(&self, path: &str, params: &Value) -> Reply {
        static LAST: AtomicU32 = AtomicU32::new(0);
        let id = LAST.fetch_add(1, Ordering::Relaxed);
        let request = json!({ "jsonrpc": "2.0", "method": "call", "params": params, "id": id });
        self.server.client().post(path, &request)
    }

    /// Sets credits aside, and answers the transaction token.
    #[track_caller]
    pub(crate) fn authorize(&self, token: &str, credits: f64) -> Value {
        self.try_authorize(token, credits).result()
    }

    pub(crate) fn try_authorize(&self, token: &str, credits: f64) -> Reply {
        self.rpc("/iap/1/authorize", &self.hold(token, credits))
    }

    /// The params of an authorize.
    pub(crate) fn hold(&self, token: &str, credits: f64) -> Value {
        json!({ "key": self.key, "account_token": token, "credit": credits })
    }

    /// Ends a hold by `capture` or `cancel`.
    #[track_caller]
    pub(crate) fn end(&self, how: &str, hold: &Value) {
        let end = json!({ "key": self.key, "token": hold });
        self.rpc(&format!("/iap/1/{how}"), &end).result();
    }

    /// Lets another account run low. Mails leave in the order in which they were caused: what has
    /// not come before the mail of this one never will.
    pub(crate) fn fence(&self, mailbox: &Mailbox) {
        let name = format!("fence{}", self.outbox().len());
        let email = format!("{name}@example.com");
        self.warned(&name, &[&email]);
        self.authorize(&name, 6.0);
        mailbox.mail(&email);
    }

    /// The outbox, the oldest mail first.
    pub(crate) fn outbox(&self) -> Vec<Entry> {
        let path = self.data.path().join("stokehold.db");
        let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY);
        let db = db.expect("the database");
        let columns = "attempts, due_at IS NOT NULL, sent_at IS NOT NULL, error";
        let query = format!("SELECT {columns} FROM outbox ORDER BY id");
        let mut query = db.prepare(&query).expect("the outbox");
        let entries = query.query_map([], |row| {
            Ok(Entry {
                attempts: row.get(0)?,
                is_due: row.get(1)?,
                is_sent: row.get(2)?,
                error: row.get(3)?,
            })
        });
        entries.expect("the outbox").collect::<Result<_, _>>().expect("its entries")
    }

    /// Returns the first entry of the outbox once it is as it should be.
    #[track_caller]
    pub(crate) fn await_first(&self, what: &str, is_so: impl Fn(&Entry) -> bool) -> Entry {
        poll::until(what, || self.outbox().into_iter().next().filter(&is_so))
    }

    /// Stops it, checks its ledger, and answers what it has printed.
    pub(crate) fn close(self) -> String {
        let House { server, data, .. } = self;
        let printed = server.stop();
        assert_clean(data.path());
        printed
    }
}

/// Settings for a mail server on this port, in clear.
pub(crate) fn smtp(port: &str) -> [(&'static str, &str); 4] {
    [
        ("STOKEHOLD_MAIL_TRANSPORT", "smtp"),
        ("STOKEHOLD_MAIL_HOST", "127.0.0.1"),
        ("STOKEHOLD_MAIL_PORT", port),
        ("STOKEHOLD_MAIL_TLS", "none"),
    ]
}

/// Settings for a directory.
pub(crate) fn files(directory: &Path) -> [(&'static str, &str); 2] {
    let directory = directory.to_str().expect("a path of text");
    [("STOKEHOLD_MAIL_TRANSPORT", "file"), ("STOKEHOLD_MAIL_DIRECTORY", directory)]
}

/// What every server here has, under what it has of its own.
fn general<'a>(settings: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let general = [
        ("STOKEHOLD_LOG", "info"),
        ("STOKEHOLD_MAIL_FROM", "Stokehold <credits@example.com>"),
        ("STOKEHOLD_MAIL_RETRY_S", "1"),
    ];
    [&general, settings].concat()
}
