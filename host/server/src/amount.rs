//! Amounts of credits in JSON bodies.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use stokehold_app::types::Credits;

/// Credits as a JSON number: read from its text, and written as the shortest decimal.
#[derive(Clone, Copy, Debug, Default)]
pub struct Amount(pub Credits);

/// Credits as a JSON number, inside a value that is built by hand.
pub(crate) fn number(credits: Credits) -> serde_json::Value {
    serde_json::from_str(&credits.to_string()).unwrap_or(serde_json::Value::Null)
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let number = RawValue::from_string(self.0.to_string());
        number.map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <&RawValue>::deserialize(deserializer)?;
        Credits::from_json_number(text.get()).map(Self).map_err(|error| {
            serde::de::Error::custom(format!(
                "an amount of credits has to be a number: this is {error}"
            ))
        })
    }
}
