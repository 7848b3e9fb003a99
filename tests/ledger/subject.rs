//! The store, asked the same steps as the model.

mod hold;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use stokehold_ledger::{AccountName, AccountToken, CallId, HoldId, OrderId, ServiceId, VersionId};
use stokehold_store::{
    Address, Error, Mode, NewOrder, Once, Order, Pack, RequestDigest, Store, Warning,
    WarningSettings,
};
use stokehold_tests::postgres::Postgres;
use tempfile::TempDir;

use crate::fixture::{
    COMMISSION, SEED, beside, connect, credits, once, open, pack, service_with_trial, token,
    version,
};
use crate::model::{self, Answer};
use crate::step::{ADDRESSES, DATABASES, NAMES, PACKS, Pick, Place, SERVICES, Step, TRIALS};

const HOUR_MICROS: i64 = 3_600_000_000;

/// The year 2200. A store whose last instant lies so far ahead of the wall clock counts time by
/// single microseconds, so that an hour passes in it only when a test says so.
const FAR_AHEAD: i64 = 230 * 366 * 24 * HOUR_MICROS;

/// A store, and all that was made in it, in the order of the model.
pub(crate) struct Subject {
    /// `None` only while it is closed.
    store: Option<Store>,
    place: Where,
    services: Vec<(ServiceId, VersionId, Vec<Pack>)>,
    holds: Vec<(HoldId, usize, i64)>,
    calls: Vec<(CallId, i64)>,
    orders: Vec<OrderId>,
}

/// Where the store is.
enum Where {
    Memory,
    File(TempDir),
    Postgres(Arc<Postgres>),
}

