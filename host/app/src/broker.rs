//! The broker: authorize, capture, cancel and balance for providers with a server of their own.

use std::sync::Arc;

use stokehold_ledger::{AccountToken, Credits, HoldId, Refusal, Span};
use stokehold_store::{Error as StoreError, NewHold, ServiceStatus};
use thiserror::Error;

use crate::app::App;
use crate::catalogue::Live;
use crate::once::once;
use crate::sandbox::{Magic, is_chargeable, magic};
use crate::secret::{Secret, digest};

/// The sandbox's transaction token for the account that always has enough.
const DUMMY_TRANSACTION: &str = "dummy_transaction";

const MICROS_PER_HOUR: i64 = 3_600 * 1_000_000;

/// What a provider wants to hold.
#[derive(Clone, Debug)]
pub struct Authorization {
    /// The service key.
    pub key: Secret,
    /// Whose credits.
    pub account_token: AccountToken,
    /// How many.
    pub credits: Credits,
    /// How long the hold may stay open. `None`: as long as the host lets holds stay open.
    pub ttl: Option<Span>,
    /// Why the charge exists, in words for the client's statement.
    pub description: Option<String>,
    /// The client's database: an eligible one gets the service's trial credits on its first use.
    pub dbuuid: Option<String>,
    /// Chosen by the provider: a repeat under the same key gets the same answer.
    pub idempotency_key: Option<String>,
    /// The request's own text, where it carries an id: a repeat of it gets the same hold.
    pub request: Option<String>,
}

/// Why the broker says no.
#[derive(Debug, Error)]
pub enum BrokerError {
    /// No service has this key.
    #[error("the service key is not valid")]
    BadKey,
    /// The service may not be used.
    #[error("the service is {}", .0.as_str())]
    NotActive(ServiceStatus),
    /// Not enough credits are available, or there is no such account.
    #[error("not enough credits")]
    Insufficient {
        /// What was asked for.
        needed: Credits,
        /// The service that was to be used, where the key told.
        service: Option<String>,
    },
    /// The idempotency key cannot be one.
    #[error("{0}")]
    BadIdempotencyKey(String),
    /// The idempotency key was used before, for another request.
    #[error("idempotency_conflict: this key was used before for another request")]
    IdempotencyConflict,
    /// The ledger said no.
    #[error(transparent)]
    Refused(Refusal),
    /// The host failed.
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for BrokerError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Refused(refusal) => Self::Refused(refusal),
            StoreError::IdempotencyConflict => Self::IdempotencyConflict,
            error => Self::Store(error),
        }
    }
}

impl Authorization {
    /// What the idempotency key stands for.
    fn parts(&self) -> [Vec<u8>; 4] {
        let ttl = self.ttl.map_or(-1, Span::micros);
        [
            self.account_token.to_string().into_bytes(),
            self.credits.micros().to_be_bytes().to_vec(),
            ttl.to_be_bytes().to_vec(),
            self.description.clone().unwrap_or_default().into_bytes(),
        ]
    }
}

impl App {
    /// Holds credits, and answers the transaction token.
    pub async fn authorize(&self, request: Authorization) -> Result<String, BrokerError> {
        let needed = request.credits;
        match magic(self.mode(), &request.account_token) {
            Some(Magic::Plenty) => return Ok(DUMMY_TRANSACTION.into()),
            Some(Magic::NoAccount | Magic::NoCredits) => {
                return Err(BrokerError::Insufficient { needed, service: None });
            }
            None => {}
        }
        let live = self.service_of(&request.key)?;
        let name = &live.service.name;
        let insufficient = || BrokerError::Insufficient { needed, service: Some(name.clone()) };
        if needed.is_zero() {
            return Err(BrokerError::Refused(Refusal::ZeroAmount));
        }
        if !is_chargeable(&request.account_token) {
            return Err(insufficient());
        }
        let max = Span::from_micros(i64::from(self.config.broker.ttl_hours_max) * MICROS_PER_HOUR);
        let max = max.unwrap_or(Span::MAX);
        let ttl = request.ttl.map_or(max, |ttl| ttl.min(max));
        let id = live.service.id;
        let once = once(id, "authorize", request.idempotency_key.as_deref(), &request.parts());
        let once = once.map_err(BrokerError::BadIdempotencyKey)?;
        let text = request.request.as_ref().map(String::as_bytes);
        let request_digest = text.map(|text| digest(&[b"request", &id.0.to_be_bytes(), text]));
        let new = NewHold {
            service: id,
            token: request.account_token,
            amount: needed,
            ttl,
            description: request.description,
            dbuuid: request.dbuuid,
            once,
            request: request_digest,
        };
        match self.store.authorize(new).await {
            Ok(hold) => Ok(hold.to_string()),
            Err(StoreError::Refused(
                Refusal::UnknownAccount | Refusal::InsufficientCredits { .. },
            )) => Err(insufficient()),
            Err(error) => Err(error.into()),
        }
    }

    /// Captures a hold, whole where `amount` is `None`.
    pub async fn capture(
        &self,
        key: &Secret,
        transaction: &str,
        amount: Option<Credits>,
    ) -> Result<(), BrokerError> {
        let Some((live, hold)) = self.transaction(key, transaction)? else { return Ok(()) };
        self.store.capture(live.service.id, hold, amount).await?;
        Ok(())
    }

    /// Cancels a hold.
    pub async fn cancel(&self, key: &Secret, transaction: &str) -> Result<(), BrokerError> {
        let Some((live, hold)) = self.transaction(key, transaction)? else { return Ok(()) };
        Ok(self.store.cancel(live.service.id, hold).await?)
    }

    /// What is available on an account: zero for one that nobody has made.
    pub async fn balance(
        &self,
        service: &str,
        token: &AccountToken,
    ) -> Result<Credits, BrokerError> {
        if magic(self.mode(), token) == Some(Magic::Plenty) {
            return Ok(Credits::OPERATION_MAX);
        }
        let Some(live) = self.catalogue.by_name(service) else { return Ok(Credits::ZERO) };
        let account = self.store.account(live.service.id, token.key()).await?;
        Ok(account.map_or(Credits::ZERO, |account| account.available))
    }

    /// The service of a key, if it may be used.
    fn service_of(&self, key: &Secret) -> Result<Arc<Live>, BrokerError> {
        let live = self.catalogue.by_key(&key.hash()).ok_or(BrokerError::BadKey)?;
        match live.service.status {
            ServiceStatus::Active => Ok(live),
            status => Err(BrokerError::NotActive(status)),
        }
    }

    /// What a transaction token stands for; `None` for the sandbox's dummy. A service that was
    /// suspended can still end what it has begun.
    fn transaction(
        &self,
        key: &Secret,
        transaction: &str,
    ) -> Result<Option<(Arc<Live>, HoldId)>, BrokerError> {
        if transaction == DUMMY_TRANSACTION && self.config.store.sandbox {
            return Ok(None);
        }
        let live = self.catalogue.by_key(&key.hash()).ok_or(BrokerError::BadKey)?;
        let hold = transaction.parse();
        let hold = hold.map_err(|_| BrokerError::Refused(Refusal::UnknownHold))?;
        Ok(Some((live, hold)))
    }
}
