//! API tokens: how callers get in.

use stokehold_ledger::TokenId;
use stokehold_store::{ApiToken, Error as StoreError, Role};

use crate::app::App;
use crate::caller::Caller;
use crate::error::Error;
use crate::secret::Secret;

/// The name of the token that the first start makes.
const FIRST_TOKEN: &str = "first operator";

impl App {
    /// Who bears this token; `None` for one that is unknown or revoked.
    pub async fn authenticate(&self, token: &Secret) -> Result<Option<Caller>, Error> {
        let found = self.store.token(token.hash()).await?;
        Ok(found.as_ref().map(Caller::of))
    }

    /// Makes sure that an operator can get in: `given` becomes an operator's token, and where none
    /// is given and none is there a random one is made. Answers one that nobody knows yet.
    pub async fn ensure_operator(&self, given: Option<Secret>) -> Result<Option<Secret>, Error> {
        let tokens = self.store.tokens().await?;
        let known = tokens.iter().any(|token| token.role == Role::Operator);
        match given {
            Some(given) => {
                let hash = given.hash();
                if self.store.token(hash).await?.is_some() {
                    return Ok(None);
                }
                let name = FIRST_TOKEN.to_owned();
                match self.store.create_token(Role::Operator, name, hash).await {
                    Ok(_) => Ok(None),
                    // Another host that starts at this moment was quicker.
                    Err(StoreError::Taken(_)) if self.store.token(hash).await?.is_some() => {
                        Ok(None)
                    }
                    Err(StoreError::Taken(_)) => Err(Error::Conflict(
                        "the operator's token was revoked: choose another".into(),
                    )),
                    Err(error) => Err(error.into()),
                }
            }
            None if known => Ok(None),
            None => {
                let token = Secret::api_token().map_err(|error| Error::Host(error.to_string()))?;
                let name = FIRST_TOKEN.to_owned();
                self.store.create_token(Role::Operator, name, token.hash()).await?;
                Ok(Some(token))
            }
        }
    }

    /// Makes a token. Its text is in the answer and nowhere else.
    pub async fn create_token(
        &self,
        caller: Caller,
        role: Role,
        name: String,
    ) -> Result<(ApiToken, Secret), Error> {
        caller.check_operator()?;
        if name.trim().is_empty() || name.len() > 100 {
            return Err(Error::invalid("name has to have 1 to 100 characters"));
        }
        let token = Secret::api_token().map_err(|error| Error::Host(error.to_string()))?;
        let row = self.store.create_token(role, name, token.hash()).await?;
        Ok((row, token))
    }

    /// All tokens that work.
    pub async fn tokens(&self, caller: Caller) -> Result<Vec<ApiToken>, Error> {
        caller.check_operator()?;
        Ok(self.store.tokens().await?)
    }

    /// Revokes a token. It stops working at once.
    pub async fn revoke_token(&self, caller: Caller, id: TokenId) -> Result<(), Error> {
        caller.check_operator()?;
        Ok(self.store.revoke_token(id).await?)
    }

    /// Whether nothing was ever put on this host.
    pub fn is_empty(&self) -> bool {
        self.catalogue.is_empty()
    }
}
