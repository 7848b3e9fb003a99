//! Holds: authorize, capture, cancel.

use rusqlite::{Connection, OptionalExtension};
use stokehold_ledger::{
    AccountToken, Command, Credits, Decision, Hold, HoldId, HoldState, Refusal, Rows, ServiceId,
    Span, Timestamp, decide,
};
use uuid::Uuid;

use crate::account::{load_account, load_account_by_id};
use crate::error::Error;
use crate::expiry::expire_due_of;
use crate::posting::{Cause, apply};
use crate::row::{self, HOLD};
use crate::store::Store;

impl Store {
    /// Sets `amount` credits of the account aside for `ttl` and answers the hold's id.
    pub async fn authorize(
        &self,
        service: ServiceId,
        token: &AccountToken,
        amount: Credits,
        ttl: Span,
        description: Option<String>,
    ) -> Result<HoldId, Error> {
        let token = token.clone();
        let hold = HoldId(Uuid::now_v7());
        self.write(move |db, now| {
            let description = description.clone();
            let command = Command::Authorize { hold, amount, ttl, description };
            authorize(db, service, &token, &command, now)?;
            Ok(hold)
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

    /// Lets holds expire that are due. Holds expire before every write, so this is for the times
    /// when nobody writes.
    pub async fn expire_holds(&self) -> Result<(), Error> {
        self.write(|_, _| Ok(())).await
    }
}

/// Makes a hold, inside a write. A token that may not be charged is as good as an unknown one.
pub(crate) fn authorize(
    db: &Connection,
    service: ServiceId,
    token: &AccountToken,
    command: &Command,
    now: Timestamp,
) -> Result<(), Error> {
    let attempt = || {
        let account =
            if token.is_chargeable() { load_account(db, service, token.base())? } else { None };
        let rows = Rows { account: account.as_ref(), hold: None };
        Ok::<_, Error>((account, decide(rows, command, now)))
    };
    let (account, mut decision) = attempt()?;
    if let (Some(account), Err(Refusal::InsufficientCredits { .. })) = (account, &decision)
        && expire_due_of(db, account.id, now)? > 0
    {
        (_, decision) = attempt()?;
    }
    match decision? {
        Decision::Change(change) => apply(db, &change, Cause::default(), now),
        Decision::Already(_) => Ok(()),
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
    let account = load_account_by_id(db, hold.account)?;
    let rows = Rows { account: account.as_ref(), hold: Some(&hold) };
    match decide(rows, command, now)? {
        Decision::Change(change) => {
            apply(db, &change, Cause::default(), now)?;
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
