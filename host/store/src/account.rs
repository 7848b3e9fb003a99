//! Accounts: balances and grants.

use stokehold_ledger::{
    Account, AccountId, AccountKey, AccountName, AccountToken, Command, Credits, Decision, Refusal,
    Rows, ServiceId, Source, Timestamp, decide,
};

use crate::db::{Db, values};
use crate::error::Error;
use crate::posting::{Cause, Chain, apply};
use crate::replay::{self, Once};
use crate::row::{self, ACCOUNT, ACCOUNTS};
use crate::store::Store;

/// An account as its row has it.
#[derive(Clone, Copy)]
pub(crate) struct AccountRow {
    pub(crate) account: Account,
    /// Its postings.
    pub(crate) chain: Chain,
}

/// An account as its owner sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountView {
    /// All that was granted less all that was captured.
    pub balance: Credits,
    /// What open holds have set aside.
    pub held: Credits,
    /// What a new hold may take: the balance less what is held.
    pub available: Credits,
}

impl Store {
    /// The account with this key, or `None` where nothing ever made one.
    pub async fn account(
        &self,
        service: ServiceId,
        key: AccountKey,
    ) -> Result<Option<AccountView>, Error> {
        let now = self.now();
        self.read(move |db| {
            let Some(account) = load_account(db, service, key)? else { return Ok(None) };
            let due = held_but_due(db, &account, now)?;
            let held = account.held.checked_sub(due).unwrap_or(Credits::ZERO);
            let account = Account { held, ..account };
            Ok(Some(AccountView {
                balance: account.balance,
                held: account.held,
                available: account.available(),
            }))
        })
        .await
    }

    /// Gives `amount` credits to the account and answers its new balance. Makes the account where
    /// there is none.
    pub async fn grant(
        &self,
        service: ServiceId,
        token: &AccountToken,
        amount: Credits,
        reason: String,
        once: Option<Once>,
    ) -> Result<Credits, Error> {
        let name = AccountName::from(token);
        self.write(move |db, now| {
            if let Some(micros) = replay::find(db, once.as_ref(), now)? {
                return Ok(Credits::from_micros(micros));
            }
            let cause = Cause { reason: Some(&reason), ..Cause::default() };
            let account = ensure_account(db, service, &name, now)?;
            let account = grant(db, &account, (amount, Source::Gift), cause, now)?;
            if let Some(once) = &once {
                replay::keep(db, once, &account.balance.micros().to_string(), now)?;
            }
            Ok(account.balance)
        })
        .await
    }
}

/// The account of this name; a new one, with nothing on it, where there is none. The placeholder
/// that many databases share names no account.
pub(crate) fn ensure_account(
    db: Db<'_>,
    service: ServiceId,
    name: &AccountName,
    now: Timestamp,
) -> Result<Account, Error> {
    if name.is_placeholder() {
        return Err(Refusal::UnknownAccount.into());
    }
    db.execute(
        "INSERT INTO account (service_id, key, token, created_at) \
         VALUES (?1, ?2, ?3, ?4) ON CONFLICT (key, service_id) DO UPDATE \
         SET token = excluded.token WHERE account.token IS NULL AND excluded.token IS NOT NULL",
        values![service.0, &name.key.0, name.token.as_deref(), now.0],
    )?;
    db.execute(
        "INSERT INTO account_balance (account_id, balance, held, posting_count) \
         SELECT id, 0, 0, 0 FROM account WHERE key = ?2 AND service_id = ?1 ON CONFLICT DO NOTHING",
        values![service.0, &name.key.0],
    )?;
    load_account(db, service, name.key)?.ok_or(Error::NotFound("account"))
}

/// Adds credits to an account, inside a write.
pub(crate) fn grant(
    db: Db<'_>,
    account: &Account,
    (amount, source): (Credits, Source),
    cause: Cause<'_>,
    now: Timestamp,
) -> Result<Account, Error> {
    let rows = Rows { account: Some(account), ..Rows::default() };
    match decide(rows, &Command::Grant { amount, source }, now)? {
        Decision::Change(change) => {
            apply(db, account, &change, cause, now)?;
            Ok(change.account)
        }
        Decision::Already(_) => Ok(*account),
    }
}

pub(crate) fn load_account(
    db: Db<'_>,
    service: ServiceId,
    key: AccountKey,
) -> Result<Option<Account>, Error> {
    Ok(load_row(db, service, key)?.map(|row| row.account))
}

pub(crate) fn load_account_by_id(db: Db<'_>, id: AccountId) -> Result<Option<Account>, Error> {
    Ok(load_row_by_id(db, id)?.map(|row| row.account))
}

pub(crate) fn load_row(
    db: Db<'_>,
    service: ServiceId,
    key: AccountKey,
) -> Result<Option<AccountRow>, Error> {
    let lock = db.for_update();
    let sql = format!("SELECT {ACCOUNT} FROM {ACCOUNTS} WHERE key = ?2 AND service_id = ?1{lock}");
    db.find(&sql, values![service.0, &key.0], row::account)
}

pub(crate) fn load_row_by_id(db: Db<'_>, id: AccountId) -> Result<Option<AccountRow>, Error> {
    let sql = format!("SELECT {ACCOUNT} FROM {ACCOUNTS} WHERE account.id = ?1{}", db.for_update());
    db.find(&sql, values![id.0], row::account)
}

/// What holds have set aside although their time is over and no write has come by since. There are
/// few of those, and the index of what is due finds them: naming the service would have SQLite look
/// through all that are open.
fn held_but_due(db: Db<'_>, account: &Account, now: Timestamp) -> Result<Credits, Error> {
    db.one(
        "SELECT CAST(coalesce(sum(amount), 0) AS bigint) FROM hold \
         WHERE state = 0 AND account_id = ?1 AND expires_at <= ?2",
        values![account.id.0, now.0],
        |row| row::credits(row, 0),
    )
}
