//! The keys that a host signs with. The newest one signs; the public parts of all are kept, for what
//! they have signed stays genuine.

use stokehold_ledger::Timestamp;

use crate::db::{Row, values};
use crate::error::Error;
use crate::store::Store;

/// A key pair, or what is left of one that no longer signs.
#[derive(Clone)]
pub struct SigningKey {
    /// Names the key where something is signed with it.
    pub kid: String,
    /// The private part; `None` once a newer key signs.
    pub seed: Option<[u8; 32]>,
    /// The public part.
    pub public: [u8; 32],
    /// When it was made.
    pub created_at: Timestamp,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

impl Store {
    /// Every key, the newest first.
    pub async fn signing_keys(&self) -> Result<Vec<SigningKey>, Error> {
        self.read(|db| {
            let sql = "SELECT kid, seed, public, created_at FROM signing_key ORDER BY id DESC";
            db.query(sql, &[], key)
        })
        .await
    }

    /// Adds a key, which signs from now on. The private parts of all others are dropped. With
    /// `first`, only where there is none yet: hosts that start at once end up with one key.
    pub async fn add_signing_key(
        &self,
        kid: String,
        seed: [u8; 32],
        public: [u8; 32],
        first: bool,
    ) -> Result<(), Error> {
        self.write(move |db, now| {
            if first && db.exists("SELECT 1 FROM signing_key", &[])? {
                return Ok(());
            }
            db.execute("UPDATE signing_key SET seed = NULL", &[])?;
            db.execute(
                "INSERT INTO signing_key (kid, seed, public, created_at) VALUES (?1, ?2, ?3, ?4)",
                values![&kid, &seed, &public, now.0],
            )
            .map(drop)
        })
        .await
    }
}

fn key(row: Row<'_>) -> Result<SigningKey, Error> {
    Ok(SigningKey {
        kid: row.get(0)?,
        seed: row.get(1)?,
        public: row.get(2)?,
        created_at: Timestamp(row.get(3)?),
    })
}
