//! Holds: authorize, capture, cancel.

use rusqlite::{Connection, OptionalExtension};
use stokehold_ledger::{
    AccountKey, AccountToken, Command, Credits, Decision, Hold, HoldId, HoldState, Refusal, Rows,
    ServiceId, Span, Timestamp, decide,
};
use uuid::Uuid;

use crate::account::{load_account, load_account_by_id};
use crate::error::Error;
use crate::expiry::expire_due_of;
use crate::posting::{Cause, apply};
use crate::replay::{self, Once};
use crate::row::{self, HOLD};
use crate::store::Store;
use crate::trial::grant_trial;

/// A hold that is to be made.
#[derive(Clone, Debug)]
pub struct NewHold {
    /// The service that may capture it.
    pub service: ServiceId,
    /// Whose credits.
    pub token: AccountToken,
    /// How many.
    pub amount: Credits,
    /// How long it may stay open.
    pub ttl: Span,
    /// Why the charge exists, in words for the client's statement.
    pub description: Option<String>,
    /// The client's database: an eligible one gets the service's trial credits on its first use.
    pub dbuuid: Option<String>,
    /// A key that the provider chose: a repeat gets the same answer, also where it was a refusal.
    pub once: Option<Once>,
    /// A key made of the request itself, for one without a key of the provider's own: a repeat gets
    /// the same hold, where one was made.
    pub repeat: Option<Once>,
}

/// An open hold, for those who may release it.
#[derive(Clone, Debug)]
pub struct OpenHold {
    /// The hold.
    pub hold: Hold,
    /// What its account is known by.
    pub account: AccountKey,
    /// Whether it is a call's: then it ends with the call.
    pub is_call: bool,
}

impl Store {
    /// Sets credits of the account aside and answers the hold's id.
    pub async fn authorize(&self, new: NewHold) -> Result<HoldId, Error> {
        let id = HoldId(Uuid::now_v7());
        Ok(self.write(move |db, now| authorize_once(db, &new, id, now)).await??)
    }

    /// Gives back credits that a hold has captured, and answers the account's new balance.
    pub async fn refund(
        &self,
        service: ServiceId,
        id: HoldId,
        amount: Credits,
        reason: String,
        once: Option<Once>,
    ) -> Result<Credits, Error> {
        self.write(move |db, now| {
            if let Some(answer) = replay::recall(db, once.as_ref(), now)? {
                let micros = answer.parse().map_err(|_| Error::Corrupt(answer))?;
                return Ok(Credits::from_micros(micros));
            }
            let balance = refund(db, service, id, amount, &reason, now)?;
            replay::remember(db, once.as_ref(), &balance.micros().to_string(), now)?;
            Ok(balance)
        })
        .await
    }

