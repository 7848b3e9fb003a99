//! A paid call: admission, quote, authorize, run, settle, answer.

use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;
use stokehold_ledger::{AccountToken, CallId, Credits, Refusal, ServiceId, Span};
use stokehold_runtime::{Budget, End, PRICE_LIST, Program, Request, Run};
use stokehold_store::{
    CallRecord, CallStatus, Error as StoreError, FailPoint, NewCall, Once, ServiceStatus,
    Settlement, Spent,
};
use tokio::time::timeout;
use uuid::Uuid;

use crate::app::{App, mebibytes};
use crate::caller::Caller;
use crate::catalogue::{Active, Live};
use crate::error::Error;
use crate::manifest::Settle;
use crate::once::once;
use crate::outcome::CallFailure;
use crate::sandbox::{Magic, is_chargeable, magic};
use crate::secret::{digest, hex};

/// A hold outlives its call's deadline by this much, for the time that settling takes.
const HOLD_MARGIN: Duration = Duration::from_mins(1);

/// How soon a call that runs is looked at again by whoever waits for its end.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// A call, as its client made it.
#[derive(Clone, Debug)]
pub struct CallRequest {
    /// The service's name.
    pub service: String,
    /// The path after it.
    pub route: String,
    /// The params, the text of a JSON object, without the account token.
    pub params: String,
    /// Whose credits.
    pub account_token: AccountToken,
    /// The client's database, which may have trial credits.
    pub dbuuid: Option<String>,
    /// Chosen by the client: the same request under the same key is made once.
    pub idempotency_key: Option<String>,
}

impl CallRequest {
    /// The store's key for the client's.
    fn once(&self, service: ServiceId) -> Result<Option<Once>, CallFailure> {
        let kind = format!("call/{}", self.account_token.key());
        let parts = [self.route.as_str(), &self.params];
        once(service, &kind, self.idempotency_key.as_deref(), &parts).map_err(CallFailure::BadKey)
    }
}

/// A call that was made: its hold existed, and has ended.
#[derive(Debug)]
pub struct Call {
    /// Which call it was.
    pub id: CallId,
    /// What was held.
    pub authorized: Credits,
    /// What was captured.
    pub captured: Credits,
    /// The fuel that was burned.
    pub fuel_used: u64,
    /// The most memory that the guest had at once.
    pub memory_peak_bytes: usize,
    /// How long the guest ran.
    pub elapsed: Duration,
    /// What the guest has said, line by line.
    pub log: Vec<String>,
    /// The result, the text of a JSON value; or why there is none.
    pub outcome: Result<String, CallFailure>,
}

impl App {
    /// Makes a call. An error means that no hold was made; otherwise the [`Call`] says how it went.
    ///
    /// The call runs to its end even where the caller goes away.
    pub async fn call(self: &Arc<Self>, request: CallRequest) -> Result<Call, CallFailure> {
        let app = self.clone();
        let call = tokio::spawn(async move { app.make_call(request).await });
        call.await.unwrap_or_else(|_| Err(CallFailure::Host(Error::Host("a call panicked".into()))))
    }

    /// The record of a call, for its service's provider.
    pub async fn call_record(&self, caller: Caller, id: CallId) -> Result<CallRecord, Error> {
        let record = self.store.call(id).await?.ok_or(Error::NotFound("call"))?;
        self.managed(caller, &record.service_name).map_err(|_| Error::NotFound("call"))?;
        Ok(record)
    }

    /// The record of a call, for the client that made it.
    pub async fn call_record_of(
        &self,
        token: &AccountToken,
        id: CallId,
    ) -> Result<CallRecord, Error> {
        let record = self.store.call(id).await?;
        let record = record.filter(|record| record.account == token.key());
        record.ok_or(Error::NotFound("call"))
    }

    async fn make_call(&self, request: CallRequest) -> Result<Call, CallFailure> {
        let live = self.catalogue.by_name(&request.service).ok_or(CallFailure::UnknownService)?;
        if live.service.status != ServiceStatus::Active {
            return Err(CallFailure::NotActive(live.service.status));
        }
        let active = live.active.clone().ok_or(CallFailure::NoVersion)?;
        let (id, account) = (live.service.id, request.account_token.base());
        let once = request.once(id)?;
        if let Some(once) = once
            && let Some(known) = self.store.known_call(once).await?
        {
            return self.made_before(known).await;
        }
        let _place = self.admission.enter(id, active.manifest.concurrency, account).await?;
        let program = active.program(&self.runtime).await.map_err(CallFailure::Host)?;

        let making = Making { app: self, live: &live, active: &active, program: &program };
        let guest = Request {
            call_id: CallId(Uuid::now_v7()).to_string(),
            route: request.route.clone(),
            params: request.params.clone(),
            client_id: self.client_id(id, account),
        };
        let quote = making.quote(&guest).await?;
        let call = match making.authorize(&request, &guest, quote, once).await? {
            Begun::New(call) => call,
            Begun::Before(known) => return self.made_before(known).await,
        };
        FailPoint::BetweenHoldAndGuest.pass();
        let run = making.run(guest, &call).await;
        FailPoint::BetweenGuestAndCapture.pass();
        making.settle(call, run).await
    }

