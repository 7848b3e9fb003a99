//! Calls of hosted services: each leaves a record.
//!
//! A call that is not free has a hold with the call's own id. The record and the hold are made in
//! one step, before the guest starts, and both end in one step. A call that is still running when
//! the store is opened was cut off, and [`Store::recover_calls`] cancels it.

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};
use stokehold_ledger::{
    AccountKey, AccountToken, CallId, Command, Credits, HoldId, Refusal, ServiceId, Span,
    Timestamp, VersionId,
};

use crate::error::Error;
use crate::hold::{authorize, end};
use crate::replay::{self, Once};
use crate::row;
use crate::store::Store;
use crate::trial::grant_trial;

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
    /// SHA-256 of the params, hexadecimal.
    pub params_digest: String,
    /// The version of the price list that the fuel is counted by.
    pub price_list: String,
    /// The fuel that the hold buys.
    pub fuel_bought: u64,
    /// What is to be held; zero for a free call, which makes no hold.
    pub credits: Credits,
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
    /// What the client was told instead of a result.
    pub error: Option<String>,
    /// What the guest has said, line by line.
    pub log: String,
    /// The fuel that was burned.
    pub fuel_used: u64,
    /// The most memory that the guest had at once.
    pub memory_peak_bytes: u64,
    /// How long it ran, in milliseconds.
    pub duration_ms: u64,
}

/// Where a call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallStatus {
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
    pub route: String,
    pub status: CallStatus,
    pub outcome: Option<String>,
    pub result: Option<String>,
    pub error: Option<String>,
    pub log: String,
    pub price_list: String,
    pub credits_authorized: Credits,
    pub credits_captured: Credits,
    pub fuel_bought: i64,
    pub fuel_used: i64,
    pub memory_peak_bytes: i64,
    pub duration_ms: i64,
    pub created_at: Timestamp,
    pub ended_at: Option<Timestamp>,
}

impl CallStatus {
    /// The status's name in the API and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Captured => "captured",
            Self::Cancelled => "cancelled",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        let all = [Self::Running, Self::Captured, Self::Cancelled];
        all.into_iter().find(|status| status.as_str() == name)
    }
}

impl Store {
    /// Makes the record of a call, and its hold, in one step.
    pub async fn begin_call(&self, new: NewCall) -> Result<(), Error> {
        self.write(move |db, now| begin(db, &new, now)).await??;
        Ok(())
    }

    /// Makes the record of a call unless the same request, by its key, has made one: then that
    /// call's id is the answer and nothing is written.
    pub async fn begin_call_once(&self, new: NewCall, once: Once) -> Result<Option<CallId>, Error> {
        let begun = self.write(move |db, now| {
            if let Some(known) = replay::recall(db, Some(&once), now)? {
                let id = known.parse().map_err(|_| Error::Corrupt(known))?;
                return Ok(Ok(Some(id)));
            }
            if let Err(refusal) = begin(db, &new, now)? {
                return Ok(Err(refusal));
            }
            replay::remember(db, Some(&once), &new.id.to_string(), now)?;
            Ok(Ok(None))
        });
        Ok(begun.await??)
    }

    /// The call that the same request, by its key, has made before.
    pub async fn known_call(&self, once: Once) -> Result<Option<CallId>, Error> {
        let now = self.now();
        self.read(move |db| {
            let known = replay::recall(db, Some(&once), now)?;
            known.map(|id| id.parse().map_err(|_| Error::Corrupt(id))).transpose()
        })
        .await
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
        spent: Spent,
    ) -> Result<(Credits, Option<Refusal>), Error> {
        self.write(move |db, now| settle(db, id, settlement, &spent, now)).await
    }

    /// Cancels the calls that were cut off when the host stopped. Answers how many.
    pub async fn recover_calls(&self) -> Result<usize, Error> {
        self.write(|db, now| {
            let mut query = db.prepare_cached("SELECT id FROM call WHERE status = 'running'")?;
            let cut_off: Vec<_> =
                query.query_map([], |row| row::uuid(row, 0))?.collect::<Result<_, _>>()?;
            for id in &cut_off {
                settle(db, CallId(*id), Settlement::Cancel, &Spent::cut_off(), now)?;
            }
            Ok(cut_off.len())
        })
        .await
    }

    /// The record of a call.
    pub async fn call(&self, id: CallId) -> Result<Option<CallRecord>, Error> {
        self.read(move |db| {
            let mut query = db.prepare_cached(CALL)?;
            Ok(query.query_row([id.0.as_bytes()], call).optional()?)
        })
        .await
    }
}

impl Spent {
    fn cut_off() -> Self {
        Self {
            outcome: "host-stopped".into(),
            result: None,
            error: Some("The host stopped while the call ran. Nothing was charged.".into()),
            log: String::new(),
            fuel_used: 0,
            memory_peak_bytes: 0,
            duration_ms: 0,
        }
    }
}

