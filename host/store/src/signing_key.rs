//! The keys that a host signs with. The newest one signs; the public parts of all are kept, for what
//! they have signed stays genuine.

use rusqlite::Row;
use stokehold_ledger::Timestamp;

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
            let mut query = db.prepare_cached(
                "SELECT kid, seed, public, created_at FROM signing_key ORDER BY id DESC",
            )?;
            Ok(query.query_map([], key)?.collect::<Result<_, _>>()?)
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
            let is_first = !db.prepare_cached("SELECT 1 FROM signing_key")?.exists([])?;
            if first && !is_first {
                return Ok(());
            }
            db.execute("UPDATE signing_key SET seed = NULL", [])?;
            db.execute(
                "INSERT INTO signing_key (kid, seed, public, created_at) VALUES (?1, ?2, ?3, ?4)",
                (&kid, seed, public, now.0),
            )?;
            Ok(())
        })
        .await
    }
}

fn key(row: &Row<'_>) -> rusqlite::Result<SigningKey> {
    Ok(SigningKey {
        kid: row.get(0)?,
        seed: row.get(1)?,
        public: row.get(2)?,
        created_at: Timestamp(row.get(3)?),
    })
}