    /// The outcome of a call that the same request has made before; one that still runs is waited
    /// for.
    async fn made_before(&self, id: CallId) -> Result<Call, CallFailure> {
        let mut ended = self.ended.subscribe();
        loop {
            ended.borrow_and_update();
            let record =
                self.store.call(id).await?.ok_or_else(|| broken("a call has no record"))?;
            if record.status != CallStatus::Running {
                return Ok(recorded(record));
            }
            // Where it runs on another host nobody tells: look again.
            if let Ok(told) = timeout(LOOK_AGAIN, ended.changed()).await {
                told.map_err(|_| CallFailure::HostStopping)?;
            }
        }
    }

    /// A name for the account that is the same for each of its calls and tells nothing.
    fn client_id(&self, service: ServiceId, account: &str) -> String {
        let parts: [&[u8]; 3] = [self.store.secret(), &service.0.to_be_bytes(), account.as_bytes()];
        hex(&digest(&parts)[..16])
    }
}

/// What a call may cost.
struct Quoted {
    credits: Credits,
    description: Option<String>,
}

/// A call that may run, or one that the same request has made before.
enum Begun {
    New(Authorized),
    Before(CallId),
}

/// A call whose hold exists.
struct Authorized {
    id: CallId,
    credits: Credits,
    fuel: u64,
}

/// One call on its way.
struct Making<'a> {
    app: &'a App,
    live: &'a Live,
    active: &'a Active,
    program: &'a Program,
}

impl Making<'_> {
    /// Asks the service what the call may cost, unless its manifest says.
    async fn quote(&self, guest: &Request) -> Result<Quoted, CallFailure> {
        if let Some(credits) = self.active.manifest.credits_per_call {
            return Ok(Quoted { credits, description: None });
        }
        let calls = &self.app.config.calls;
        let deadline = Duration::from_millis(calls.quote_deadline_ms);
        let budget = self.budget(calls.free_fuel, deadline);
        let run = self.app.runtime.quote(self.program, guest.clone(), budget).await;
        let quote = answered(run.end)?;
        let credits = i64::try_from(quote.credits).map(Credits::from_micros);
        match credits {
            Ok(credits) if credits <= Credits::OPERATION_MAX => {
                Ok(Quoted { credits, description: quote.description })
            }
            _ => Err(CallFailure::BadOutput(format!(
                "the quote of {} micro-credits is above the limit of {} credits for one operation",
                quote.credits,
                Credits::OPERATION_MAX
            ))),
        }
    }

    /// Makes the hold and the call's record, durably.
    async fn authorize(
        &self,
        request: &CallRequest,
        guest: &Request,
        quote: Quoted,
        once: Option<Once>,
    ) -> Result<Begun, CallFailure> {
        let credits = quote.credits;
        let insufficient = || CallFailure::Insufficient {
            needed: credits,
            template: self.active.version.credit_template.clone(),
        };
        let token = &request.account_token;
        let held = match magic(self.app.mode(), token) {
            Some(Magic::Plenty) => Credits::ZERO,
            None if credits.is_zero() || is_chargeable(token) => credits,
            Some(Magic::NoAccount | Magic::NoCredits) | None => return Err(insufficient()),
        };
        let fuel = match credits {
            Credits::ZERO => self.app.config.calls.free_fuel,
            credits => self.active.manifest.tariff.fuel_for(credits),
        };
        let id = guest.call_id.parse().map_err(|_| broken("a call has no id"))?;
        let new = NewCall {
            id,
            service: self.live.service.id,
            version: self.active.version.id,
            account_token: token.clone(),
            dbuuid: request.dbuuid.clone().filter(|_| !held.is_zero()),
            route: request.route.clone(),
            params_digest: hex(&digest(&[request.params.as_bytes()])),
            price_list: PRICE_LIST.version.to_owned(),
            fuel_bought: fuel,
            credits: held,
            ttl: Span::from_duration(self.deadline().saturating_add(HOLD_MARGIN)),
            description: quote.description,
        };
        let begun = match once {
            Some(once) => self.app.store.begin_call_once(new, once).await,
            None => self.app.store.begin_call(new).await.map(|()| None),
        };
        match begun {
            Ok(None) => Ok(Begun::New(Authorized { id, credits, fuel })),
            Ok(Some(known)) => Ok(Begun::Before(known)),
            Err(StoreError::Refused(
                Refusal::UnknownAccount | Refusal::InsufficientCredits { .. },
            )) => Err(insufficient()),
            Err(error) => Err(error.into()),
        }
    }

    /// Runs the guest; `None` where the host stopped first.
    async fn run(&self, guest: Request, call: &Authorized) -> Option<Run<String>> {
        let budget = self.budget(call.fuel, self.deadline());
        let authorized = u64::try_from(call.credits.micros()).unwrap_or(0);
        let run = self.app.runtime.handle(self.program, guest, authorized, budget);
        let mut stopping = self.app.stopping.subscribe();
        tokio::select! {
            run = run => Some(run),
            _ = stopping.wait_for(|stopping| *stopping) => None,
        }
    }

    /// Captures or cancels, and completes the record, in one durable step.
    async fn settle(
        &self,
        call: Authorized,
        run: Option<Run<String>>,
    ) -> Result<Call, CallFailure> {
        let (fuel_used, memory_peak_bytes, elapsed, log, capture_at_most, outcome) = match run {
            None => (0, 0, Duration::ZERO, Vec::new(), None, Err(CallFailure::HostStopping)),
            Some(run) => {
                let log = log(run.log, &run.end);
                let outcome = answered(run.end).and_then(json);
                (
                    run.fuel_used,
                    run.memory_peak_bytes,
                    run.elapsed,
                    log,
                    run.capture_at_most,
                    outcome,
                )
            }
        };
        let price = self.price(call.credits, fuel_used, capture_at_most);
        let settlement = match &outcome {
            Ok(_) => Settlement::Capture(price),
            Err(_) => Settlement::Cancel,
        };
        let spent = Spent {
            outcome: outcome.as_ref().map_or_else(CallFailure::class, |_| "ok").to_owned(),
            result: outcome.as_ref().ok().cloned(),
            error: outcome.as_ref().err().map(ToString::to_string),
            log: log.join("\n"),
            fuel_used,
            memory_peak_bytes: memory_peak_bytes as u64,
            duration_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
        };
        let (captured, refusal) = self.app.store.settle_call(call.id, settlement, spent).await?;
        self.app.ended.send_replace(());
        let outcome = match refusal {
            Some(refusal) if outcome.is_ok() => Err(CallFailure::HoldLost(refusal)),
            _ => outcome,
        };
        tracing::info!(
            call = %call.id,
            service = self.live.service.name,
            outcome = outcome.as_ref().map_or_else(CallFailure::class, |_| "ok"),
            credits = %captured,
            fuel = fuel_used,
            "call ended"
        );
        let authorized = call.credits;
        let id = call.id;
        Ok(Call { id, authorized, captured, fuel_used, memory_peak_bytes, elapsed, log, outcome })
    }

    /// What a call that succeeded costs: never more than was authorized.
    fn price(&self, authorized: Credits, fuel_used: u64, capture_at_most: Option<u64>) -> Credits {
        let at_most = capture_at_most.and_then(|micros| i64::try_from(micros).ok());
        let at_most = at_most.map_or(authorized, Credits::from_micros);
        let by_tariff = match self.active.manifest.settle {
            Settle::Authorized => authorized,
            Settle::Fuel => self.active.manifest.tariff.cost_of(fuel_used),
        };
        authorized.min(at_most).min(by_tariff)
    }

    fn deadline(&self) -> Duration {
        let max = Duration::from_secs(self.app.config.calls.deadline_s_max);
        self.active.manifest.deadline.min(max)
    }

    fn budget(&self, fuel: u64, deadline: Duration) -> Budget {
        let calls = &self.app.config.calls;
        let memory = self.active.manifest.memory_bytes_max;
        Budget {
            fuel,
            memory_bytes_max: memory.min(mebibytes(calls.memory_mib_max)),
            deadline,
            output_bytes_max: calls.output_bytes_max,
            log_bytes_max: calls.log_bytes_max,
        }
    }
}

