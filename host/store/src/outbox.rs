//! Mail that is to be sent.
//!
//! A warning is written in the transaction of the change that it warns of, so that it is sent
//! exactly when that change is real. Sending comes later and may be repeated.

use stokehold_ledger::{Account, AccountId, AccountKey, Credits, Span, Timestamp};

use crate::db::{Db, Row, values};
use crate::error::Error;
use crate::host;
use crate::row;
use crate::seal::Seal;
use crate::store::Store;

/// A warning that an account runs low.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Which mail this is.
    pub id: i64,
    /// To whom.
    pub email: String,
    /// In which language they want it, such as `en_US`; may be empty.
    pub lang: String,
    /// The service's name for people.
    pub service_label: String,
    /// What the service calls a credit.
    pub unit: String,
    /// The service's technical name.
    pub service_name: String,
    /// The SHA-1 of the account's token, hexadecimal: a link to the account may carry it.
    pub account: String,
    /// What was available.
    pub available: Credits,
    /// The threshold.
    pub warn_at: Credits,
    /// When it happened.
    pub created_at: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
}

/// What came of an attempt to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// The mail server took it.
    Done,
    /// Not yet: try again after this long. The text says why.
    Later(Span, String),
    /// It is given up. The text says why.
    Never(String),
}

impl Store {
    /// Up to `limit` warnings that are due, the oldest first, whoever may be sending them.
    pub async fn due_warnings(&self, limit: u32) -> Result<Vec<Warning>, Error> {
        let now = self.now();
        let due = format!("{WARNING} WHERE due_at <= ?1 ORDER BY due_at, outbox.id LIMIT ?2");
        self.read(move |db| db.query(&due, values![now.0, limit], warning)).await
    }

    /// Up to `limit` warnings that are due, the oldest first, for this host to send: no other host
    /// gets them until this one has noted what came of it, or is gone.
    pub async fn claim_warnings(&self, limit: u32) -> Result<Vec<Warning>, Error> {
        let host = self.host();
        self.write(move |db, now| {
            let lock = db.skip_locked();
            let claim = format!(
                "UPDATE outbox SET host_id = ?2 WHERE id IN (SELECT id FROM outbox \
                 WHERE due_at <= ?1 AND (host_id = ?2 OR {gone}) \
                 ORDER BY due_at, id LIMIT ?3{lock})",
                gone = host::IS_GONE
            );
            db.execute(&claim, values![now.0, host.0, limit])?;
            let mine = format!(
                "{WARNING} WHERE due_at <= ?1 AND outbox.host_id = ?2 \
                 ORDER BY due_at, outbox.id LIMIT ?3"
            );
            db.query(&mine, values![now.0, host.0, limit], warning)
        })
        .await
    }

    /// Notes what came of an attempt to send a warning.
    pub async fn warning_tried(&self, id: i64, sent: Sent) -> Result<(), Error> {
        self.write(move |db, now| {
            let (due, sent_at, error) = match &sent {
                Sent::Done => (None, Some(now.0), None),
                Sent::Later(wait, why) => (Some(now.after(*wait).0), None, Some(why)),
                Sent::Never(why) => (None, None, Some(why)),
            };
            db.execute(
                "UPDATE outbox SET attempts = attempts + 1, due_at = ?2, sent_at = ?3, error = ?4, \
                 host_id = NULL WHERE id = ?1",
                values![id, due, sent_at, error.map(String::as_str)],
            )
            .map(drop)
        })
        .await
    }

    /// How many warnings wait, were sent, and were given up.
    pub async fn warning_counts(&self) -> Result<[i64; 3], Error> {
        self.read(|db| {
            db.one(
                "SELECT count(due_at), count(sent_at), \
                 count(*) - count(due_at) - count(sent_at) FROM outbox",
                &[],
                |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?]),
            )
        })
        .await
    }
}

/// An account that has fallen to its threshold.
pub(crate) struct LowBalance {
    /// Which account.
    pub(crate) account: AccountId,
    /// What is available.
    pub(crate) available: Credits,
    /// The threshold.
    pub(crate) warn_at: Credits,
}

impl LowBalance {
    pub(crate) fn of(account: &Account) -> Self {
        let warn_at = account.warn_at.unwrap_or_default();
        Self { account: account.id, available: account.available(), warn_at }
    }
}

/// Queues a warning to everybody whom the account's owner has named.
pub(crate) fn warn(db: Db<'_>, low: &LowBalance, now: Timestamp) -> Result<(), Error> {
    let terms = [low.account.0, low.available.micros(), low.warn_at.micros(), now.0];
    let [account, available, warn_at, at] = terms;
    db.execute(
        "INSERT INTO outbox (account_id, email, lang, available, warn_at, created_at, due_at, seal) \
         SELECT account_id, email, lang, ?2, ?3, ?4, ?4, ?5 FROM alert_address WHERE account_id = ?1",
        values![account, available, warn_at, at, seal(terms)],
    )
    .map(drop)
}

/// What seals a warning: its account, what was available, the threshold, and when.
fn seal(terms: [i64; 4]) -> i64 {
    terms.into_iter().fold(Seal::of("warning"), Seal::number).value()
}

/// What [`warning`] reads.
const WARNING: &str = "SELECT outbox.id, email, lang, service.label, service.unit, service.name, \
     account.key, available, outbox.warn_at, outbox.created_at, attempts \
     FROM outbox JOIN account ON account.id = outbox.account_id \
     JOIN service ON service.id = account.service_id";

fn warning(row: Row<'_>) -> Result<Warning, Error> {
    Ok(Warning {
        id: row.get(0)?,
        email: row.get(1)?,
        lang: row.get(2)?,
        service_label: row.get(3)?,
        unit: row.get(4)?,
        service_name: row.get(5)?,
        account: AccountKey(row.get(6)?).to_string(),
        available: row::credits(row, 7)?,
        warn_at: row::credits(row, 8)?,
        created_at: Timestamp(row.get(9)?),
        attempts: row.get(10)?,
    })
}
