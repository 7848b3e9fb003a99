//! A paid call: admission, quote, authorize, run, settle, answer.

mod details;
mod events;
mod making;
mod queue;
mod unsettled;

use std::sync::Arc;
use std::time::Duration;

use stokehold_ledger::{AccountToken, CallId, Credits, ServiceId};
use stokehold_runtime::Request;
use stokehold_store::{CallRecord, CallStatus, Once, ServiceStatus};
use tokio::time::sleep;
use uuid::Uuid;

pub use self::details::{Details, is_repeatable};
pub use self::events::{Event, Events};
use self::making::{Begun, Making};
pub(crate) use self::queue::Queue;
pub(crate) use self::unsettled::Unsettled;
use crate::admission::Admitted;
use crate::app::App;
use crate::breaker::Verdict;
use crate::caller::Caller;
use crate::catalogue::{Active, Live};
use crate::error::Error;
use crate::once::once;
use crate::outcome::CallFailure;
use crate::quote::{Quote, Quoted};
use crate::secret::{digest, hex, sha256};

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
    /// A quote that was given for this call: it costs no more.
    pub quote: Option<String>,
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
    /// What its host did for it; not known of a call that was made before.
    pub details: Details,
    /// The result, the text of a JSON value; or why there is none.
    pub outcome: Result<String, CallFailure>,
}

/// A call of which it is known what would run.
pub(crate) struct Prepared {
    pub(crate) live: Arc<Live>,
    pub(crate) active: Arc<Active>,
    pub(crate) guest: Request,
    pub(crate) params_digest: String,
    once: Option<Once>,
}

impl Prepared {
    fn id(&self) -> Result<CallId, CallFailure> {
        let id = self.guest.call_id.parse();
        id.map_err(|_| CallFailure::Host(Error::Host("a call has no id".into())))
    }
}

impl App {
    /// Makes a call. An error means that no hold was made; otherwise the [`Call`] says how it went.
    ///
    /// The call runs to its end even where the caller goes away.
    pub async fn call(self: &Arc<Self>, request: CallRequest) -> Result<Call, CallFailure> {
        let app = self.clone();
        let call = tokio::spawn(async move { app.make_call(request).await });
        call.await.unwrap_or_else(|_| Err(panicked()))
    }

    /// Puts a call into the durable queue, with its hold, and answers its id. It is made when its
    /// turn comes, also by the next start of this host. An error means that no hold was made.
    pub async fn queue_call(self: &Arc<Self>, request: CallRequest) -> Result<CallId, CallFailure> {
        let app = self.clone();
        let queued = tokio::spawn(async move { app.begin_queued(request).await });
        queued.await.unwrap_or_else(|_| Err(panicked()))
    }

