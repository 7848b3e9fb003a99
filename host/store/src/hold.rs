//! Holds: authorize, capture, cancel.

use std::sync::Arc;

use stokehold_ledger::{
    AccountKey, AccountToken, Change, Command, Credits, Decision, Hold, HoldId, HoldState, Refusal,
    Rows, ServiceId, Span, Timestamp, decide,
};
use uuid::Uuid;

use crate::account::load_account_by_id;
use crate::db::{Db, values};
use crate::error::Error;
use crate::op::{Op, Wanted};
use crate::posting::{Cause, apply};
use crate::replay::{self, Once, RequestDigest};
use crate::row::{self, HOLD};
use crate::seal::Seal;
use crate::store::Store;
use crate::text;
use crate::trial::{Use, Uses};
use crate::working_set::WorkingSet;

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
    /// The request itself, where it can be told from all others. For one without a key of the
    /// provider's own a repeat gets the same hold, where one was made.
    pub request: Option<RequestDigest>,
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

impl NewHold {
    /// The request, if that is what a repeat is recognised by. A key of the provider's own is the one
    /// that counts: clients that do not number their messages send the same text for another hold.
    fn request(&self) -> Option<&RequestDigest> {
        if self.once.is_some() { None } else { self.request.as_ref() }
    }
}

impl Uses for NewHold {
    fn usage(&self) -> Use<'_> {
        let dbuuid = self.dbuuid.as_deref();
        Use { service: self.service, token: &self.token, dbuuid }
    }
}

impl Store {
    /// Sets credits of the account aside and answers the hold's id.
    pub async fn authorize(&self, mut new: NewHold) -> Result<HoldId, Error> {
        text::make_storable(&mut new.description);
        let id = HoldId(Uuid::now_v7());
        let op = |new: Arc<NewHold>, may_have_trial| {
            let account = new.token.is_chargeable().then(|| new.token.key());
            Authorize { new, id, account, may_have_trial }
        };
        self.submit_use(Arc::new(new), op).await
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
            if let Some(micros) = replay::find(db, once.as_ref(), now)? {
                return Ok(Credits::from_micros(micros));
            }
            let balance = refund(db, service, id, amount, &reason, now)?;
            if let Some(once) = &once {
                replay::keep(db, once, &balance.micros().to_string(), now)?;
            }
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
            // Every key is at least as great as no bytes at all.
            let (whose, key) = match &account {
                Some(key) => ("account.key = ?5", &key.0[..]),
                None => ("account.key >= ?5", &[][..]),
            };
            let sql = format!(
                "SELECT hold.id, hold.account_id, hold.service_id, hold.amount, hold.state, \
                 hold.captured, hold.created_at, hold.expires_at, hold.description, account.key, \
                 EXISTS (SELECT 1 FROM call WHERE call.id = hold.id) \
                 FROM hold JOIN account ON account.id = hold.account_id \
                 WHERE hold.state = 0 AND hold.expires_at > ?3 AND hold.service_id = ?1 \
                 AND hold.id > ?2 AND {whose} ORDER BY hold.id LIMIT ?4"
            );
            let values = values![service.0, &after, now.0, limit, key];
            db.query(&sql, values, |row| {
                Ok(OpenHold {
                    hold: row::hold(row)?,
                    account: AccountKey(row.get(9)?),
                    is_call: row.get(10)?,
                })
            })
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
        self.submit(Release { service, hold: id, account, older_than }).await
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
        self.submit(Capture { service, hold, amount }).await
    }

    /// Cancels a hold of `service`. One that was cancelled before, or has expired, stays so.
    pub async fn cancel(&self, service: ServiceId, hold: HoldId) -> Result<(), Error> {
        self.submit(Cancel { service, hold }).await
    }
}

/// Makes a hold unless the same request has made one.
struct Authorize {
    new: Arc<NewHold>,
    id: HoldId,
    /// None for a token that may not be charged: it is as good as an unknown one.
    account: Option<AccountKey>,
    may_have_trial: bool,
}

impl Op for Authorize {
    type Answer = Option<HoldId>;

    fn want(&self, wanted: &mut Wanted) {
        wanted.accounts.extend(self.account.map(|key| (self.new.service, key)));
        wanted.replay(self.new.once.as_ref());
        wanted.requests.extend(self.new.request());
        if self.may_have_trial {
            self.new.usage().want(wanted);
        }
    }

    fn decide(&self, rows: &mut WorkingSet) -> Result<Option<HoldId>, Error> {
        let new = &*self.new;
        let request = new.request().map(Once::of_request);
        if let Some(answer) = rows.recall(new.once.as_ref().or(request.as_ref()))? {
            return replay::read(answer).map(Some);
        }
        let command = Command::Authorize {
            hold: self.id,
            amount: new.amount,
            ttl: new.ttl,
            description: new.description.clone(),
        };
        let trial = self.may_have_trial.then(|| new.usage());
        match set_aside(rows, (new.service, self.account), &command, trial)? {
            SetAside::TrialFirst => Ok(None),
            SetAside::Held(change) => {
                rows.apply(change, false);
                rows.remember(new.once.as_ref(), &self.id);
                rows.remember_request(new.request(), self.id);
                Ok(Some(self.id))
            }
            SetAside::Short(why) => {
                if let Some(answer) = replay::refusal(why) {
                    rows.remember(new.once.as_ref(), &answer);
                }
                Err(why.into())
            }
        }
    }
}

