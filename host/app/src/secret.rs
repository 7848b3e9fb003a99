//! Secrets: service keys and API tokens. They are shown once and stored as hashes.

use std::fmt::{self, Write as _};

use sha2::{Digest, Sha256};

/// A secret text: it does not show itself in logs.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A new service key.
    pub fn service_key() -> Result<Self, getrandom::Error> {
        Self::random("sk_")
    }

    /// A new API token.
    pub fn api_token() -> Result<Self, getrandom::Error> {
        Self::random("st_")
    }

    /// 256 random bits after a prefix by which a leaked one can be recognised.
    fn random(prefix: &str) -> Result<Self, getrandom::Error> {
        Ok(Self(format!("{prefix}{}", hex(&random_bytes()?))))
    }

    /// What is stored of it. A secret of 256 random bits needs no slow hash.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }

    /// The text itself, to be shown once.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

pub(crate) fn random_bytes() -> Result<[u8; 32], getrandom::Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// SHA-256 of a text, as it stands on receipts.
pub(crate) fn sha256(text: &str) -> String {
    hex(&Sha256::digest(text))
}

/// SHA-256 of several parts, kept apart by their lengths.
pub(crate) fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}
