//! Accounts: grants, balances, statements.

use stokehold_ledger::{AccountKey, AccountToken, Credits, Timestamp};
use stokehold_store::{AccountView, Page};

use crate::app::App;
use crate::caller::Caller;
use crate::error::Error;
use crate::once::once;
use crate::order::check_account;

/// Credits to be given.
#[derive(Clone, Debug)]
pub struct GrantRequest {
    /// How many.
    pub credits: Credits,
    /// Why, in words for the client's statement.
    pub reason: String,
    /// Chosen by the caller: the same key grants once.
    pub idempotency_key: Option<String>,
}

/// The longest reason of a grant, in bytes.
const REASON_LENGTH_MAX: usize = 500;

impl App {
    /// Gives credits to an account, and answers its new balance.
    pub async fn grant(
        &self,
        caller: Caller,
        service: &str,
        token: &AccountToken,
        request: GrantRequest,
    ) -> Result<Credits, Error> {
        let live = self.managed(caller, service)?;
        check_account(&token.into())?;
        if request.reason.len() > REASON_LENGTH_MAX {
            return Err(Error::invalid(format!(
                "reason can have {REASON_LENGTH_MAX} characters at the most"
            )));
        }
        let micros = request.credits.micros().to_be_bytes();
        let parts = [token.base().as_bytes(), &micros, request.reason.as_bytes()];
        let once = once(live.service.id, "grant", request.idempotency_key.as_deref(), &parts);
        let once = once.map_err(Error::invalid)?;
        let (id, credits) = (live.service.id, request.credits);
        Ok(self.store.grant(id, token, credits, request.reason, once).await?)
    }

    /// An account as its service's provider sees it.
    pub async fn account(
        &self,
        caller: Caller,
        service: &str,
        key: AccountKey,
    ) -> Result<AccountView, Error> {
        let live = self.managed(caller, service)?;
        let account = self.store.account(live.service.id, key).await?;
        account.ok_or(Error::NotFound("account"))
    }

    /// A part of an account's statement: up to `limit` lines after the line `after`, as it stood at
    /// the instant `until`, or now.
    pub async fn statement(
        &self,
        caller: Caller,
        service: &str,
        key: AccountKey,
        (after, limit): (i64, u32),
        until: Option<Timestamp>,
    ) -> Result<Page, Error> {
        let live = self.managed(caller, service)?;
        let until = until.unwrap_or(Timestamp(i64::MAX));
        let page = self.store.statement(live.service.id, key, after, until, limit).await?;
        page.ok_or(Error::NotFound("account"))
    }
}
