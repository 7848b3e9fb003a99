//! The application: opening, health, closing.

use std::sync::{Arc, Weak};
use std::time::Duration;

use stokehold_ledger::{Span, Timestamp};
use stokehold_runtime::{CacheSettings, Library, Runtime, StartError};
use stokehold_store::{
    DatabaseAddress, Error as StoreError, MemoryMax, Mode, OpenError as StoreOpenError, Store,
};
use thiserror::Error;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use crate::admission::Admission;
use crate::breaker::Breakers;
use crate::call::{Queue, Unsettled};
use crate::catalogue::{Catalogue, Reach};
use crate::config::Config;
use crate::key_value::KeyValues;
use crate::keyring::Keyring;
use crate::machine::{cache_settings, library_settings, network, runtime_settings};
use crate::mail::{self, Mailer};
use crate::secret::{digest, random_bytes};
use crate::vault::{KeyPlace, Vault, VaultError};

/// How often holds are expired when nobody writes. It is also what keeps a host's lease up.
const SWEEP_PERIOD: Duration = Duration::from_secs(1);

/// How often a host looks for changes of services that another has made.
const FOLLOW_PERIOD: Duration = Duration::from_millis(400);
/// How often results and logs are dropped that are kept no longer.
const CALLS_SWEEP_PERIOD: Duration = Duration::from_mins(1);

/// Everything a host does, on one store and one runtime.
pub struct App {
    pub(crate) config: Config,
    pub(crate) store: Arc<Store>,
    pub(crate) runtime: Runtime,
    pub(crate) library: Library,
    pub(crate) catalogue: Catalogue,
    pub(crate) admission: Admission,
    pub(crate) breakers: Breakers,
    pub(crate) queue: Queue,
    pub(crate) unsettled: Unsettled,
    pub(crate) keyring: Keyring,
    pub(crate) vault: Vault,
    pub(crate) mailer: Mailer,
    /// Changes whenever a call ends: who waits for a call to end looks again.
    pub(crate) ended: watch::Sender<()>,
    /// Turns true when calls that still run have to end.
    pub(crate) stopping: watch::Sender<bool>,
}

