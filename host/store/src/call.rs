//! Calls of hosted services: each leaves a record.
//!
//! A call that is not free has a hold with the call's own id. The record and the hold are made in
//! one step, before the guest starts, and both end in one step. A call may wait in between: then the
//! record has what it is to be made with, see [`crate::waiting`]. A call that is still running when
//! the store is opened was cut off, and [`Store::recover_calls`] cancels it.

use std::sync::Arc;

use stokehold_ledger::{
    AccountKey, AccountToken, CallId, Command, Credits, HoldId, Refusal, ServiceId, Span,
    Timestamp, VersionId,
};

use crate::db::{Row, values};
use crate::error::Error;
use crate::hold::{SetAside, captured, set_aside};
use crate::host;
use crate::op::{Op, Wanted};
use crate::replay::{self, Once};
use crate::row;
use crate::spending::Spender;
use crate::store::Store;
use crate::text;
use crate::trial::{Use, Uses};
use crate::working_set::{SettledCall, WorkingSet};

/// How many calls that were cut off are cancelled in one go.
const RECOVERED_MAX: usize = 1_000;

/// A call that is about to run.
#[derive(Clone, Debug)]
pub struct NewCall {
    /// Which call this is.
    pub id: CallId,
    /// The service that is called.
    pub service: ServiceId,
    /// The version that runs.
    pub version: VersionId,
    /// Who calls.
    pub account_token: AccountToken,
    /// The client's database: an eligible one gets the service's trial credits on its first use.
    pub dbuuid: Option<String>,
    /// The route.
    pub route: String,
    /// What the guest knows the account by.
    pub client_id: String,
    /// SHA-256 of the params, hexadecimal.
    pub params_digest: String,
    /// The params of a call that is to wait; `None` for one that runs at once.
    pub queued: Option<String>,
    /// The version of the price list that the fuel is counted by.
    pub price_list: String,
    /// The fuel that the hold buys.
    pub fuel_bought: u64,
    /// What is to be held; zero for a free call, which makes no hold.
    pub credits: Credits,
    /// What the account's calls of one day may cost together, those that still run counted whole.
    pub day_max: Option<Credits>,
    /// How long the hold may stay open.
    pub ttl: Span,
    /// Why the charge exists, in words for the client's statement.
    pub description: Option<String>,
}

/// How a call ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// The service was provided: capture this much.
    Capture(Credits),
    /// It was not.
    Cancel,
}

/// What a call has used and how it went, for its record.
#[derive(Clone, Debug)]
pub struct Spent {
    /// The class of outcome, such as `ok` or `out-of-fuel`.
    pub outcome: String,
    /// The result, JSON.
    pub result: Option<String>,
    /// SHA-256 of the result, hexadecimal: it outlives the result.
    pub result_digest: Option<String>,
    /// What the client was told instead of a result.
    pub error: Option<String>,
    /// What the guest has said, line by line.
    pub log: String,
    /// The fuel that was burned.
    pub fuel_used: u64,
    /// What the guest had its host do: a JSON object.
    pub host_calls: String,
    /// The most memory that the guest had at once.
    pub memory_peak_bytes: u64,
    /// How long it ran, in milliseconds.
    pub duration_ms: u64,
}

/// Where a call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallStatus {
    /// It waits for its turn.
    Queued,
    /// The guest runs.
    Running,
    /// It has ended, and its hold was captured.
    Captured,
    /// It has ended, and its hold was released.
    Cancelled,
}

/// The record of a call.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the fields are those of `NewCall` and `Spent`")]
pub struct CallRecord {
    pub id: CallId,
    pub service: ServiceId,
    pub service_name: String,
    pub version_number: u32,
    pub digest: String,
    pub account: AccountKey,
    /// None on a call that was made before calls had receipts.
    pub client_id: Option<String>,
    pub route: String,
    pub params_digest: String,
    pub status: CallStatus,
    pub outcome: Option<String>,
    /// None also once it was swept.
    pub result: Option<String>,
    pub result_digest: Option<String>,
    pub error: Option<String>,
    pub log: String,
    pub price_list: String,
    pub credits_authorized: Credits,
    pub credits_captured: Credits,
    pub fuel_bought: i64,
    pub fuel_used: i64,
    pub host_calls: String,
    pub memory_peak_bytes: i64,
    pub duration_ms: i64,
    pub created_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
}

