//! What the tests put into a store: services, packs, versions, calls.

use std::path::Path;
use std::sync::{PoisonError, RwLock};

use rusqlite::Connection;
use stokehold_ledger::{
    AccountToken, BasisPoints, CallId, Cents, Credits, HoldId, ServiceId, Span, Timestamp,
    VersionId,
};
use stokehold_store::{
    AccountView, DatabaseAddress, Mode, NewCall, NewHold, NewOrder, NewPack, NewService,
    NewVersion, Once, OpenError, Order, Pack, Page, ServiceStatus, Spent, Store,
};
use stokehold_tests::postgres::Postgres;
use uuid::Uuid;

/// The secret of every store made here.
pub(crate) const SEED: [u8; 32] = [7; 32];

/// Longer than any test: a hold with this much time stays open.
pub(crate) const LONG: Span = Span::MAX;

/// The operator's share of every order: 25 %.
pub(crate) const COMMISSION: BasisPoints = match BasisPoints::new(2_500) {
    Some(share) => share,
    None => BasisPoints::WHOLE,
};

/// Held while a process is started. Until that runs its own program it has every file of this one
/// open, and with them the locks of stores that were closed in between.
pub(crate) static STARTING: RwLock<()> = RwLock::new(());

pub(crate) fn open(directory: &Path) -> Store {
    try_open(directory, Mode::Sandbox, SEED).expect("a store opens")
}

pub(crate) fn try_open(directory: &Path, mode: Mode, seed: [u8; 32]) -> Result<Store, OpenError> {
    let _no_process_starts = STARTING.read().unwrap_or_else(PoisonError::into_inner);
    Store::open(directory, mode, seed)
}

/// Opens the store on a server of PostgreSQL's.
pub(crate) async fn connect(server: &Postgres) -> Store {
    try_connect(&server.url(), Mode::Sandbox).await.expect("a store opens")
}

pub(crate) async fn try_connect(url: &str, mode: Mode) -> Result<Store, OpenError> {
    let address: DatabaseAddress = url.parse().expect("an address");
    let connecting = move || Store::connect(&address, mode, SEED);
    tokio::task::spawn_blocking(connecting).await.expect("no panic")
}

/// A connection beside the store, to look at its rows or to alter them.
pub(crate) fn beside(directory: &Path) -> Connection {
    Connection::open(directory.join("stokehold.db")).expect("the database opens")
}

pub(crate) fn credits(micros: i64) -> Credits {
    Credits::from_micros(micros)
}

pub(crate) fn token(text: &str) -> AccountToken {
    text.parse().expect("an account token")
}

pub(crate) async fn service(store: &Store, name: &str) -> ServiceId {
    service_with_trial(store, name, 0).await
}

pub(crate) async fn service_with_trial(store: &Store, name: &str, micros: i64) -> ServiceId {
    let new = NewService {
        name: name.into(),
        label: name.to_uppercase(),
        unit: "Credits".into(),
        description: String::new(),
        privacy_policy: String::new(),
        trial_credits: credits(micros),
        commission: COMMISSION,
        status: ServiceStatus::Active,
        key_hash: bytes(name),
        owner: None,
    };
    store.create_service(new).await.expect("a service").id
}

pub(crate) async fn pack(store: &Store, service: ServiceId, micros: i64, cents: i64) -> Pack {
    let new = NewPack {
        name: format!("{micros} for {cents}"),
        description: String::new(),
        credits: credits(micros),
        price: Cents(cents),
    };
    store.create_pack(service, new).await.expect("a pack")
}

pub(crate) async fn version(store: &Store, service: ServiceId) -> VersionId {
    let new = NewVersion {
        digest: "d1".into(),
        component: vec![0, 97, 115, 109],
        manifest: String::new(),
        credit_template: String::new(),
    };
    store.create_version(service, new, true).await.expect("a version").id
}

/// A hold that is to be made, and stays open.
pub(crate) fn new_hold(service: ServiceId, account: &AccountToken, micros: i64) -> NewHold {
    NewHold {
        service,
        token: account.clone(),
        amount: credits(micros),
        ttl: LONG,
        description: None,
        dbuuid: None,
        once: None,
        request: None,
    }
}

pub(crate) async fn hold(
    store: &Store,
    service: ServiceId,
    account: &AccountToken,
    micros: i64,
) -> HoldId {
    store.authorize(new_hold(service, account, micros)).await.expect("a hold")
}

/// A paid order.
pub(crate) async fn buy(store: &Store, account: &AccountToken, pack: &Pack) -> Order {
    store.create_order(new_order(account, pack, true)).await.expect("an order")
}

pub(crate) fn new_order(account: &AccountToken, pack: &Pack, paid: bool) -> NewOrder {
    let (service, account, pack) = (pack.service, account.into(), pack.id);
    NewOrder { service, account, pack, commission: COMMISSION, paid, once: None }
}

/// A key for repeats, of a request with this fingerprint.
pub(crate) fn once(key: &str, fingerprint: &str) -> Once {
    Once { key: bytes(key), fingerprint: bytes(fingerprint) }
}

/// The text itself where a digest of it is asked for: what tests say differs from the start.
fn bytes(text: &str) -> [u8; 32] {
    let mut bytes = [0; 32];
    let length = text.len().min(32);
    bytes[..length].copy_from_slice(&text.as_bytes()[..length]);
    bytes
}

/// A call that is about to run, for at most `micros`.
pub(crate) fn new_call(
    service: ServiceId,
    version: VersionId,
    account: &AccountToken,
    micros: i64,
) -> NewCall {
    NewCall {
        id: CallId(Uuid::now_v7()),
        service,
        version,
        account_token: account.clone(),
        dbuuid: None,
        route: "roll".into(),
        client_id: String::new(),
        params_digest: String::new(),
        queued: None,
        day_max: None,
        price_list: "1".into(),
        fuel_bought: 1_000,
        credits: credits(micros),
        ttl: LONG,
        description: Some("Coal".into()),
    }
}

pub(crate) fn spent(outcome: &str) -> Spent {
    Spent {
        outcome: outcome.into(),
        result: None,
        result_digest: None,
        error: None,
        log: String::new(),
        fuel_used: 900,
        host_calls: "{}".into(),
        memory_peak_bytes: 65_536,
        duration_ms: 3,
    }
}

pub(crate) async fn give(store: &Store, service: ServiceId, account: &AccountToken, micros: i64) {
    let reason = "a gift".to_owned();
    store.grant(service, account, credits(micros), reason, None).await.expect("a grant");
}

/// Balance, held and available, in micro-credits.
pub(crate) async fn view(
    store: &Store,
    service: ServiceId,
    account: &AccountToken,
) -> Option<[i64; 3]> {
    let view = store.account(service, account.key()).await.expect("the account is read");
    view.map(|AccountView { balance, held, available }| {
        [balance.micros(), held.micros(), available.micros()]
    })
}

/// All lines of a statement up to `until`, fetched in pages of three.
pub(crate) async fn statement(
    store: &Store,
    service: ServiceId,
    account: &AccountToken,
    until: Timestamp,
) -> Vec<Page> {
    let mut pages = Vec::new();
    let mut after = Some(0);
    while let Some(start) = after {
        let page = store.statement(service, account.key(), start, until, 3).await;
        let page = page.expect("the statement is read").expect("there is an account");
        after = page.next;
        pages.push(page);
    }
    pages
}

pub(crate) async fn assert_clean(store: &Store) {
    assert_eq!(store.verify().await.expect("verify runs"), []);
}
