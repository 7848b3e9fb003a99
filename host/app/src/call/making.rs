//! One call on its way: quote, authorize, run, settle.

use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;
use stokehold_ledger::{CallId, Credits, Refusal, Span};
use stokehold_runtime::{Budget, End, PRICE_LIST, Program, Request, Run, Stop, Terms};
use stokehold_store::{Error as StoreError, FailPoint, NewCall, Settlement, Spent, Suspension};
use tokio::sync::watch;

use super::queue::Ticket;
use super::{Call, CallRequest, Details, Prepared};
use crate::app::App;
use crate::breaker::{Change, Pass, Verdict};
use crate::catalogue::{Active, Live};
use crate::machine::mebibytes;
use crate::manifest::Manifest;
use crate::outcome::CallFailure;
use crate::price::Used;
use crate::quote::Quoted;
use crate::sandbox::{Magic, is_chargeable, magic};
use crate::secret::sha256;

/// A hold outlives its call's deadline by this much, for the time that settling takes.
const HOLD_MARGIN: Duration = Duration::from_mins(1);

/// A call that may run, or one that the same request has made before.
pub(super) enum Begun {
    New(Authorized),
    Before(CallId),
}

/// A call whose hold exists.
pub(super) struct Authorized {
    pub(super) id: CallId,
    pub(super) credits: Credits,
    pub(super) fuel: u64,
}

/// One call on its way.
pub(super) struct Making<'a> {
    app: &'a App,
    live: &'a Live,
    active: Arc<Active>,
}

impl App {
    /// The fuel that a call may burn.
    pub(crate) fn fuel_for(&self, manifest: &Manifest, credits: Credits) -> u64 {
        match credits {
            Credits::ZERO => self.config.calls.free_fuel,
            credits => manifest.tariff.fuel_for(credits),
        }
    }
}

impl<'a> Making<'a> {
    pub(super) fn new(app: &'a App, live: &'a Live, active: Arc<Active>) -> Self {
        Self { app, live, active }
    }

    /// The compiled component.
    pub(super) async fn program(&self) -> Result<Program, CallFailure> {
        self.app.program(&self.active).await.map_err(CallFailure::Host)
    }

