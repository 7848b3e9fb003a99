//! Typed ids: an account cannot be taken for a hold.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;
use uuid::Uuid;

/// The text is not an id of this kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not an id: expected 32 hexadecimal digits")]
pub struct ParseIdError;

macro_rules! row_ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

macro_rules! public_ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        ///
        /// A version 7 UUID (RFC 9562), so that new rows stand together; shown as 32 hexadecimal
        /// digits.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_simple().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
                if text.len() != 32 || !text.bytes().all(is_hex) {
                    return Err(ParseIdError);
                }
                Uuid::try_parse(text).map(Self).map_err(|_| ParseIdError)
            }
        }
    )*};
}

row_ids! {
    /// One service.
    ServiceId;
    /// One client's account for one service.
    AccountId;
    /// One uploaded component of a service.
    VersionId;
    /// One pack of a service; unique across all services.
    PackId;
    /// One API token.
    TokenId;
}

public_ids! {
    /// One hold. Its text is the transaction token of the broker's protocol.
    HoldId;
    /// One call of a hosted service.
    CallId;
    /// One purchase of a pack.
    OrderId;
}
