//! Credits as JSON numbers: exact decimal text, never a float on the way.

use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use stokehold_ledger::Credits;

/// Writes an amount as the number it is: `0.05`.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde calls")]
pub(crate) fn serialize<S: Serializer>(credits: &Credits, to: S) -> Result<S::Ok, S::Error> {
    RawValue::from_string(credits.to_string()).map_err(S::Error::custom)?.serialize(to)
}

/// Reads an amount from the text of a number.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Credits, D::Error> {
    let text = <&RawValue>::deserialize(from)?;
    Credits::from_json_number(text.get()).map_err(D::Error::custom)
}