    /// Asks the service what the call may cost.
    pub(super) async fn quote(&self, guest: &Request) -> Result<Quoted, CallFailure> {
        let calls = &self.app.config.calls;
        let deadline = Duration::from_millis(calls.quote_deadline_ms);
        let budget = self.budget(calls.free_fuel, deadline);
        let program = self.program().await?;
        let access = self.app.access(self.live.service.id, &self.active)?;
        let run = self.app.runtime.quote(&program, guest.clone(), budget, &access).await;
        if let End::Stopped(_) = run.end {
            // There is no call yet whose log this could be.
            let log = log(run.log, &run.end).join("\n");
            tracing::info!(service = self.live.service.name, log, "a quote was stopped");
        }
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

    /// Makes the hold and the call's record, durably; with `wait`, a call that waits for so long at
    /// the most.
    pub(super) async fn authorize(
        &self,
        request: &CallRequest,
        call: &Prepared,
        quoted: Quoted,
        wait: Option<Duration>,
    ) -> Result<Begun, CallFailure> {
        let credits = quoted.credits;
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
        let fuel = self.app.fuel_for(&self.active.manifest, credits);
        let id = call.id()?;
        let lasts = self.deadline().saturating_add(HOLD_MARGIN);
        let day_max = self.app.config.calls.per_day_max();
        let new = NewCall {
            id,
            service: self.live.service.id,
            version: self.active.version.id,
            account_token: token.clone(),
            dbuuid: request.dbuuid.clone().filter(|_| !held.is_zero()),
            route: request.route.clone(),
            client_id: call.guest.client_id.clone(),
            params_digest: call.params_digest.clone(),
            queued: wait.map(|_| request.params.clone()),
            price_list: PRICE_LIST.version.to_owned(),
            fuel_bought: fuel,
            credits: held,
            day_max: day_max.filter(|_| !held.is_zero()),
            ttl: Span::from_duration(lasts.saturating_add(wait.unwrap_or_default())),
            description: quoted.description,
        };
        let begun = match call.once {
            Some(once) => self.app.store.begin_call_once(new, once).await,
            None => self.app.store.begin_call(new).await.map(|()| None),
        };
        match begun {
            Ok(None) => Ok(Begun::New(Authorized { id, credits, fuel })),
            Ok(Some(known)) => Ok(Begun::Before(known)),
            Err(StoreError::Refused(
                Refusal::UnknownAccount | Refusal::InsufficientCredits { .. },
            )) => Err(insufficient()),
            Err(error) => {
                if matches!(error, StoreError::OutcomeUnknown) {
                    self.app.disown(id);
                }
                Err(error.into())
            }
        }
    }

    /// Runs the guest. An error where the host stops first, or the client cancels the call.
    pub(super) async fn run(
        &self,
        guest: Request,
        call: &Authorized,
        ticket: Option<&Ticket>,
    ) -> Result<Run<String>, CallFailure> {
        FailPoint::BetweenHoldAndGuest.pass();
        let program = self.program().await?;
        let budget = self.budget(call.fuel, self.deadline());
        let terms = Terms {
            authorized: u64::try_from(call.credits.micros()).unwrap_or(0),
            reserve_fuel: self.active.manifest.reserve(call.fuel),
            listener: ticket.map(Ticket::listener),
        };
        let access = self.app.access(self.live.service.id, &self.active)?;
        let run = self.app.runtime.handle(&program, guest, terms, budget, access);
        let cancelled = async {
            match ticket {
                Some(ticket) => ticket.cancelled().await,
                None => std::future::pending().await,
            }
        };
        let ended = tokio::select! {
            run = run => Ok(run),
            () = turns_true(self.app.stopping.subscribe()) => Err(CallFailure::HostStopping),
            () = cancelled => Err(CallFailure::Cancelled),
        };
        FailPoint::BetweenGuestAndCapture.pass();
        ended
    }

    /// Captures or cancels, and completes the record, in one durable step.
    pub(super) async fn settle(
        &self,
        call: Authorized,
        ended: Result<Run<String>, CallFailure>,
        pass: Option<Pass<'_>>,
    ) -> Result<Call, CallFailure> {
        let ended = Ended::of(ended);
        let Ended { mut outcome, used, memory_peak_bytes, elapsed, log, details } = ended;
        let settlement = self.active.manifest.settlement(call.credits, used, &outcome);
        if let (Settlement::Capture(cost), Err(CallFailure::Stopped { charged, .. })) =
            (settlement, &mut outcome)
        {
            *charged = cost;
        }
        let spent = Spent {
            outcome: class(&outcome).to_owned(),
            result: outcome.as_ref().ok().cloned(),
            result_digest: outcome.as_ref().ok().map(|result| sha256(result)),
            error: outcome.as_ref().err().map(ToString::to_string),
            log: log.join("\n"),
            fuel_used: used.fuel,
            host_calls: details.host_calls_json(),
            memory_peak_bytes: memory_peak_bytes as u64,
            duration_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
        };
        let (captured, refusal) = self.app.settle_call(call.id, settlement, spent).await?;
        self.app.ended.send_replace(());
        if let Some(pass) = pass {
            self.judge(pass, &outcome).await;
        }
        let outcome = match refusal {
            Some(refusal) if outcome.is_ok() => Err(CallFailure::HoldLost(refusal)),
            _ => outcome,
        };
        tracing::info!(
            call = %call.id,
            service = self.live.service.name,
            outcome = class(&outcome),
            credits = %captured,
            fuel = used.fuel,
            "call ended"
        );
        Ok(Call {
            id: call.id,
            authorized: call.credits,
            captured,
            fuel_used: used.fuel,
            memory_peak_bytes,
            elapsed,
            log,
            details,
            outcome,
        })
    }

    /// Draws the conclusion from what the service's code did.
    pub(super) async fn judge<T>(&self, pass: Pass<'_>, outcome: &Result<T, CallFailure>) {
        let (app, version) = (self.app, &self.active.version);
        let service = &self.live.service.name;
        let stored = match pass.judge(Verdict::of(outcome)) {
            None => return,
            Some(Change::Suspend { failures }) => {
                let outcome = class(outcome).to_owned();
                tracing::warn!(
                    service,
                    version = version.number,
                    failures,
                    outcome,
                    "the version is suspended: call after call has failed"
                );
                let suspension = Suspension { outcome, failures, since: app.store.now() };
                app.breakers.open(version.id, suspension.clone());
                app.store.suspend_version(version.id, suspension).await
            }
            Some(Change::Resume) => {
                tracing::info!(service, version = version.number, "the version takes calls again");
                app.store.resume_version(version.id).await
            }
        };
        if let Err(error) = stored {
            tracing::error!(%error, "the state of a breaker cannot be stored");
        }
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

/// How a call went, as its record tells it.
struct Ended {
    outcome: Result<String, CallFailure>,
    used: Used,
    memory_peak_bytes: usize,
    elapsed: Duration,
    log: Vec<String>,
    details: Details,
}

impl Ended {
    fn of(ended: Result<Run<String>, CallFailure>) -> Self {
        match ended {
            Ok(mut run) => Self {
                details: Details::take(&mut run),
                log: log(run.log, &run.end),
                outcome: answered(run.end).and_then(json),
                used: Used { fuel: run.fuel_used, capture_at_most: run.capture_at_most },
                memory_peak_bytes: run.memory_peak_bytes,
                elapsed: run.elapsed,
            },
            Err(failure) => Self {
                outcome: Err(failure),
                used: Used::default(),
                memory_peak_bytes: 0,
                elapsed: Duration::ZERO,
                log: Vec::new(),
                details: Details::default(),
            },
        }
    }
}

/// The class of an outcome.
fn class<T>(outcome: &Result<T, CallFailure>) -> &str {
    outcome.as_ref().map_or_else(CallFailure::class, |_| "ok")
}

/// Waits for a flag; for ever where nobody can raise it any more.
pub(super) async fn turns_true(mut flag: watch::Receiver<bool>) {
    if flag.wait_for(|is_up| *is_up).await.is_err() {
        std::future::pending::<()>().await;
    }
}

fn answered<T>(end: End<T>) -> Result<T, CallFailure> {
    match end {
        End::Answered(answer) => Ok(answer),
        End::Failed(failure) => Err(CallFailure::Failed(failure)),
        End::Stopped(stop) => Err(CallFailure::stopped(stop)),
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
    if let End::Stopped(Stop::Trap { reason, backtrace }) = end {
        lines.push(format!("trap: {reason}"));
        lines.extend(backtrace.iter().map(|function| format!("    at {function}")));
    }
    lines
}