impl CallStatus {
    /// The status's name in the API and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Captured => "captured",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether its outcome is known.
    pub const fn has_ended(self) -> bool {
        matches!(self, Self::Captured | Self::Cancelled)
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        let all = [Self::Queued, Self::Running, Self::Captured, Self::Cancelled];
        all.into_iter().find(|status| status.as_str() == name)
    }
}

impl NewCall {
    /// The fuel as it stands on the record.
    pub(crate) fn fuel_bought(&self) -> i64 {
        integer(self.fuel_bought)
    }

    /// Where the call stands as soon as it is on record.
    pub(crate) fn first_status(&self) -> CallStatus {
        if self.queued.is_some() { CallStatus::Queued } else { CallStatus::Running }
    }
}

impl Uses for NewCall {
    fn usage(&self) -> Use<'_> {
        let dbuuid = self.dbuuid.as_deref();
        Use { service: self.service, token: &self.account_token, dbuuid }
    }
}

impl Store {
    /// Makes the record of a call, and its hold, in one step.
    pub async fn begin_call(&self, new: NewCall) -> Result<(), Error> {
        self.begin(new, None).await.map(drop)
    }

    /// Makes the record of a call unless the same request, by its key, has made one: then that
    /// call's id is the answer and nothing is written. A request that was refused for want of
    /// credits is refused again.
    pub async fn begin_call_once(&self, new: NewCall, once: Once) -> Result<Option<CallId>, Error> {
        self.begin(new, Some(once)).await
    }

    async fn begin(&self, mut new: NewCall, once: Option<Once>) -> Result<Option<CallId>, Error> {
        text::make_storable([&mut new.route].into_iter().chain(&mut new.description));
        let op = |new: Arc<NewCall>, may_have_trial| {
            let key = new.account_token.key();
            Begin { new, key, once, may_have_trial }
        };
        self.submit_use(Arc::new(new), op).await
    }

    /// The call that the same request, by its key, has made before; none where it was refused, and
    /// [`Store::begin_call_once`] will refuse it again.
    pub async fn known_call(&self, once: Once) -> Result<Option<CallId>, Error> {
        let now = self.now();
        match self.read(move |db| replay::find(db, Some(&once), now)).await {
            Err(Error::Refused(_)) => Ok(None),
            known => known,
        }
    }

    /// Ends a call and its hold in one step, and answers what was captured.
    ///
    /// Where the ledger refuses the capture (the hold has expired, or was released, or is smaller),
    /// nothing is captured: the call and its hold are then cancelled, and the refusal is the second
    /// part of the answer.
    pub async fn settle_call(
        &self,
        id: CallId,
        settlement: Settlement,
        spent: impl Into<Arc<Spent>>,
    ) -> Result<(Credits, Option<Refusal>), Error> {
        let mut spent = spent.into();
        if !spent.is_storable() {
            let spent = Arc::make_mut(&mut spent);
            text::make_storable([&mut spent.log].into_iter().chain(&mut spent.error));
        }
        self.submit(Settle { id, settlement, spent }).await
    }

