//! The named parameters of a request.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use stokehold_ledger::{AccountToken, Credits};

use crate::fault::{Class, Fault};

/// Named parameters, each kept as the JSON text that was sent, in the order it was sent.
#[derive(Debug, Default)]
pub struct Params<'a> {
    members: Vec<(Cow<'a, str>, &'a RawValue)>,
    is_object: bool,
}

impl<'a> Params<'a> {
    pub(crate) fn read(text: Option<&'a RawValue>) -> Self {
        let Some(text) = text else {
            return Self { members: Vec::new(), is_object: true };
        };
        serde_json::from_str(text.get()).unwrap_or_default()
    }

    /// Refuses parameters by position: these paths take an object.
    pub fn check(&self) -> Result<(), Fault> {
        if self.is_object {
            return Ok(());
        }
        Err(Fault::new(Class::InvalidParams, "\"params\" has to be an object"))
    }

    /// The JSON text of a parameter; `None` where it is absent or `null`.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        let found = self.members.iter().rfind(|(member, _)| member == name)?;
        Some(found.1.get()).filter(|text| *text != "null")
    }

    /// A string, or `None` where it is absent or `null`.
    pub fn string(&self, name: &str) -> Result<Option<String>, Fault> {
        let Some(text) = self.get(name) else {
            return Ok(None);
        };
        let string = serde_json::from_str(text);
        string.map(Some).map_err(|_| Fault::type_error(format!("{name} has to be a string")))
    }

    /// A string that has to be there.
    pub fn required_string(&self, name: &str) -> Result<String, Fault> {
        self.string(name)?.ok_or_else(|| Fault::type_error(format!("{name} is missing")))
    }

    /// A boolean, or `None` where it is absent or `null`.
    pub fn boolean(&self, name: &str) -> Result<Option<bool>, Fault> {
        match self.get(name) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(Fault::type_error(format!("{name} has to be true or false"))),
        }
    }

    /// A list of parameters of its own kind, each read by `read`; `None` where it is absent or
    /// `null`.
    pub fn list<T>(
        &self,
        name: &str,
        read: impl Fn(&'a RawValue) -> Result<T, Fault>,
    ) -> Result<Option<Vec<T>>, Fault> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let items: Vec<&'a RawValue> = serde_json::from_str(text)
            .map_err(|_| Fault::type_error(format!("{name} has to be a list")))?;
        items.into_iter().map(read).collect::<Result<_, _>>().map(Some)
    }

    /// Reads an object that stands inside other parameters.
    pub fn object(text: &'a RawValue) -> Result<Self, Fault> {
        serde_json::from_str(text.get()).map_err(|_| Fault::type_error("an object was expected"))
    }

    /// An account token that has to be there.
    pub fn account_token(&self) -> Result<AccountToken, Fault> {
        let text = self.required_string("account_token")?;
        text.parse().map_err(|error| Fault::type_error(format!("account_token: {error}")))
    }

    /// An amount of credits, or `None` where it is absent or `null`.
    pub fn credits(&self, name: &str) -> Result<Option<Credits>, Fault> {
        let Some(text) = self.get(name) else {
            return Ok(None);
        };
        let credits = Credits::from_json_number(text);
        credits.map(Some).map_err(|error| {
            Fault::type_error(format!("{name} has to be a number of credits: this is {error}"))
        })
    }

    /// All parameters but `taken`, as the text of a JSON object.
    pub fn without(&self, taken: &[&str]) -> String {
        let rest = self.members.iter().filter(|(name, _)| !taken.contains(&name.as_ref()));
        let members: Vec<_> = rest
            .map(|(name, text)| {
                format!("{}:{}", serde_json::Value::from(name.as_ref()), text.get())
            })
            .collect();
        format!("{{{}}}", members.join(","))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Params<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Params<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::with_capacity(8);
                while let Some((Name(name), value)) = map.next_entry()? {
                    members.push((name, value));
                }
                Ok(Params { members, is_object: true })
            }
        }

        deserializer.deserialize_map(Members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(text: &str) -> Params<'_> {
        Params::read(Some(serde_json::from_str(text).expect("JSON")))
    }

    #[test]
    fn the_rest_goes_on_untouched_and_in_order() {
        let params = params(r#"{"z":1.10,"account_token":"t","a":{"b":[1e400]},"context":{}}"#);
        let rest = params.without(&["account_token", "context"]);
        assert_eq!(rest, r#"{"z":1.10,"a":{"b":[1e400]}}"#);
        assert_eq!(params.account_token().expect("a token").base(), "t");
    }

    #[test]
    fn wrong_types_are_type_errors() {
        let params = params(r#"{"credit":true,"text":5,"none":null,"account_token":"a b"}"#);
        assert_eq!(params.credits("credit").expect_err("a fault").class, Class::TypeError);
        assert_eq!(params.string("text").expect_err("a fault").class, Class::TypeError);
        assert_eq!(params.account_token().expect_err("a fault").class, Class::TypeError);
        assert_eq!(params.credits("none").expect("absent"), None);
        assert_eq!(params.required_string("none").expect_err("a fault").class, Class::TypeError);
    }

    #[test]
    fn positional_params_are_refused() {
        assert_eq!(params("[1,2]").check().expect_err("a fault").class, Class::InvalidParams);
        assert!(Params::read(None).check().is_ok());
    }
}