impl Subject {
    /// A store in a file, whose time stands still.
    pub(crate) async fn on_file() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let store = open(directory.path());
        let mut subject = Self::with(store, Where::File(directory)).await;
        subject.pass(FAR_AHEAD).await;
        subject
    }

    /// A new store on this server, whose time stands still.
    pub(crate) async fn on_postgres(server: &Arc<Postgres>) -> Self {
        server.sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
        let store = connect(server).await;
        let mut subject = Self::with(store, Where::Postgres(server.clone())).await;
        subject.pass(FAR_AHEAD).await;
        subject
    }

    /// A store in memory, in which no hour passes.
    pub(crate) async fn in_memory() -> Self {
        let store = Store::in_memory(Mode::Sandbox, SEED).expect("a store");
        Self::with(store, Where::Memory).await
    }

    async fn with(store: Store, place: Where) -> Self {
        let mut services = Vec::new();
        for (number, trial) in TRIALS.into_iter().enumerate() {
            let service = service_with_trial(&store, &format!("service{number}"), trial).await;
            let version = version(&store, service).await;
            let mut packs = Vec::new();
            for (micros, cents) in PACKS {
                packs.push(pack(&store, service, micros, cents).await);
            }
            services.push((service, version, packs));
        }
        let (holds, calls, orders) = (Vec::new(), Vec::new(), Vec::new());
        Self { store: Some(store), place, services, holds, calls, orders }
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

    /// All warnings, in the words of the model.
    pub(crate) async fn warnings(&self) -> Vec<model::Warning> {
        let warnings = self.store().due_warnings(u32::MAX).await.expect("they are read");
        let place = |warning: &Warning| {
            let service = warning.service_name.strip_prefix("service");
            let service = service.and_then(|number| number.parse().ok()).expect("a service");
            let named = |name: &&'static str| token(name).key().to_string() == warning.account;
            Place { service, name: NAMES.iter().position(named).expect("a name") }
        };
        let shown = warnings.into_iter().map(|warning| {
            let (available, warn_at) = (warning.available.micros(), warning.warn_at.micros());
            (place(&warning), warning.email, available, warn_at)
        });
        shown.collect()
    }

    /// What the store answers.
    pub(crate) async fn answer(&mut self, step: Step) -> Answer {
        let answer = match step {
            Step::Grant { to, micros, key } => self.grant(to, micros, key, step).await,
            Step::Eligible { database, eligible } => {
                let database = DATABASES[database].to_owned();
                self.store().set_eligible(database, eligible).await.map(|()| Answer::Done)
            }
            Step::Warn { name, threshold, addresses } => {
                self.set_warning(name, threshold, addresses).await
            }
            Step::Order { to, hashed, stranger, pack, paid } => {
                let (service, token) = self.account(to);
                let name: AccountName = if hashed { token.key().into() } else { (&token).into() };
                let pack = &self.services[(to.service + usize::from(stranger)) % SERVICES].2[pack];
                let (account, pack) = (name, pack.id);
                let new =
                    NewOrder { service, account, pack, commission: COMMISSION, paid, once: None };
                self.store().create_order(new).await.map(|order| self.ordered(&order))
            }
            Step::Pay { order } => {
                let paid = self.store().pay_order(self.order(order)).await;
                paid.map(|order| self.ordered(&order))
            }
            Step::RefundOrder { order } => {
                let refunded = self.store().refund_order(self.order(order), "why".into()).await;
                refunded.map(|order| self.ordered(&order))
            }
            Step::Authorize { want, once, repeat } => {
                self.authorize(want, once, repeat, step).await
            }
            Step::Capture { target, part } => self.capture(target, part).await,
            Step::Cancel { target } => {
                let (service, hold, _) = self.hold(target);
                self.store().cancel(service, hold).await.map(|()| Answer::Done)
            }
            Step::Release { target, owner, hours } => self.release(target, owner, hours).await,
            Step::Refund { target, part, key } => self.refund(target, part, key, step).await,
            Step::Begin { want, key } => self.begin(want, key, step).await,
            Step::Settle { call, part } => self.settle(call, part).await,
            Step::Recover => {
                self.pass(0).await;
                self.store().recover_calls().await.map(Answer::Recovered)
            }
            Step::Expire | Step::Again { .. } => {
                self.store().expire_holds().await.map(|()| Answer::Done)
            }
            Step::Pass { hours } => {
                self.pass(hours * HOUR_MICROS).await;
                Ok(Answer::Done)
            }
        };
        answer.unwrap_or_else(|error| match error {
            Error::Refused(refusal) => Answer::Refused(refusal),
            Error::NotFound(_) => Answer::NotFound,
            Error::IdempotencyConflict => Answer::KeyReused,
            other => panic!("{step:?} fails: {other}"),
        })
    }

    /// Closes the store, sets its last instant ahead and opens it again.
    async fn pass(&mut self, micros: i64) {
        self.store = None;
        let sql = "UPDATE instance SET last_instant = ";
        self.store = Some(match &self.place {
            Where::Memory => panic!("no time passes in memory"),
            Where::File(directory) => {
                let sql = format!("{sql} last_instant + {micros}");
                beside(directory.path()).execute(&sql, []).expect("time passes");
                open(directory.path())
            }
            Where::Postgres(server) => {
                let last = "greatest(last_instant, (SELECT max(last_instant) FROM host))";
                server.sql(&format!("{sql} {last} + {micros}"));
                connect(server).await
            }
        });
    }

    async fn grant(
        &self,
        to: Place,
        micros: i64,
        key: Option<u8>,
        step: Step,
    ) -> Result<Answer, Error> {
        let (service, token) = self.account(to);
        let once = key.map(|key| keyed("grant", key, &step.request(None)));
        let balance = self.store().grant(service, &token, credits(micros), "why".into(), once);
        balance.await.map(|balance| Answer::Balance(balance.micros()))
    }

    async fn set_warning(
        &self,
        name: usize,
        threshold: Option<i64>,
        addresses: Option<usize>,
    ) -> Result<Answer, Error> {
        let address = |email: &&str| Address { email: (*email).into(), lang: "en_US".into() };
        let addresses = addresses.map(|which| ADDRESSES[which].iter().map(address).collect());
        let change = WarningSettings { threshold: threshold.map(credits), addresses };
        let set = self.store().set_warning(token(NAMES[name]).key(), change).await;
        set.map(|()| Answer::Done)
    }

    /// The orders of an account that wait for their payment, in the words of the model.
    pub(crate) async fn pending_orders(&self, place: Place) -> Vec<usize> {
        let (service, token) = self.account(place);
        let pending = self.store().pending_orders(service, token.key(), 1_000).await;
        let known = pending.expect("they are read").into_iter().map(|order| {
            self.orders.iter().position(|known| *known == order.id).expect("a known order")
        });
        known.collect()
    }

    fn order(&self, order: Pick) -> OrderId {
        let order = order.among(self.orders.len()).map(|order| self.orders[order]);
        order.unwrap_or(OrderId(uuid::Uuid::nil()))
    }

    fn ordered(&mut self, order: &Order) -> Answer {
        let known = self.orders.iter().position(|known| *known == order.id);
        let position = known.unwrap_or_else(|| {
            self.orders.push(order.id);
            self.orders.len() - 1
        });
        Answer::Order {
            order: position,
            status: order.status.as_str(),
            balance: order.balance.micros(),
            operator: order.commission.operator.0,
            provider: order.commission.provider.0,
        }
    }
}

/// A key for repeats. The fingerprint tells one request from another, as a digest of it would.
fn keyed(kind: &str, key: u8, request: &str) -> Once {
    once(&format!("{kind} {key}"), &hash(request))
}

/// A digest of the request with this number.
fn digest(number: u8, request: &str) -> RequestDigest {
    once(&format!("{number} {}", hash(request)), "").key
}

fn hash(request: &str) -> String {
    let mut hasher = DefaultHasher::new();
    request.hash(&mut hasher);
    hasher.finish().to_string()
}
