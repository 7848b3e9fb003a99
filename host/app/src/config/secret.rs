//! Settings that are secrets: never shown, and read from files where that is wanted.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::secret::Secret;

#[expect(clippy::ref_option, reason = "serde gives the field as it is")]
pub(super) fn redacted<S: Serializer>(
    secret: &Option<Secret>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    secret.as_ref().map(|_| "(redacted)").serialize(serializer)
}

/// Reads a secret. What stands in its place is never quoted in an error.
pub(super) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    let text = String::deserialize(deserializer);
    text.map(|text| Some(text.into())).map_err(|_| de::Error::custom("a secret has to be a text"))
}

/// The secret in a file, which the setting `key` names. The end of its last line is no part of it.
pub(super) fn file(key: &str, path: &Path) -> Result<Secret, String> {
    let text =
        fs::read_to_string(path).map_err(|error| format!("{key} {}: {error}", path.display()))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned().into())
}
