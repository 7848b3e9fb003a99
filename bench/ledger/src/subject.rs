//! A store that is measured without a server around it.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use stokehold_ledger::{AccountToken, BasisPoints, Credits, HoldId, ServiceId, Span};
use stokehold_store::{Mode, NewHold, NewService, ServiceStatus, Store};
use tokio::task::{JoinSet, spawn_blocking};

/// What each account gets, in micro-credits: more than any benchmark takes.
const GIVEN: Credits = Credits::from_micros(10_000_000_000_000);
/// What each hold is of, in micro-credits.
const HELD: Credits = Credits::from_micros(10_000);
/// How many accounts are made at once.
const GRANTS_IN_FLIGHT: usize = 1_024;

/// A store with one service and accounts that have credits.
pub(crate) struct Subject {
    pub(crate) store: Store,
    pub(crate) service: ServiceId,
    pub(crate) accounts: Vec<AccountToken>,
}

impl Subject {
    /// A new store on the disk.
    pub(crate) async fn new(directory: &Path, accounts: usize) -> Result<Arc<Self>> {
        Self::of(Store::open(directory, Mode::Production, [7; 32])?, accounts).await
    }

    /// A new store in an empty PostgreSQL database.
    pub(crate) async fn connect(url: String, accounts: usize) -> Result<Arc<Self>> {
        let address = url.parse()?;
        let connecting =
            spawn_blocking(move || Store::connect(&address, Mode::Production, [7; 32]));
        Self::of(connecting.await??, accounts).await
    }

    async fn of(store: Store, accounts: usize) -> Result<Arc<Self>> {
        let service = store.create_service(new_service()).await?.id;
        let accounts = (0..accounts).map(|number| format!("{number:032x}").parse());
        let accounts = accounts.collect::<Result<_, _>>()?;
        let subject = Arc::new(Self { store, service, accounts });
        let mut granting = JoinSet::new();
        for account in subject.accounts.clone() {
            let subject = subject.clone();
            granting.spawn(async move {
                let reason = "a benchmark".to_owned();
                subject.store.grant(subject.service, &account, GIVEN, reason, None).await
            });
            if granting.len() >= GRANTS_IN_FLIGHT {
                granting.join_next().await.context("grants are running")???;
            }
        }
        while let Some(granted) = granting.join_next().await {
            granted??;
        }
        Ok(subject)
    }

    /// An account, chosen at random of the first `accounts`.
    pub(crate) fn account(&self, accounts: usize) -> &AccountToken {
        &self.accounts[fastrand::usize(..accounts)]
    }

    /// Holds a hundredth of a credit; with `repeat`, so that a repeat of it would be recognised.
    pub(crate) async fn authorize(&self, accounts: usize, repeat: bool) -> Result<HoldId> {
        let digest = || std::array::from_fn(|_| fastrand::u8(..));
        let new = NewHold {
            service: self.service,
            token: self.account(accounts).clone(),
            amount: HELD,
            ttl: Span::MAX,
            description: Some("one of a benchmark".into()),
            dbuuid: None,
            once: None,
            request: repeat.then(digest),
        };
        Ok(self.store.authorize(new).await?)
    }

    pub(crate) async fn capture(&self, hold: HoldId) -> Result<()> {
        self.store.capture(self.service, hold, Some(HELD)).await?;
        Ok(())
    }

    pub(crate) async fn cancel(&self, hold: HoldId) -> Result<()> {
        Ok(self.store.cancel(self.service, hold).await?)
    }

    pub(crate) async fn balance(&self) -> Result<()> {
        let account = self.account(self.accounts.len());
        let view = self.store.account(self.service, account.key()).await?;
        view.map(drop).context("the account was made")
    }
}

fn new_service() -> NewService {
    NewService {
        name: "bench".into(),
        label: "Bench".into(),
        unit: "Credits".into(),
        description: String::new(),
        privacy_policy: String::new(),
        trial_credits: Credits::ZERO,
        commission: BasisPoints::WHOLE,
        status: ServiceStatus::Active,
        key_hash: [1; 32],
        owner: None,
    }
}