/// A call as its record tells it.
fn recorded(record: CallRecord) -> Call {
    let number = |value: i64| u64::try_from(value).unwrap_or(0);
    let outcome = record.result.ok_or_else(|| CallFailure::Before {
        class: record.outcome.unwrap_or_default(),
        text: record.error.unwrap_or_default(),
    });
    Call {
        id: record.id,
        authorized: record.credits_authorized,
        captured: record.credits_captured,
        fuel_used: number(record.fuel_used),
        memory_peak_bytes: usize::try_from(record.memory_peak_bytes).unwrap_or(0),
        elapsed: Duration::from_millis(number(record.duration_ms)),
        log: record.log.lines().map(str::to_owned).collect(),
        outcome,
    }
}

fn answered<T>(end: End<T>) -> Result<T, CallFailure> {
    match end {
        End::Answered(answer) => Ok(answer),
        End::Failed(failure) => Err(CallFailure::Failed(failure)),
        End::Stopped(stop) => Err(CallFailure::Stopped(stop)),
    }
}

/// Checks that a result is JSON. It is passed on as the guest wrote it.
fn json(result: String) -> Result<String, CallFailure> {
    match serde_json::from_str::<&RawValue>(&result) {
        Ok(_) => Ok(result),
        Err(error) => Err(CallFailure::BadOutput(format!("the result is not JSON: {error}"))),
    }
}

/// The guest's log; after a trap, where it happened.
fn log<T>(mut lines: Vec<String>, end: &End<T>) -> Vec<String> {
    if let End::Stopped(stokehold_runtime::Stop::Trap { reason, backtrace }) = end {
        lines.push(format!("trap: {reason}"));
        lines.extend(backtrace.iter().map(|function| format!("    at {function}")));
    }
    lines
}

fn broken(what: &str) -> CallFailure {
    CallFailure::Host(Error::Host(what.into()))
}
