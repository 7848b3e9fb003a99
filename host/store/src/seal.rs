//! Seals: what a row says for ever, in eight bytes.
//!
//! An amount that nothing else repeats (of a hold that was cancelled, of an order that waits) could
//! be altered without a trace. So such a row carries a digest of its terms from the start, which
//! `ledger verify` computes again. It is no signature: whoever can write the database and knows this
//! file can make one. It finds mistakes, of people and of disks.

use sha2::{Digest, Sha256};

use crate::db::Value;

/// A seal in the making. The terms are added in a fixed order; each is told from its neighbours by
/// its kind and its length.
pub(crate) struct Seal(Sha256);

impl Seal {
    /// Of a row of this kind.
    pub(crate) fn of(kind: &str) -> Self {
        Self(Sha256::new()).text(Some(kind))
    }

    /// Adds a number.
    pub(crate) fn number(mut self, number: i64) -> Self {
        self.0.update(b"i");
        self.0.update(number.to_be_bytes());
        self
    }

    /// Adds bytes.
    pub(crate) fn bytes(self, bytes: &[u8]) -> Self {
        self.part(b"b", bytes)
    }

    /// Adds a text, or that there is none.
    pub(crate) fn text(self, text: Option<&str>) -> Self {
        match text {
            Some(text) => self.part(b"t", text.as_bytes()),
            None => self.part(b"n", b""),
        }
    }

    /// Adds a term as it stands in a row.
    pub(crate) fn term(self, term: Value<'_>) -> Self {
        match term {
            Value::Number(number) => self.number(number),
            Value::Bytes(bytes) => self.bytes(bytes),
            Value::Text(text) => self.text(Some(text)),
            Value::Null => self.text(None),
        }
    }

    /// The seal.
    pub(crate) fn value(self) -> i64 {
        let digest: [u8; 32] = self.0.finalize().into();
        i64::from_be_bytes(digest.first_chunk().copied().unwrap_or_default())
    }

    fn part(mut self, kind: &[u8], bytes: &[u8]) -> Self {
        self.0.update(kind);
        self.0.update((bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
        self
    }
}
