//! Calls that wait for their turn without their clients.
//!
//! What waits is in the store, with its hold; here is who follows it: each call has a task that takes
//! a place when one comes, makes the call, and shows what it says to those who listen.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use stokehold_ledger::{AccountKey, CallId, ServiceId, Timestamp};
use stokehold_runtime::Request;
use stokehold_store::{CallRecord, CallStatus, Error as StoreError, QueuedCall, ServiceStatus};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::watch;

use super::CallRequest;
use super::making::{Authorized, Begun, Making, turns_true};
use crate::admission::Admitted;
use crate::app::App;
use crate::catalogue::Active;
use crate::config::Calls;
use crate::error::Error;
use crate::outcome::CallFailure;

/// How long a call waits before it is tried again after the store has failed.
const RETRY: Duration = Duration::from_secs(1);

/// When to come back where the queue is full, in seconds.
const FULL_RETRY: Duration = Duration::from_secs(30);

/// The account whose call it is.
type Account = (ServiceId, AccountKey);

/// The calls that wait or run without their clients.
pub(crate) struct Queue {
    calls: Arc<Mutex<HashMap<CallId, Entry>>>,
    calls_max: usize,
    per_account_max: usize,
}

struct Entry {
    account: Account,
    shown: watch::Receiver<Shown>,
    cancel: watch::Sender<bool>,
}

/// What is shown of a call to those who listen.
pub(super) struct Shown {
    pub(super) status: CallStatus,
    /// What it has said so far.
    pub(super) lines: Vec<String>,
}

/// The right to make a queued call. The call is followed no more when it is dropped.
pub(super) struct Ticket {
    id: CallId,
    calls: Arc<Mutex<HashMap<CallId, Entry>>>,
    shown: watch::Sender<Shown>,
    cancel: watch::Receiver<bool>,
}

impl Queue {
    pub(crate) fn new(calls: &Calls) -> Self {
        let size = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
        Self {
            calls: Arc::default(),
            calls_max: size(calls.queued_max),
            per_account_max: size(calls.queued_per_account_max),
        }
    }

    /// Takes a place in the queue, if there is one.
    fn enter(&self, id: CallId, account: Account) -> Result<Ticket, CallFailure> {
        let calls = lock(&self.calls);
        let busy = |what, retry_after| CallFailure::Busy { what, retry_after };
        if calls.len() >= self.calls_max {
            let max = self.calls_max;
            return Err(busy(format!("the queue is full ({max} calls)"), FULL_RETRY));
        }
        let of_account = calls.values().filter(|entry| entry.account == account).count();
        if of_account >= self.per_account_max {
            let max = self.per_account_max;
            let what = format!("this account has as many calls in the queue as it may ({max})");
            return Err(busy(what, FULL_RETRY));
        }
        Ok(self.add(calls, id, account))
    }

    fn add(
        &self,
        mut calls: MutexGuard<'_, HashMap<CallId, Entry>>,
        id: CallId,
        account: Account,
    ) -> Ticket {
        let shown = Shown { status: CallStatus::Queued, lines: Vec::new() };
        let (shown, shown_to) = watch::channel(shown);
        let (cancel, cancelled) = watch::channel(false);
        calls.insert(id, Entry { account, shown: shown_to, cancel });
        Ticket { id, calls: self.calls.clone(), shown, cancel: cancelled }
    }

    /// What a call shows, if it waits or runs here.
    pub(super) fn watch(&self, id: CallId) -> Option<watch::Receiver<Shown>> {
        lock(&self.calls).get(&id).map(|entry| entry.shown.clone())
    }

    /// Has a call cancelled. False where none of this id waits or runs here.
    fn cancel(&self, id: CallId) -> bool {
        lock(&self.calls).get(&id).map(|entry| entry.cancel.send_replace(true)).is_some()
    }
}

impl Ticket {
    /// Where the guest says what it says. It is shown, and kept for those who come later.
    pub(super) fn listener(&self) -> UnboundedSender<String> {
        let (listener, mut heard) = unbounded_channel();
        let shown = self.shown.clone();
        tokio::spawn(async move {
            while let Some(line) = heard.recv().await {
                shown.send_modify(|shown| shown.lines.push(line));
            }
        });
        listener
    }

    /// Returns when the call is to be cancelled.
    pub(super) async fn cancelled(&self) {
        turns_true(self.cancel.clone()).await;
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        lock(&self.calls).remove(&self.id);
    }
}

fn lock(calls: &Mutex<HashMap<CallId, Entry>>) -> MutexGuard<'_, HashMap<CallId, Entry>> {
    calls.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How the wait for a place has ended.
enum Waited {
    /// With a place.
    For(Admitted),
    /// With the end of the call.
    InVain(CallFailure),
    /// With the end of this host: the next start goes on.
    Stopped,
}

impl App {
    /// Puts a call into the queue.
    pub(super) async fn begin_queued(
        self: Arc<Self>,
        request: CallRequest,
    ) -> Result<CallId, CallFailure> {
        let call = self.prepare(&request)?;
        if let Some(known) = self.known(&call).await? {
            return Ok(known);
        }
        // The place in which it was quoted is not kept: it waits for one of its own.
        let (quoted, _) = self.quoted(&call, &request).await?;
        drop(self.breakers.admit(call.active.version.id)?);
        let id = call.id()?;
        let account = request.account_token.key();
        let ticket = self.queue.enter(id, (call.live.service.id, account))?;
        let making = Making::new(&self, &call.live, call.active.clone());
        let wait = Duration::from_secs(self.config.calls.queued_s_max);
        match making.authorize(&request, &call, quoted, Some(wait)).await? {
            Begun::Before(known) => Ok(known),
            Begun::New(begun) => {
                let queued = QueuedCall {
                    id: begun.id,
                    service: call.live.service.id,
                    version: call.active.version.id,
                    account,
                    created_at: self.store.now(),
                };
                tokio::spawn(self.clone().work(ticket, queued));
                Ok(begun.id)
            }
        }
    }