/// A refusal is no error here: the trial credits that came before it stay.
fn begin(db: &Connection, new: &NewCall, now: Timestamp) -> Result<Result<(), Refusal>, Error> {
    let dbuuid = new.dbuuid.as_deref();
    if new.credits.is_zero() {
        grant_trial(db, new.service, &new.account_token, dbuuid, now)?;
    } else {
        let command = Command::Authorize {
            hold: HoldId(new.id.0),
            amount: new.credits,
            ttl: new.ttl,
            description: new.description.clone(),
        };
        let held = authorize(db, new.service, &new.account_token, dbuuid, &command, now)?;
        if held.is_err() {
            return Ok(held);
        }
    }
    db.prepare_cached(
        "INSERT INTO call (id, service_id, version_id, account_key, route, params_digest, \
         status, price_list, credits, fuel_bought, created_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'running', ?7, ?8, ?9, ?10)",
    )?
    .execute(params![
        new.id.0.as_bytes(),
        new.service.0,
        new.version.0,
        new.account_token.key().0,
        new.route,
        new.params_digest,
        new.price_list,
        new.credits.micros(),
        integer(new.fuel_bought),
        now.0
    ])?;
    Ok(Ok(()))
}

fn settle(
    db: &Connection,
    id: CallId,
    settlement: Settlement,
    spent: &Spent,
    now: Timestamp,
) -> Result<(Credits, Option<Refusal>), Error> {
    let (captured, refusal) = end_hold(db, id, settlement, now)?;
    let status = captured.map_or(CallStatus::Cancelled, |_| CallStatus::Captured);
    let fuel_used = integer(spent.fuel_used);
    let fuel_bought = db
        .prepare_cached(
            "UPDATE call SET status = ?2, outcome = ?3, result = ?4, error = ?5, log = ?6, \
             fuel_used = min(?7, fuel_bought), memory_peak_bytes = ?8, duration_ms = ?9, \
             ended_at = ?10 WHERE id = ?1 RETURNING fuel_bought",
        )?
        .query_row(
            params![
                id.0.as_bytes(),
                status.as_str(),
                spent.outcome,
                spent.result,
                spent.error,
                spent.log,
                fuel_used,
                integer(spent.memory_peak_bytes),
                integer(spent.duration_ms),
                now.0
            ],
            |row| row.get::<_, i64>(0),
        )?;
    if fuel_used > fuel_bought {
        // The runtime never lets this happen. If it did, the call has to end all the same.
        tracing::error!(call = %id, fuel_used, fuel_bought, "a call used more fuel than it had");
    }
    Ok((captured.unwrap_or(Credits::ZERO), refusal))
}

/// Ends the hold of a running call, if it has one. Answers what was captured, `None` for a
/// cancelled one, and why it could not be captured.
fn end_hold(
    db: &Connection,
    id: CallId,
    settlement: Settlement,
    now: Timestamp,
) -> Result<(Option<Credits>, Option<Refusal>), Error> {
    let (service, free) = db
        .prepare_cached(
            "SELECT service_id, credits = 0 FROM call WHERE id = ?1 AND status = 'running'",
        )?
        .query_row([id.0.as_bytes()], |row| Ok((ServiceId(row.get(0)?), row.get(1)?)))
        .optional()?
        .ok_or(Error::NotFound("running call"))?;
    if free {
        let captured = matches!(settlement, Settlement::Capture(_)).then_some(Credits::ZERO);
        return Ok((captured, None));
    }
    let hold = HoldId(id.0);
    let mut refusal = None;
    if let Settlement::Capture(amount) = settlement {
        match end(db, service, hold, &Command::Capture(Some(amount)), now) {
            Ok(_) => return Ok((Some(amount), None)),
            Err(Error::Refused(why)) => refusal = Some(why),
            Err(error) => return Err(error),
        }
    }
    end(db, service, hold, &Command::Cancel, now)?;
    Ok((None, refusal))
}

const CALL: &str = "SELECT call.id, call.service_id, service.name, version.number, version.digest, \
                    call.account_key, call.route, call.status, call.outcome, call.result, \
                    call.error, call.log, call.price_list, call.credits, \
                    coalesce(hold.captured, 0), call.fuel_bought, call.fuel_used, \
                    call.memory_peak_bytes, call.duration_ms, call.created_at, call.ended_at \
                    FROM call JOIN service ON service.id = call.service_id \
                    JOIN version ON version.id = call.version_id \
                    LEFT JOIN hold ON hold.id = call.id WHERE call.id = ?1";

fn call(row: &Row<'_>) -> rusqlite::Result<CallRecord> {
    Ok(CallRecord {
        id: CallId(row::uuid(row, 0)?),
        service: ServiceId(row.get(1)?),
        service_name: row.get(2)?,
        version_number: row.get(3)?,
        digest: row.get(4)?,
        account: AccountKey(row.get(5)?),
        route: row.get(6)?,
        status: row::known(7, Type::Text, CallStatus::parse(row.get_ref(7)?.as_str()?))?,
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
        ended_at: row.get::<_, Option<i64>>(20)?.map(Timestamp),
    })
}

fn integer(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
