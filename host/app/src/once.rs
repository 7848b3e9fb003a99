//! Idempotency keys: what a client chooses, so that a repeat happens once.

use stokehold_ledger::ServiceId;
use stokehold_store::Once;

use crate::secret::digest;

/// The longest idempotency key, in bytes.
const KEY_LENGTH_MAX: usize = 255;

/// The store's key for a client's: keys of different services and kinds of request never meet.
/// `parts` are what a repeat has to have in common. The error is what is wrong with the key.
pub(crate) fn once(
    service: ServiceId,
    kind: &str,
    key: Option<&str>,
    parts: &[impl AsRef<[u8]>],
) -> Result<Option<Once>, String> {
    let Some(key) = key else { return Ok(None) };
    if key.is_empty() || key.len() > KEY_LENGTH_MAX {
        return Err(format!("an idempotency key has to have 1 to {KEY_LENGTH_MAX} characters"));
    }
    let parts: Vec<_> = parts.iter().map(AsRef::as_ref).collect();
    Ok(Some(Once {
        key: digest(&[kind.as_bytes(), &service.0.to_be_bytes(), key.as_bytes()]),
        fingerprint: digest(&parts),
    }))
}