/// What comes of an attempt to set credits aside.
pub(crate) enum SetAside {
    /// They can be: by this change.
    Held(Change),
    /// There is no account, or too little on it.
    Short(Refusal),
    /// Trial credits have to be granted before that can be said.
    TrialFirst,
}

/// Decides whether credits can be set aside on the account; where `trial` is given, after the trial
/// credits of that use. What can never be held is an error, and takes no trial.
pub(crate) fn set_aside(
    rows: &WorkingSet,
    account: (ServiceId, Option<AccountKey>),
    command: &Command,
    trial: Option<Use<'_>>,
) -> Result<SetAside, Error> {
    let account = account.1.and_then(|key| rows.account(account.0, key));
    let decided = decide(Rows { account, ..Rows::default() }, command, rows.now());
    match decided {
        Err(why) if replay::refusal(why).is_none() => Err(why.into()),
        _ if trial.is_some_and(|first| first.has_trial(rows)) => Ok(SetAside::TrialFirst),
        Err(why) => Ok(SetAside::Short(why)),
        Ok(Decision::Change(change)) => Ok(SetAside::Held(change)),
        Ok(Decision::Already(_)) => Err(Error::Corrupt("a new hold has ended".into())),
    }
}

struct Capture {
    service: ServiceId,
    hold: HoldId,
    amount: Option<Credits>,
}

impl Op for Capture {
    type Answer = Credits;

    fn want(&self, wanted: &mut Wanted) {
        wanted.holds.push(self.hold);
    }

    fn decide(&self, rows: &mut WorkingSet) -> Result<Credits, Error> {
        if let (_, true) = rows.hold(self.service, self.hold)? {
            return Err(Refusal::UnknownHold.into());
        }
        captured(&rows.end(self.service, self.hold, &Command::Capture(self.amount))?)
    }
}

/// What was captured of a hold that was to be.
pub(crate) fn captured(hold: &Hold) -> Result<Credits, Error> {
    match hold.state {
        HoldState::Captured(amount) => Ok(amount),
        state => Err(Error::Corrupt(format!("a captured hold is {state:?}"))),
    }
}

struct Cancel {
    service: ServiceId,
    hold: HoldId,
}

impl Op for Cancel {
    type Answer = ();

    fn want(&self, wanted: &mut Wanted) {
        wanted.holds.push(self.hold);
    }

    fn decide(&self, rows: &mut WorkingSet) -> Result<(), Error> {
        rows.end(self.service, self.hold, &Command::Cancel)?;
        Ok(())
    }
}

struct Release {
    service: ServiceId,
    hold: HoldId,
    account: Option<AccountKey>,
    older_than: Option<Timestamp>,
}

impl Op for Release {
    type Answer = ();

    fn want(&self, wanted: &mut Wanted) {
        wanted.holds.push(self.hold);
        wanted.accounts.extend(self.account.map(|key| (self.service, key)));
    }

    fn decide(&self, rows: &mut WorkingSet) -> Result<(), Error> {
        let (hold, is_call) = rows.hold(self.service, self.hold)?;
        let owner = match self.account {
            Some(key) => rows.account(self.service, key).map(|account| account.id),
            None => Some(hold.account),
        };
        if owner != Some(hold.account) || is_call {
            return Err(Refusal::UnknownHold.into());
        }
        let is_young = self.older_than.is_some_and(|instant| hold.created_at > instant);
        if is_young && hold.state == HoldState::Open {
            return Err(Refusal::TooYoung.into());
        }
        rows.end(self.service, self.hold, &Command::Cancel)?;
        Ok(())
    }
}

fn refund(
    db: Db<'_>,
    service: ServiceId,
    id: HoldId,
    amount: Credits,
    reason: &str,
    now: Timestamp,
) -> Result<Credits, Error> {
    let hold = load_hold(db, id)?.filter(|hold| hold.service == service);
    let hold = hold.ok_or(Refusal::UnknownHold)?;
    let account = load_account_by_id(db, hold.account)?.ok_or(Refusal::UnknownHold)?;
    let refunded = db.one(
        "SELECT CAST(coalesce(sum(amount), 0) AS bigint) FROM posting \
         WHERE hold_id = ?1 AND kind = 4",
        values![id.0.as_bytes()],
        |row| row::credits(row, 0),
    )?;
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

fn load_hold(db: Db<'_>, id: HoldId) -> Result<Option<Hold>, Error> {
    let sql = format!("SELECT {HOLD} FROM hold WHERE id = ?1");
    db.find(&sql, values![id.0.as_bytes()], row::hold)
}

/// What seals a hold: all that it keeps for ever.
pub(crate) fn seal(hold: &Hold) -> i64 {
    Seal::of("hold")
        .bytes(hold.id.0.as_bytes())
        .number(hold.account.0)
        .number(hold.service.0)
        .number(hold.amount.micros())
        .number(hold.created_at.0)
        .number(hold.expires_at.0)
        .text(hold.description.as_deref())
        .value()
}
