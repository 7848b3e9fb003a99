//! Databases that may have trial credits.

use crate::app::App;
use crate::caller::Caller;
use crate::error::Error;

/// The longest id of a database, in bytes. They are UUIDs.
const DBUUID_LENGTH_MAX: usize = 64;

impl App {
    /// Lets a database have each service's trial credits once, or no longer.
    pub async fn set_eligible(
        &self,
        caller: Caller,
        dbuuid: &str,
        eligible: bool,
    ) -> Result<(), Error> {
        caller.check_operator()?;
        check_dbuuid(dbuuid).map_err(Error::invalid)?;
        Ok(self.store.set_eligible(dbuuid.to_owned(), eligible).await?)
    }
}

/// What is wrong with the id of a database.
pub fn check_dbuuid(dbuuid: &str) -> Result<(), String> {
    let is_plain = dbuuid.bytes().all(|byte| byte.is_ascii_graphic());
    if dbuuid.is_empty() || dbuuid.len() > DBUUID_LENGTH_MAX || !is_plain {
        return Err(format!("a dbuuid has 1 to {DBUUID_LENGTH_MAX} visible ASCII characters"));
    }
    Ok(())
}