/// Why a host cannot start.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The settings are wrong.
    #[error("the configuration is not valid: {}", .0.join("; "))]
    Config(Vec<String>),
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreOpenError),
    /// The store was opened and cannot be read.
    #[error(transparent)]
    Read(#[from] StoreError),
    /// Guests cannot be run here.
    #[error("the runtime cannot start: {0}")]
    Runtime(#[from] StartError),
    /// The secrets of services cannot be used.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The machine gives no random bytes.
    #[error("no random bytes: {0}")]
    Random(#[from] getrandom::Error),
}

impl App {
    /// Opens a host on the data directory, or the PostgreSQL database, that the configuration names.
    pub async fn open(config: Config) -> Result<Arc<Self>, OpenError> {
        let mode = if config.store.sandbox { Mode::Sandbox } else { Mode::Production };
        check(&config)?;
        let store = match config.store.address().map_err(|why| OpenError::Config(vec![why]))? {
            None => {
                let settings = &config.store;
                let max = MemoryMax {
                    requests: settings.requests_max,
                    accounts: settings.accounts_kept_max,
                };
                Store::open_with(&settings.data, mode, random_bytes()?, max)?
            }
            Some(address) => connect(address, mode).await?,
        };
        let secret = digest(&[store.secret(), b"machine code"]);
        let (key, cache) = (KeyPlace::of(&config), cache_settings(&config, secret));
        Self::start(config, store, Some(cache), key).await
    }

    /// Opens a host on a store in memory, gone when it is dropped. It is a sandbox. Machine code
    /// is kept in `cache`.
    pub async fn in_memory(
        config: Config,
        cache: Option<CacheSettings>,
    ) -> Result<Arc<Self>, OpenError> {
        check(&config)?;
        let store = Store::in_memory(Mode::Sandbox, random_bytes()?)?;
        Self::start(config, store, cache, KeyPlace::Memory).await
    }

    /// `cache` is where machine code is kept; without one it is not.
    async fn start(
        config: Config,
        store: Store,
        cache: Option<CacheSettings>,
        key_place: KeyPlace,
    ) -> Result<Arc<Self>, OpenError> {
        let runtime = Runtime::new(&runtime_settings(&config))?;
        let library = Library::open(runtime.clone(), library_settings(&config, cache))?;
        let store = Arc::new(store);
        let key_values = KeyValues::new(store.clone(), config.calls.key_value_max());
        let reach = Reach::new(network(&config), key_values);
        let catalogue = Catalogue::load(&store, reach).await?;
        let admission = Admission::new(&config.calls);
        let breakers = Breakers::new(&config.calls, store.suspensions().await?);
        let queue = Queue::new(&config.calls);
        let keyring = Keyring::load(&store, random_bytes()?).await?;
        let vault = Vault::load(&store, key_place).await?;
        let mailer = Mailer::new(&config).map_err(|why| OpenError::Config(vec![why]))?;
        let (stopping, ended) = (watch::Sender::new(false), watch::Sender::new(()));
        let app = Arc::new(Self {
            config,
            store,
            runtime,
            library,
            catalogue,
            admission,
            breakers,
            queue,
            unsettled: Unsettled::default(),
            keyring,
            vault,
            mailer,
            ended,
            stopping,
        });
        // What an earlier start has left, before the first request is taken.
        app.sweep().await?;
        tokio::spawn(sweep(Arc::downgrade(&app)));
        tokio::spawn(follow(Arc::downgrade(&app)));
        tokio::spawn(sweep_calls(Arc::downgrade(&app)));
        tokio::spawn(mail::run(Arc::downgrade(&app)));
        Ok(app)
    }

    /// The settings it was opened with.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Whether money is real.
    pub fn mode(&self) -> Mode {
        self.store.mode()
    }

    /// Whether requests can be served: the store takes writes, and the host is not stopping.
    pub async fn is_ready(&self) -> bool {
        !self.admission.is_closed() && self.store.ping().await.is_ok()
    }

    /// Takes no more calls and begins no more mails, lets those that are under way finish within
    /// `grace`, cancels the rest, and returns when all calls are settled.
    pub async fn drain(&self, grace: Duration) {
        // A mail that takes longer is left in the outbox.
        let mail = tokio::time::timeout(grace, self.mailer.close());
        let (_, ()) = tokio::join!(mail, self.drain_calls(grace));
    }

    async fn drain_calls(&self, grace: Duration) {
        self.admission.close();
        if tokio::time::timeout(grace, self.admission.idle()).await.is_err() {
            tracing::warn!("cancelling the calls that still run");
            self.stopping.send_replace(true);
            self.admission.idle().await;
        }
        if let Err(error) = self.settle_rest().await {
            tracing::error!(%error, "the next start cancels calls that could not be settled");
        }
    }
}

fn check(config: &Config) -> Result<(), OpenError> {
    let faults = config.faults();
    if faults.is_empty() { Ok(()) } else { Err(OpenError::Config(faults)) }
}

/// Waits for a server without keeping others waiting.
async fn connect(address: DatabaseAddress, mode: Mode) -> Result<Store, OpenError> {
    let seed = random_bytes()?;
    let connecting = tokio::task::spawn_blocking(move || Store::connect(&address, mode, seed));
    Ok(connecting.await.map_err(|_| StoreError::Stopped)??)
}

/// Expires holds while nobody writes, and takes over what hosts that are gone have left, for as
/// long as this host is there.
async fn sweep(app: Weak<App>) {
    let mut period = interval(SWEEP_PERIOD);
    period.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        period.tick().await;
        let Some(app) = app.upgrade() else { return };
        match app.sweep().await {
            // Too many writes wait: holds expire before each of them as well.
            Ok(()) | Err(StoreError::Busy) => {}
            Err(StoreError::Stopped) => return,
            Err(error) => tracing::error!(%error, "the store cannot be swept"),
        }
    }
}

/// Follows changes of services that other hosts make, for as long as this host is there.
async fn follow(app: Weak<App>) {
    let mut period = interval(FOLLOW_PERIOD);
    period.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        period.tick().await;
        let Some(app) = app.upgrade() else { return };
        match app.catch_up().await {
            Ok(()) => {}
            Err(StoreError::Stopped) => return,
            Err(error) => tracing::warn!(%error, "changes of services cannot be followed"),
        }
    }
}

impl App {
    async fn catch_up(&self) -> Result<(), StoreError> {
        if let Some(version) = self.catalogue.catch_up(&self.store).await? {
            self.breakers.follow(self.store.suspensions().await?);
            self.vault.refresh(&self.store).await?;
            self.catalogue.caught_up(version);
        }
        Ok(())
    }

    async fn sweep(self: &Arc<Self>) -> Result<(), StoreError> {
        self.settle_rest().await?;
        self.store.expire_holds().await?;
        let cut_off = self.store.recover_calls().await?;
        if cut_off > 0 {
            tracing::warn!(calls = cut_off, "cancelled calls that were cut off");
            self.ended.send_replace(());
        }
        // Who stops begins nothing: the next start goes on, or another host.
        if self.admission.is_closed() {
            return Ok(());
        }
        let waiting = self.work_on().await?;
        if waiting > 0 {
            tracing::info!(calls = waiting, "going on with calls that wait");
        }
        Ok(())
    }
}

/// Drops results and logs of calls that ended long ago, for as long as the host is there.
async fn sweep_calls(app: Weak<App>) {
    let mut period = interval(CALLS_SWEEP_PERIOD);
    loop {
        period.tick().await;
        let Some(app) = app.upgrade() else { return };
        let kept = Span::from_duration(Duration::from_hours(app.config.calls.kept_h.into()));
        let before = Timestamp(app.store.now().0.saturating_sub(kept.micros()));
        loop {
            match app.store.sweep_calls(before).await {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    tracing::warn!(%error, "results cannot be dropped now");
                    break;
                }
            }
        }
    }
}