    /// Asks what a call may cost, and binds the service to it. It costs nothing and holds nothing.
    pub async fn quote(&self, request: CallRequest) -> Result<Quote, CallFailure> {
        let call = self.prepare(&request)?;
        let (quoted, _place) = self.quoted(&call, &request).await?;
        self.bind(&call, quoted)
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

    /// Looks up what would run.
    fn prepare(&self, request: &CallRequest) -> Result<Prepared, CallFailure> {
        let live = self.catalogue.by_name(&request.service).ok_or(CallFailure::UnknownService)?;
        if live.service.status != ServiceStatus::Active {
            return Err(CallFailure::NotActive(live.service.status));
        }
        let active = live.active.clone().ok_or(CallFailure::NoVersion)?;
        // What would lack a secret shall hold nothing.
        self.access(live.service.id, &active)?;
        let guest = Request {
            call_id: CallId(Uuid::now_v7()).to_string(),
            route: request.route.clone(),
            params: request.params.clone(),
            client_id: self.client_id(live.service.id, request.account_token.base()),
        };
        let (once, params_digest) = (request.once(live.service.id)?, sha256(&request.params));
        Ok(Prepared { live, active, guest, params_digest, once })
    }

    async fn make_call(&self, request: CallRequest) -> Result<Call, CallFailure> {
        let call = self.prepare(&request)?;
        if let Some(known) = self.known(&call).await? {
            return self.made_before(known).await;
        }
        let (quoted, place) = self.quoted(&call, &request).await?;
        let pass = self.breakers.admit(call.active.version.id)?;
        let mut place = match place {
            Some(place) => place,
            None => self.enter(&call, &request).await?,
        };
        let making = Making::new(self, &call.live, call.active.clone());
        // What cannot be compiled shall hold nothing.
        making.program().await?;
        match making.authorize(&request, &call, quoted, None).await? {
            Begun::New(begun) => {
                let ended = making.run(call.guest, &begun, None).await;
                place.vacate();
                making.settle(begun, ended, Some(pass)).await
            }
            Begun::Before(known) => self.made_before(known).await,
        }
    }

    /// What a call may cost: by the quote that came with it, by the manifest, or else by asking the
    /// service. That takes the place in which the call may then run.
    async fn quoted(
        &self,
        call: &Prepared,
        request: &CallRequest,
    ) -> Result<(Quoted, Option<Admitted>), CallFailure> {
        let (quoted, place) = match (&request.quote, call.active.manifest.credits_per_call) {
            (Some(quote), _) => (self.bound(call, quote).await?, None),
            (None, Some(credits)) => (Quoted { credits, description: None }, None),
            (None, None) => {
                let pass = self.breakers.admit(call.active.version.id)?;
                let place = self.enter(call, request).await?;
                let making = Making::new(self, &call.live, call.active.clone());
                let quoted = making.quote(&call.guest).await;
                // A quote proves nothing of what follows it, but one that fails proves enough.
                if Verdict::of(&quoted) == Verdict::Fails {
                    making.judge(pass, &quoted).await;
                }
                (quoted?, Some(place))
            }
        };
        match self.config.calls.per_call_max() {
            Some(max) if quoted.credits > max => Err(CallFailure::SpendLimit(format!(
                "the call may cost {} credits, and this host allows {max} for one call",
                quoted.credits
            ))),
            _ => Ok((quoted, place)),
        }
    }

    async fn enter(&self, call: &Prepared, request: &CallRequest) -> Result<Admitted, CallFailure> {
        let (service, concurrency) = (call.live.service.id, call.active.manifest.concurrency);
        let account = request.account_token.base();
        Ok(self.admission.enter(service, concurrency, account).await?)
    }

    /// The call that the same request has made before.
    async fn known(&self, call: &Prepared) -> Result<Option<CallId>, CallFailure> {
        match call.once {
            Some(once) => Ok(self.store.known_call(once).await?),
            None => Ok(None),
        }
    }

    /// The outcome of a call that the same request has made before; one that still waits or runs is
    /// waited for.
    async fn made_before(&self, id: CallId) -> Result<Call, CallFailure> {
        let record = self.ended_record(id).await.map_err(CallFailure::Host)?;
        record.map(recorded).ok_or(CallFailure::HostStopping)
    }

    /// The record of a call once it has ended; `None` where the host stops before.
    pub(crate) async fn ended_record(&self, id: CallId) -> Result<Option<CallRecord>, Error> {
        let mut ended = self.ended.subscribe();
        let mut is_closed = false;
        loop {
            ended.borrow_and_update();
            let record = self.store.call(id).await?;
            let record = record.ok_or_else(|| Error::Host("a call has no record".into()))?;
            if record.status.has_ended() {
                return Ok(Some(record));
            }
            // What waits does so beyond the end of this host; what runs ends before it.
            if is_closed && record.status == CallStatus::Queued {
                return Ok(None);
            }
            tokio::select! {
                changed = ended.changed() => if changed.is_err() { return Ok(None) },
                // Where it runs on another host nobody tells: look again.
                () = sleep(LOOK_AGAIN) => {}
                () = self.admission.closed(), if !is_closed => is_closed = true,
            }
        }
    }

    /// A name for the account that is the same for each of its calls and tells nothing.
    fn client_id(&self, service: ServiceId, account: &str) -> String {
        let parts: [&[u8]; 3] = [self.store.secret(), &service.0.to_be_bytes(), account.as_bytes()];
        hex(&digest(&parts)[..16])
    }
}

/// A call as its record tells it.
fn recorded(record: CallRecord) -> Call {
    let number = |value: i64| u64::try_from(value).unwrap_or(0);
    let outcome = record.result.ok_or_else(|| CallFailure::Before {
        class: record.outcome.unwrap_or_default(),
        text: record.error.unwrap_or_else(|| "the result is no longer kept".into()),
    });
    Call {
        id: record.id,
        authorized: record.credits_authorized,
        captured: record.credits_captured,
        fuel_used: number(record.fuel_used),
        memory_peak_bytes: usize::try_from(record.memory_peak_bytes).unwrap_or(0),
        elapsed: Duration::from_millis(number(record.duration_ms)),
        log: record.log.lines().map(str::to_owned).collect(),
        details: Details::default(),
        outcome,
    }
}

fn panicked() -> CallFailure {
    CallFailure::Host(Error::Host("a call panicked".into()))
}
