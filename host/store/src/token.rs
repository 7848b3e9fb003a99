//! API tokens of the management API.

use stokehold_ledger::{Timestamp, TokenId};

use crate::db::{Row, values};
use crate::error::Error;
use crate::store::Store;

/// What a token's bearer may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Everything.
    Operator,
    /// Make services and manage those that it made.
    Provider,
    /// Buy packs.
    Client,
}

/// A token, without its secret: only a hash of that is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiToken {
    /// Which token this is.
    pub id: TokenId,
    /// What its bearer may do.
    pub role: Role,
    /// Whose it is, in words.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Role {
    /// The role's name in the API and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Provider => "provider",
            Self::Client => "client",
        }
    }

    /// The role of this name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Operator, Self::Provider, Self::Client]
            .into_iter()
            .find(|role| role.as_str() == name)
    }
}

impl Store {
    /// Adds a token. `hash` is the SHA-256 of its text, which no other token has or has had.
    pub async fn create_token(
        &self,
        role: Role,
        name: String,
        hash: [u8; 32],
    ) -> Result<ApiToken, Error> {
        self.write(move |db, now| {
            let known = "SELECT 1 FROM api_token WHERE hash = ?1";
            if db.exists(known, values![&hash])? {
                return Err(Error::Taken("token"));
            }
            let id = db.insert(
                "INSERT INTO api_token (role, name, hash, created_at) VALUES (?1, ?2, ?3, ?4)",
                values![role.as_str(), &name, &hash, now.0],
            )?;
            Ok(ApiToken { id: TokenId(id), role, name: name.clone(), created_at: now })
        })
        .await
    }

    /// The token with this hash, unless it was revoked.
    pub async fn token(&self, hash: [u8; 32]) -> Result<Option<ApiToken>, Error> {
        self.read(move |db| {
            let sql = "SELECT id, role, name, created_at FROM api_token \
                       WHERE hash = ?1 AND revoked_at IS NULL";
            db.find(sql, values![&hash], token)
        })
        .await
    }

    /// All tokens that were not revoked, the oldest first.
    pub async fn tokens(&self) -> Result<Vec<ApiToken>, Error> {
        self.read(|db| {
            let sql = "SELECT id, role, name, created_at FROM api_token \
                       WHERE revoked_at IS NULL ORDER BY id";
            db.query(sql, &[], token)
        })
        .await
    }

    /// Revokes a token: it stops working at once.
    pub async fn revoke_token(&self, id: TokenId) -> Result<(), Error> {
        self.write(move |db, now| {
            let revoked = db.execute(
                "UPDATE api_token SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL",
                values![id.0, now.0],
            )?;
            if revoked == 0 { Err(Error::NotFound("token")) } else { Ok(()) }
        })
        .await
    }
}

fn token(row: Row<'_>) -> Result<ApiToken, Error> {
    Ok(ApiToken {
        id: TokenId(row.get(0)?),
        role: row.known(1, Role::parse)?,
        name: row.get(2)?,
        created_at: Timestamp(row.get(3)?),
    })
}
