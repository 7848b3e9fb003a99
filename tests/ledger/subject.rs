//! The store, asked the same steps as the model.

use stokehold_ledger::{AccountToken, CallId, Credits, HoldId, PackId, ServiceId, Span, VersionId};
use stokehold_store::{Error, Mode, Once, Settlement, Store};
use tempfile::TempDir;
use uuid::Uuid;

use crate::fixture::{
    COMMISSION, SEED, beside, credits, new_call, open, pack, service, spent, token, version,
};
use crate::model::Answer;
use crate::step::{NAMES, PACKS, Part, Pick, Place, SERVICES, Step};

const HOUR_MICROS: i64 = 3_600_000_000;

/// The year 2200. A store whose last instant lies so far ahead of the wall clock counts time by
/// single microseconds, so that an hour passes in it only when a test says so.
const FAR_AHEAD: i64 = 230 * 366 * 24 * HOUR_MICROS;

/// A store, and all that was made in it, in the order of the model.
pub(crate) struct Subject {
    /// `None` only while it is closed.
    store: Option<Store>,
    directory: Option<TempDir>,
    services: Vec<(ServiceId, VersionId, Vec<PackId>)>,
    holds: Vec<(HoldId, usize, i64)>,
    calls: Vec<(CallId, i64)>,
}

