//! What a client's side asks of its own accounts: they are named by their token and nothing else.

use stokehold_ledger::{AccountKey, AccountName, Credits, HoldId};
use stokehold_store::{Address, OpenHold, Order, OwnAccount, Pack, Page, Service, WarningSettings};

use crate::app::App;
use crate::error::Error;
use crate::order::check_account;
use crate::sandbox::is_magic;

/// The most addresses that one account warns.
const ADDRESSES_MAX: usize = 20;

/// The longest address, in bytes (RFC 5321, section 4.5.3.1.3).
const ADDRESS_LENGTH_MAX: usize = 254;

/// An account with all that its owner may see.
#[derive(Clone, Debug)]
pub struct Overview {
    /// The service.
    pub service: Service,
    /// What the service has for sale.
    pub packs: Vec<Pack>,
    /// The account; `None` before its first credits.
    pub account: Option<OwnAccount>,
}

/// The most orders of an account that are shown as waiting.
const PENDING_MAX: u32 = 20;

impl Overview {
    /// What was granted less what was captured.
    pub fn balance(&self) -> Credits {
        self.account.as_ref().map_or(Credits::ZERO, |account| account.balance)
    }

    /// What a new hold may take.
    pub fn available(&self) -> Credits {
        self.account.as_ref().map_or(Credits::ZERO, |account| account.available)
    }

    /// What open holds have set aside.
    pub fn held(&self) -> Credits {
        self.balance().checked_sub(self.available()).unwrap_or(Credits::ZERO)
    }

    /// How much less than `needed` is available.
    pub fn missing(&self, needed: Credits) -> Credits {
        let missing = needed.checked_sub(self.available()).unwrap_or(Credits::ZERO);
        missing.max(Credits::ZERO)
    }
}

impl App {
    /// What an account's owner may see of it.
    pub async fn overview(&self, service: &str, key: AccountKey) -> Result<Overview, Error> {
        let live = self.catalogue.by_name(service).ok_or(Error::NotFound("service"))?;
        let packs = self.store.packs(live.service.id).await?;
        let own = self.store.own_accounts(key).await?;
        let account = own.into_iter().find(|account| account.service == service);
        Ok(Overview { service: live.service.clone(), packs, account })
    }

    /// Every account that this key names, with its service.
    pub async fn own_accounts(&self, key: AccountKey) -> Result<Vec<(Service, OwnAccount)>, Error> {
        let own = self.store.own_accounts(key).await?;
        let with_service = own.into_iter().filter_map(|account| {
            let live = self.catalogue.by_name(&account.service)?;
            Some((live.service.clone(), account))
        });
        Ok(with_service.collect())
    }

    /// The services that may be used, by name.
    pub fn catalogue(&self) -> Vec<Service> {
        self.catalogue.active()
    }

    /// The last lines of an account's statement before the line `before`, the newest first. `None`
    /// before its first credits.
    pub async fn own_statement(
        &self,
        service: &str,
        key: AccountKey,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Option<Page>, Error> {
        let live = self.catalogue.by_name(service).ok_or(Error::NotFound("service"))?;
        let before = before.unwrap_or(i64::MAX);
        Ok(self.store.latest(live.service.id, key, before, limit).await?)
    }

    /// The last orders of an account that wait for their payment, the newest first.
    pub async fn own_pending_orders(
        &self,
        service: &str,
        key: AccountKey,
    ) -> Result<Vec<Order>, Error> {
        let live = self.catalogue.by_name(service).ok_or(Error::NotFound("service"))?;
        Ok(self.store.pending_orders(live.service.id, key, PENDING_MAX).await?)
    }

    /// The open holds of an account, the oldest first.
    pub async fn own_holds(
        &self,
        service: &str,
        key: AccountKey,
        after: Option<HoldId>,
        limit: u32,
    ) -> Result<Vec<OpenHold>, Error> {
        let live = self.catalogue.by_name(service).ok_or(Error::NotFound("service"))?;
        Ok(self.store.open_holds(live.service.id, Some(key), after, limit).await?)
    }

    /// Changes when and who is warned that an account runs low.
    pub async fn set_warning(
        &self,
        name: &AccountName,
        change: WarningSettings,
    ) -> Result<(), Error> {
        if is_magic(self.mode(), name) {
            return Ok(());
        }
        check_account(name)?;
        for address in change.addresses.iter().flatten() {
            check_address(address)?;
        }
        if change.addresses.as_ref().is_some_and(|all| all.len() > ADDRESSES_MAX) {
            return Err(Error::invalid(format!("{ADDRESSES_MAX} addresses can be warned")));
        }
        Ok(self.store.set_warning(name.key, change).await?)
    }

    /// Notes when which pack is to be bought.
    pub async fn set_refill(
        &self,
        name: &AccountName,
        threshold: Credits,
        pack: i64,
    ) -> Result<(), Error> {
        if is_magic(self.mode(), name) {
            return Ok(());
        }
        check_account(name)?;
        Ok(self.store.set_refill(name.key, threshold, pack).await?)
    }
}

fn check_address(address: &Address) -> Result<(), Error> {
    let email = &address.email;
    let plain = email.bytes().all(|byte| byte.is_ascii_graphic() && !b",;<>()".contains(&byte));
    let parts = email.rsplit_once('@').is_some_and(|(local, domain)| {
        !local.is_empty() && !domain.is_empty() && !domain.starts_with('.')
    });
    if !plain || !parts || email.len() > ADDRESS_LENGTH_MAX || address.lang.len() > 20 {
        return Err(Error::invalid(format!("{email:?} is no e-mail address")));
    }
    Ok(())
}