    /// Goes on with the calls that a host which is gone has left waiting: an earlier start of this
    /// one, or another.
    pub(crate) async fn work_on(self: &Arc<Self>) -> Result<usize, StoreError> {
        let queued = self.store.take_over_queued_calls().await?;
        let count = queued.len();
        for call in queued {
            let account = (call.service, call.account);
            let ticket = self.queue.add(lock(&self.queue.calls), call.id, account);
            tokio::spawn(self.clone().work(ticket, call));
        }
        Ok(count)
    }

    /// Cancels a call that waits, or runs without its client. Answers its record as it ended.
    pub async fn cancel_call(&self, call: CallRecord) -> Result<CallRecord, Error> {
        if !self.queue.cancel(call.id) {
            let record = self.store.call(call.id).await?.ok_or(Error::NotFound("call"))?;
            let what = if record.status.has_ended() {
                "the call has ended"
            } else {
                "its client waits for this call: only one made with `Prefer: respond-async` can be \
                 cancelled"
            };
            return Err(Error::Conflict(what.into()));
        }
        let ended = self.ended_record(call.id).await?;
        ended.ok_or_else(|| Error::Conflict("the host is stopping; try again in a minute".into()))
    }

    /// Follows a call until it has ended, or the host stops.
    async fn work(self: Arc<Self>, ticket: Ticket, queued: QueuedCall) {
        while let Err(error) = self.make_queued(&ticket, &queued).await {
            tracing::error!(call = %queued.id, %error, "a queued call cannot be made now");
            tokio::select! {
                () = tokio::time::sleep(RETRY) => {}
                () = self.admission.closed() => return,
            }
        }
    }

    /// Makes a call when its turn comes. An error where it has not begun and may be tried again.
    async fn make_queued(&self, ticket: &Ticket, queued: &QueuedCall) -> Result<(), Error> {
        let active = self.catalogue.version(&self.store, queued.service, queued.version).await?;
        let live = self.catalogue.by_id(queued.service).ok_or(Error::NotFound("service"))?;
        let making = Making::new(self, &live, active.clone());
        let waited = self.wait(ticket, queued, &active).await;
        let Some(record) = self.store.call(queued.id).await? else { return Ok(()) };
        let Some(params) = self.store.queued_params(queued.id).await? else { return Ok(()) };
        let call = Authorized {
            id: queued.id,
            credits: record.credits_authorized,
            fuel: u64::try_from(record.fuel_bought).unwrap_or(0),
        };
        // The service may have been suspended meanwhile, or the version.
        let status = self.catalogue.by_id(queued.service).map(|live| live.service.status);
        let pass = match waited {
            Waited::Stopped => return Ok(()),
            Waited::InVain(failure) => Err(failure),
            Waited::For(place) => match status {
                Some(ServiceStatus::Active) => {
                    self.breakers.admit(queued.version).map(|pass| (place, pass))
                }
                status => Err(status.map_or(CallFailure::UnknownService, CallFailure::NotActive)),
            },
        };
        match pass {
            Err(failure) => settled(queued, making.settle(call, Err(failure), None).await),
            Ok((mut place, pass)) => {
                match self.store.start_call(queued.id).await {
                    // Somebody else was quicker, to run it or to cancel it.
                    Err(StoreError::NotFound(_)) => return Ok(()),
                    started => started?,
                }
                ticket.shown.send_modify(|shown| shown.status = CallStatus::Running);
                let guest = Request {
                    call_id: queued.id.to_string(),
                    route: record.route,
                    params,
                    client_id: record.client_id.unwrap_or_default(),
                };
                let ended = making.run(guest, &call, Some(ticket)).await;
                place.vacate();
                settled(queued, making.settle(call, ended, Some(pass)).await);
            }
        }
        Ok(())
    }

    /// Waits for a place.
    async fn wait(&self, ticket: &Ticket, queued: &QueuedCall, active: &Active) -> Waited {
        let waits_s_max = self.config.calls.queued_s_max;
        let waited = since(queued.created_at, self.store.now());
        let left = Duration::from_secs(waits_s_max).saturating_sub(waited);
        let entered = self.admission.enter_patiently(queued.service, active.manifest.concurrency);
        tokio::select! {
            entered = entered => entered.map_or(Waited::Stopped, Waited::For),
            () = ticket.cancelled() => Waited::InVain(CallFailure::Cancelled),
            () = tokio::time::sleep(left) => Waited::InVain(CallFailure::Busy {
                what: format!("no place came free in {waits_s_max} s"),
                retry_after: FULL_RETRY,
            }),
        }
    }
}

fn since(start: Timestamp, now: Timestamp) -> Duration {
    Duration::from_micros(u64::try_from(now.0.saturating_sub(start.0)).unwrap_or(0))
}

/// What a call came to is on its record; only a store that fails is news.
fn settled<T>(queued: &QueuedCall, settled: Result<T, CallFailure>) {
    if let Err(error) = settled {
        tracing::error!(call = %queued.id, %error, "a queued call cannot be settled");
    }
}
