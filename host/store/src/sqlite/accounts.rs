//! Accounts that operations have asked for, in memory.
//!
//! An account that is paid with is paid with again. Nobody but the writer changes one, so what it has
//! read or written it need not read again, but for what cold writes have changed.

use std::collections::HashMap;
use std::mem;

use stokehold_ledger::{AccountId, AccountKey, ServiceId};

use crate::account::{AccountRow, load_row, load_row_by_id};
use crate::db::Db;
use crate::error::Error;
use crate::posting::{WRITE_ACCOUNT, write_account};

/// How many are kept at the most, unless somebody says otherwise. So many just fill tables of 2^18
/// places, which are of 32 MB.
pub(super) const ACCOUNTS_MAX: usize = (1 << 18) / 8 * 7;

/// See the module.
pub(super) struct Accounts {
    /// How many are kept at the most. Beyond it all of them are read again.
    max: usize,
    /// As the last transaction has left them.
    rows: HashMap<AccountId, AccountRow>,
    names: HashMap<(ServiceId, AccountKey), AccountId>,
    /// What the transaction that is under way has changed.
    changed: Vec<AccountRow>,
}

impl Accounts {
    /// None yet, and `max` at the most.
    pub(super) fn new(max: usize) -> Self {
        Self { max, rows: HashMap::new(), names: HashMap::new(), changed: Vec::new() }
    }

    /// How many are kept at the most.
    pub(super) fn max(&self) -> usize {
        self.max
    }

    /// The account of this name.
    pub(super) fn named(
        &mut self,
        db: Db<'_>,
        service: ServiceId,
        key: AccountKey,
    ) -> Result<Option<AccountRow>, Error> {
        if let Some(id) = self.names.get(&(service, key)) {
            return self.find(db, *id);
        }
        let Some(read) = load_row(db, service, key)? else { return Ok(None) };
        self.names.insert((service, key), read.account.id);
        Ok(Some(*self.rows.entry(read.account.id).or_insert(read)))
    }

    /// The account with this id.
    pub(super) fn find(&mut self, db: Db<'_>, id: AccountId) -> Result<Option<AccountRow>, Error> {
        if let Some(row) = self.rows.get(&id) {
            return Ok(Some(*row));
        }
        let read = load_row_by_id(db, id)?;
        self.rows.extend(read.map(|row| (id, row)));
        Ok(read)
    }

    /// Writes the rows that operations have changed. They count once the transaction is
    /// [`Self::settled`].
    pub(super) fn write(&mut self, db: Db<'_>, mut rows: Vec<AccountRow>) -> Result<(), Error> {
        // In the order of the table: neighbours stand on one page.
        rows.sort_unstable_by_key(|row| row.account.id.0);
        db.for_each(WRITE_ACCOUNT, &rows, write_account)?;
        self.changed = rows;
        Ok(())
    }

    /// Forgets what is known of this account, for a cold write has changed it since.
    pub(super) fn forget(&mut self, id: AccountId) {
        self.rows.remove(&id);
        self.changed.retain(|row| row.account.id != id);
    }

    /// The transaction took place.
    pub(super) fn settled(&mut self) {
        let changed = mem::take(&mut self.changed);
        if self.rows.len() > self.max {
            self.rows.clear();
            self.names.clear();
        } else {
            self.rows.extend(changed.into_iter().map(|row| (row.account.id, row)));
        }
    }

    /// The transaction did not take place.
    pub(super) fn undone(&mut self) {
        self.changed.clear();
    }
}