    /// Open holds of a service, or of one account of it, the oldest first: up to `limit` after the
    /// hold `after`.
    pub async fn open_holds(
        &self,
        service: ServiceId,
        account: Option<AccountKey>,
        after: Option<HoldId>,
        limit: u32,
    ) -> Result<Vec<OpenHold>, Error> {
        let now = self.now();
        self.read(move |db| {
            let after = after.map_or([0; 16], |hold| *hold.0.as_bytes());
            let mut query = db.prepare_cached(
                "SELECT hold.id, hold.account_id, hold.service_id, hold.amount, hold.state, \
                 hold.captured, hold.created_at, hold.expires_at, hold.description, account.key, \
                 EXISTS (SELECT 1 FROM call WHERE call.id = hold.id) \
                 FROM hold JOIN account ON account.id = hold.account_id \
                 WHERE hold.state = 0 AND hold.expires_at > ?5 AND hold.service_id = ?1 \
                 AND hold.id > ?2 AND (?3 IS NULL OR account.key = ?3) ORDER BY hold.id LIMIT ?4",
            )?;
            let key = account.map(|key| key.0);
            let rows = query.query_map((service.0, after, key, limit, now.0), |row| {
                Ok(OpenHold {
                    hold: row::hold(row)?,
                    account: AccountKey(row.get(9)?),
                    is_call: row.get(10)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// Releases an open hold on its account owner's or its provider's word. The hold of a call is
    /// not released: it ends with the call. With `account`, only a hold of that account is found;
    /// with `older_than`, one that was made after that instant is not released yet.
    pub async fn release(
        &self,
        service: ServiceId,
        id: HoldId,
        account: Option<AccountKey>,
        older_than: Option<Timestamp>,
    ) -> Result<(), Error> {
        self.write(move |db, now| {
            let hold = load_hold(db, id)?.filter(|hold| hold.service == service);
            let hold = hold.ok_or(Refusal::UnknownHold)?;
            let owner = match account {
                Some(key) => load_account(db, service, key)?.map(|account| account.id),
                None => Some(hold.account),
            };
            if owner != Some(hold.account) || is_call(db, id)? {
                return Err(Refusal::UnknownHold.into());
            }
            let is_young = older_than.is_some_and(|instant| hold.created_at > instant);
            if is_young && hold.state == HoldState::Open {
                return Err(Refusal::TooYoung.into());
            }
            end(db, service, id, &Command::Cancel, now).map(drop)
        })
        .await
    }

    /// Captures a hold of `service`, whole or in part, and answers how much was captured. A hold
    /// that was captured before stays as it is, and the amount of that time is the answer.
    ///
    /// The hold of a call is not captured this way: what a call costs depends on how it ends, and
    /// [`Store::settle_call`] knows. It is answered like a hold that does not exist.
    pub async fn capture(
        &self,
        service: ServiceId,
        hold: HoldId,
        amount: Option<Credits>,
    ) -> Result<Credits, Error> {
        self.write(move |db, now| {
            if is_call(db, hold)? {
                return Err(Refusal::UnknownHold.into());
            }
            let hold = end(db, service, hold, &Command::Capture(amount), now)?;
            match hold.state {
                HoldState::Captured(amount) => Ok(amount),
                state => Err(Error::Corrupt(format!("a captured hold is {state:?}"))),
            }
        })
        .await
    }

    /// Cancels a hold of `service`. One that was cancelled before, or has expired, stays so.
    pub async fn cancel(&self, service: ServiceId, hold: HoldId) -> Result<(), Error> {
        self.write(move |db, now| end(db, service, hold, &Command::Cancel, now).map(drop)).await
    }

    /// Lets holds expire that are due, and forgets answers that are too old to be repeated. Holds
    /// expire before every write, so this is for the times when nobody writes.
    pub async fn expire_holds(&self) -> Result<(), Error> {
        self.write(replay::forget).await
    }
}

/// Makes a hold unless the same request has made one. A refusal is no error here: the trial
/// credits that came before it, and its answer for a repeat, stay.
fn authorize_once(
    db: &Connection,
    new: &NewHold,
    id: HoldId,
    now: Timestamp,
) -> Result<Result<HoldId, Refusal>, Error> {
    // A key of the provider's own is the one that counts: clients that do not number their messages
    // send the same text for another hold.
    let once = new.once.as_ref().or(new.repeat.as_ref());
    if let Some(answer) = replay::recall(db, once, now)? {
        return answered(&answer, new.amount);
    }
    let (amount, ttl, description) = (new.amount, new.ttl, new.description.clone());
    let command = Command::Authorize { hold: id, amount, ttl, description };
    let held = authorize(db, new.service, &new.token, new.dbuuid.as_deref(), &command, now)?;
    if held.is_ok() || new.once.is_some() {
        let answer = match held {
            Ok(()) => id.to_string(),
            Err(Refusal::InsufficientCredits { available, .. }) => {
                format!("{AVAILABLE}{}", available.micros())
            }
            Err(_) => UNKNOWN_ACCOUNT.to_owned(),
        };
        replay::remember(db, once, &answer, now)?;
    }
    Ok(held.map(|()| id))
}

/// What is kept of a refusal: there is no account, or this much was available on it.
const UNKNOWN_ACCOUNT: &str = "unknown account";
const AVAILABLE: &str = "available ";

fn answered(answer: &str, needed: Credits) -> Result<Result<HoldId, Refusal>, Error> {
    let corrupt = || Error::Corrupt(answer.to_owned());
    if answer == UNKNOWN_ACCOUNT {
        return Ok(Err(Refusal::UnknownAccount));
    }
    if let Some(micros) = answer.strip_prefix(AVAILABLE) {
        let available = Credits::from_micros(micros.parse().map_err(|_| corrupt())?);
        return Ok(Err(Refusal::InsufficientCredits { needed, available }));
    }
    answer.parse().map(Ok).map_err(|_| corrupt())
}

fn refund(
    db: &Connection,
    service: ServiceId,
    id: HoldId,
    amount: Credits,
    reason: &str,
    now: Timestamp,
) -> Result<Credits, Error> {
    let hold = load_hold(db, id)?.filter(|hold| hold.service == service);
    let hold = hold.ok_or(Refusal::UnknownHold)?;
    let account = load_account_by_id(db, hold.account)?.ok_or(Refusal::UnknownHold)?;
    let refunded = db
        .prepare_cached(
            "SELECT coalesce(sum(amount), 0) FROM posting \
             JOIN entry ON entry.posting_id = posting.id AND entry.book = 1 \
             WHERE posting.hold_id = ?1 AND posting.kind = 4",
        )?
        .query_row([id.0.as_bytes()], |row| row::credits(row, 0))?;
    let rows = Rows { account: Some(&account), hold: Some(&hold), refunded };
    match decide(rows, &Command::Refund(amount), now)? {
        Decision::Change(change) => {
            let cause = Cause { hold: Some(id), reason: Some(reason), ..Cause::default() };
            apply(db, &account, &change, cause, now)?;
            Ok(change.account.balance)
        }
        Decision::Already(_) => Ok(account.balance),
    }
}

/// Makes a hold, inside a write, after the trial credits that a first use brings. Where too little
/// is available the refusal is no error, for the trial credits stay.
pub(crate) fn authorize(
    db: &Connection,
    service: ServiceId,
    token: &AccountToken,
    dbuuid: Option<&str>,
    command: &Command,
    now: Timestamp,
) -> Result<Result<(), Refusal>, Error> {
    grant_trial(db, service, token, dbuuid, now)?;
    match set_aside(db, service, token, command, now) {
        Err(Error::Refused(
            refusal @ (Refusal::UnknownAccount | Refusal::InsufficientCredits { .. }),
        )) => Ok(Err(refusal)),
        held => held.map(Ok),
    }
}

/// A token that may not be charged is as good as an unknown one.
fn set_aside(
    db: &Connection,
    service: ServiceId,
    token: &AccountToken,
    command: &Command,
    now: Timestamp,
) -> Result<(), Error> {
    let attempt = || {
        let account =
            if token.is_chargeable() { load_account(db, service, token.key())? } else { None };
        let rows = Rows { account: account.as_ref(), ..Rows::default() };
        Ok::<_, Error>((account, decide(rows, command, now)))
    };
    let (mut account, mut decision) = attempt()?;
    if let (Some(short), Err(Refusal::InsufficientCredits { .. })) = (account, &decision)
        && expire_due_of(db, short.id, now)? > 0
    {
        (account, decision) = attempt()?;
    }
    match (decision?, account) {
        (Decision::Change(change), Some(account)) => {
            apply(db, &account, &change, Cause::default(), now)
        }
        _ => Ok(()),
    }
}

/// Ends a hold, inside a write. Answers the hold as it then is.
pub(crate) fn end(
    db: &Connection,
    service: ServiceId,
    id: HoldId,
    command: &Command,
    now: Timestamp,
) -> Result<Hold, Error> {
    let hold = load_hold(db, id)?.filter(|hold| hold.service == service);
    let hold = hold.ok_or(Refusal::UnknownHold)?;
    let account = load_account_by_id(db, hold.account)?.ok_or(Refusal::UnknownHold)?;
    let rows = Rows { account: Some(&account), hold: Some(&hold), ..Rows::default() };
    match decide(rows, command, now)? {
        Decision::Change(change) => {
            apply(db, &account, &change, Cause::default(), now)?;
            change.hold.ok_or(Error::Refused(Refusal::UnknownHold))
        }
        Decision::Already(hold) => Ok(hold),
    }
}

fn is_call(db: &Connection, id: HoldId) -> rusqlite::Result<bool> {
    db.prepare_cached("SELECT 1 FROM call WHERE id = ?1")?.exists([id.0.as_bytes()])
}

fn load_hold(db: &Connection, id: HoldId) -> rusqlite::Result<Option<Hold>> {
    db.prepare_cached(&format!("SELECT {HOLD} FROM hold WHERE id = ?1"))?
        .query_row([id.0.as_bytes()], row::hold)
        .optional()
}