    /// Cancels the calls that were cut off because the host they ran on is gone. Answers how many.
    pub async fn recover_calls(&self) -> Result<usize, Error> {
        let (host, now) = (self.host(), self.now());
        let cut_off = self.read(move |db| {
            let gone = host::IS_GONE;
            let sql = format!(
                "SELECT id FROM call WHERE status = 'running' AND ended_at IS NULL AND {gone}"
            );
            db.query(&sql, values![now.0, host.0], |row| row::uuid(row, 0).map(CallId))
        });
        let cut_off = cut_off.await?;
        let mut recovered = 0;
        for some in cut_off.chunks(RECOVERED_MAX) {
            let why = "The host stopped while the call ran. Nothing was charged.";
            let spent = Arc::new(Spent::cut_off(why));
            let settle = |id: &CallId| {
                let (settlement, spent) = (Settlement::Cancel, spent.clone());
                self.queue(Settle { id: *id, settlement, spent })
            };
            let settled: Vec<_> = some.iter().map(settle).collect::<Result<_, _>>()?;
            for reply in settled {
                match reply.await.map_err(|_| Error::Stopped)? {
                    Ok(_) => recovered += 1,
                    // Another host was quicker.
                    Err(Error::NotFound(_)) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(recovered)
    }

    /// The record of a call.
    pub async fn call(&self, id: CallId) -> Result<Option<CallRecord>, Error> {
        self.read(move |db| db.find(CALL, values![id.0.as_bytes()], call)).await
    }
}

impl Spent {
    /// Of a call that came to nothing, and why, in words for the client.
    pub fn cut_off(why: &str) -> Self {
        Self {
            outcome: "host-stopped".into(),
            result: None,
            result_digest: None,
            error: Some(why.into()),
            log: String::new(),
            fuel_used: 0,
            host_calls: "{}".into(),
            memory_peak_bytes: 0,
            duration_ms: 0,
        }
    }

    /// Whether either database can keep its texts as they are.
    fn is_storable(&self) -> bool {
        !self.log.contains('\0') && !self.error.as_ref().is_some_and(|error| error.contains('\0'))
    }
}

/// Makes the record of a call, and its hold where it is not free, unless the same request has.
struct Begin {
    new: Arc<NewCall>,
    key: AccountKey,
    once: Option<Once>,
    may_have_trial: bool,
}

impl Op for Begin {
    /// The call that the same request has made before, if one has; or that a trial comes first.
    type Answer = Option<Option<CallId>>;

    fn want(&self, wanted: &mut Wanted) {
        wanted.calls.push(self.new.id);
        wanted.accounts.extend(self.account().map(|key| (self.new.service, key)));
        wanted.replay(self.once.as_ref());
        if self.new.day_max.is_some() {
            wanted.spending.push((self.new.service, self.key));
        }
        if self.may_have_trial {
            self.new.usage().want(wanted);
        }
    }

    fn decide(&self, rows: &mut WorkingSet) -> Result<Self::Answer, Error> {
        let new = &*self.new;
        if let Some(answer) = rows.recall(self.once.as_ref())? {
            return replay::read(answer).map(|known| Some(Some(known)));
        }
        if rows.call(new.id).is_some() {
            return Err(Error::Taken("call's id"));
        }
        let spender = new.day_max.map(|max| (Spender::of(new, self.key, rows.now()), max));
        if let Some((spender, max)) = spender {
            rows.spends_within(spender, new.credits, max)?;
        }
        let trial = self.may_have_trial.then(|| new.usage());
        if new.credits.is_zero() {
            if trial.is_some_and(|first| first.has_trial(rows)) {
                return Ok(None);
            }
        } else {
            let hold = HoldId(new.id.0);
            let (amount, ttl, description) = (new.credits, new.ttl, new.description.clone());
            let command = Command::Authorize { hold, amount, ttl, description };
            match set_aside(rows, (new.service, self.account()), &command, trial)? {
                SetAside::TrialFirst => return Ok(None),
                SetAside::Held(change) => rows.apply(change, true),
                SetAside::Short(why) => {
                    if let Some(answer) = replay::refusal(why) {
                        rows.remember(self.once.as_ref(), &answer);
                    }
                    return Err(why.into());
                }
            }
        }
        rows.begin(&self.new, spender.map(|(spender, _)| spender));
        rows.remember(self.once.as_ref(), &new.id);
        Ok(Some(None))
    }
}

impl Begin {
    /// A token that may not be charged is as good as an unknown one.
    fn account(&self) -> Option<AccountKey> {
        self.new.account_token.is_chargeable().then_some(self.key)
    }
}

/// Ends a call and its hold.
struct Settle {
    id: CallId,
    settlement: Settlement,
    spent: Arc<Spent>,
}

impl Op for Settle {
    type Answer = (Credits, Option<Refusal>);

    fn want(&self, wanted: &mut Wanted) {
        wanted.calls.push(self.id);
        wanted.holds.push(HoldId(self.id.0));
    }

    fn decide(&self, rows: &mut WorkingSet) -> Result<Self::Answer, Error> {
        let known = rows.call(self.id).filter(|call| !call.status.has_ended());
        let known = known.ok_or(Error::NotFound("running call"))?;
        let (captured, refusal) = if known.credits.is_zero() {
            let is_captured = matches!(self.settlement, Settlement::Capture(_));
            (is_captured.then_some(Credits::ZERO), None)
        } else {
            self.end_hold(rows, known.service)?
        };
        let fuel_used = integer(self.spent.fuel_used);
        if fuel_used > known.fuel_bought {
            // The runtime never lets this happen. If it did, the call has to end all the same.
            let (id, bought) = (self.id, known.fuel_bought);
            tracing::error!(call = %id, fuel_used, bought, "a call used more fuel than it had");
        }
        rows.settle(SettledCall {
            id: self.id,
            was_queued: known.status == CallStatus::Queued,
            captured: captured.unwrap_or(Credits::ZERO),
            status: captured.map_or(CallStatus::Cancelled, |_| CallStatus::Captured),
            spent: self.spent.clone(),
            fuel_used: fuel_used.min(known.fuel_bought),
        });
        Ok((captured.unwrap_or(Credits::ZERO), refusal))
    }
}

impl Settle {
    /// Answers what was captured, `None` for a cancelled hold, and why it could not be captured.
    fn end_hold(
        &self,
        rows: &mut WorkingSet,
        service: ServiceId,
    ) -> Result<(Option<Credits>, Option<Refusal>), Error> {
        let hold = HoldId(self.id.0);
        let mut refusal = None;
        if let Settlement::Capture(amount) = self.settlement {
            match rows.end(service, hold, &Command::Capture(Some(amount))) {
                Ok(hold) => return captured(&hold).map(|credits| (Some(credits), None)),
                Err(why) => refusal = Some(why),
            }
        }
        rows.end(service, hold, &Command::Cancel)?;
        Ok((None, refusal))
    }
}

const CALL: &str = "SELECT call.id, call.service_id, service.name, version.number, version.digest, \
                    call.account_key, call.route, call.status, call.outcome, call.result, \
                    call.error, call.log, call.price_list, call.credits, \
                    coalesce(hold.captured, 0), call.fuel_bought, call.fuel_used, \
                    call.memory_peak_bytes, call.duration_ms, call.created_at, call.ended_at, \
                    call.client_id, call.params_digest, call.result_digest, call.host_calls, \
                    call.started_at \
                    FROM call JOIN service ON service.id = call.service_id \
                    JOIN version ON version.id = call.version_id \
                    LEFT JOIN hold ON hold.id = call.id WHERE call.id = ?1";

fn call(row: Row<'_>) -> Result<CallRecord, Error> {
    Ok(CallRecord {
        id: CallId(row::uuid(row, 0)?),
        service: ServiceId(row.get(1)?),
        service_name: row.get(2)?,
        version_number: row.get(3)?,
        digest: row.get(4)?,
        account: AccountKey(row.get(5)?),
        route: row.get(6)?,
        status: row.known(7, CallStatus::parse)?,
        outcome: row.get(8)?,
        result: row.get(9)?,
        error: row.get(10)?,
        log: row.get(11)?,
        price_list: row.get(12)?,
        credits_authorized: row::credits(row, 13)?,
        credits_captured: row::credits(row, 14)?,
        fuel_bought: row.get(15)?,
        fuel_used: row.get(16)?,
        memory_peak_bytes: row.get(17)?,
        duration_ms: row.get(18)?,
        created_at: Timestamp(row.get(19)?),
        ended_at: row.get::<Option<i64>>(20)?.map(Timestamp),
        client_id: row.get(21)?,
        params_digest: row.get(22)?,
        result_digest: row.get(23)?,
        host_calls: row.get(24)?,
        started_at: row.get::<Option<i64>>(25)?.map(Timestamp),
    })
}

pub(crate) fn integer(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