impl Subject {
    /// A store in a file, whose time stands still.
    pub(crate) async fn on_file() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let mut subject = Self::with(open(directory.path())).await;
        subject.directory = Some(directory);
        subject.pass(FAR_AHEAD);
        subject
    }

    /// A store in memory, in which no hour passes.
    pub(crate) async fn in_memory() -> Self {
        Self::with(Store::in_memory(Mode::Sandbox, SEED).expect("a store")).await
    }

    async fn with(store: Store) -> Self {
        let mut services = Vec::new();
        for number in 0..SERVICES {
            let service = service(&store, &format!("service{number}")).await;
            let version = version(&store, service).await;
            let mut packs = Vec::new();
            for (micros, cents) in PACKS {
                packs.push(pack(&store, service, micros, cents).await.id);
            }
            services.push((service, version, packs));
        }
        Self { store: Some(store), directory: None, services, holds: Vec::new(), calls: Vec::new() }
    }

    pub(crate) fn store(&self) -> &Store {
        self.store.as_ref().expect("the store is open")
    }

    /// The account of a place: its service and token.
    pub(crate) fn account(&self, place: Place) -> (ServiceId, AccountToken) {
        (self.services[place.service].0, token(NAMES[place.name]))
    }

    pub(crate) fn calls(&self) -> impl Iterator<Item = CallId> {
        self.calls.iter().map(|(call, _)| *call)
    }

    /// What the store answers.
    pub(crate) async fn answer(&mut self, step: Step) -> Answer {
        let answer = match step {
            Step::Grant { to, micros, key } => self.grant(to, micros, key).await,
            Step::Buy { to, stranger, pack } => self.buy(to, stranger, pack).await,
            Step::Authorize { from, micros, hours } => self.authorize(from, micros, hours).await,
            Step::Capture { hold, stranger, part } => self.capture(hold, stranger, part).await,
            Step::Cancel { hold, stranger } => {
                let (service, hold, _) = self.hold(hold, stranger);
                self.store().cancel(service, hold).await.map(|()| Answer::Done)
            }
            Step::Begin { from, micros, hours } => self.begin(from, micros, hours).await,
            Step::Settle { call, part } => self.settle(call, part).await,
            Step::Recover => self.store().recover_calls().await.map(Answer::Recovered),
            Step::Expire => self.store().expire_holds().await.map(|()| Answer::Done),
            Step::Pass { hours } => {
                self.pass(hours * HOUR_MICROS);
                Ok(Answer::Done)
            }
        };
        answer.unwrap_or_else(|error| match error {
            Error::Refused(refusal) => Answer::Refused(refusal),
            Error::NotFound("pack" | "running call") => Answer::NotFound,
            Error::IdempotencyConflict => Answer::KeyReused,
            other => panic!("{step:?} fails: {other}"),
        })
    }

    /// Closes the store, sets its last instant ahead and opens it again.
    fn pass(&mut self, micros: i64) {
        let directory = self.directory.as_ref().expect("time passes only on a file").path();
        self.store = None;
        let sql = "UPDATE instance SET last_instant = last_instant + ?1";
        beside(directory).execute(sql, [micros]).expect("time passes");
        self.store = Some(open(directory));
    }

    async fn grant(&self, to: Place, micros: i64, key: Option<u8>) -> Result<Answer, Error> {
        let (service, token) = self.account(to);
        let once = key.map(|key| Once {
            scope: "grant".into(),
            key: key.to_string(),
            fingerprint: fingerprint(to, micros),
        });
        let balance = self.store().grant(service, &token, credits(micros), "why".into(), once);
        balance.await.map(|balance| Answer::Balance(balance.micros()))
    }

    async fn buy(&self, to: Place, stranger: bool, pack: usize) -> Result<Answer, Error> {
        let (service, token) = self.account(to);
        let pack = self.services[(to.service + usize::from(stranger)) % SERVICES].2[pack];
        let order = self.store().create_paid_order(service, &token, pack, COMMISSION).await?;
        Ok(Answer::Bought {
            balance: order.balance.micros(),
            operator: order.commission.operator.0,
            provider: order.commission.provider.0,
        })
    }

    async fn authorize(&mut self, from: Place, micros: i64, hours: i64) -> Result<Answer, Error> {
        let (service, token) = self.account(from);
        let hold = self.store().authorize(service, &token, credits(micros), ttl(hours), None);
        let hold = hold.await?;
        self.holds.push((hold, from.service, micros));
        Ok(Answer::Held)
    }

    async fn capture(&self, hold: Pick, stranger: bool, part: Part) -> Result<Answer, Error> {
        let (service, hold, micros) = self.hold(hold, stranger);
        let captured = self.store().capture(service, hold, part.of(micros).map(credits)).await?;
        Ok(Answer::Captured(captured.micros()))
    }

    async fn begin(&mut self, from: Place, micros: i64, hours: i64) -> Result<Answer, Error> {
        let (service, token) = self.account(from);
        let new = new_call(service, self.services[from.service].1, &token, micros);
        let new = stokehold_store::NewCall { ttl: ttl(hours), ..new };
        let id = new.id;
        self.store().begin_call(new).await?;
        self.calls.push((id, micros));
        if micros != 0 {
            self.holds.push((HoldId(id.0), from.service, micros));
        }
        Ok(Answer::Done)
    }

    async fn settle(&self, call: Pick, part: Option<Part>) -> Result<Answer, Error> {
        let call = call.among(self.calls.len());
        let (id, micros) = call.map_or((CallId(Uuid::now_v7()), 0), |call| self.calls[call]);
        let settlement = part.map_or(Settlement::Cancel, |part| {
            Settlement::Capture(credits(part.of(micros).unwrap_or(micros)))
        });
        let settled = self.store().settle_call(id, settlement, spent("ok")).await;
        settled.map(|(captured, refusal): (Credits, _)| Answer::Settled(captured.micros(), refusal))
    }

    /// The hold, its amount, and the service that asks for it: its own, or a stranger.
    fn hold(&self, hold: Pick, stranger: bool) -> (ServiceId, HoldId, i64) {
        let unknown = || (HoldId(Uuid::now_v7()), 0, 1);
        let (hold, own, micros) =
            hold.among(self.holds.len()).map_or_else(unknown, |hold| self.holds[hold]);
        let asking = (own + usize::from(stranger)) % SERVICES;
        (self.services[asking].0, hold, micros)
    }
}

fn ttl(hours: i64) -> Span {
    Span::from_micros(hours * HOUR_MICROS).expect("a span")
}

/// Tells one grant from another, as a digest of its request would.
fn fingerprint(to: Place, micros: i64) -> [u8; 32] {
    let mut fingerprint = [0; 32];
    let text = format!("{} {} {micros}", to.service, to.name);
    fingerprint[..text.len()].copy_from_slice(text.as_bytes());
    fingerprint
}
