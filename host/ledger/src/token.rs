//! Account tokens: the names that clients' databases invent.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// Many databases share this literal, which neutralised copies of a database carry: it is never
/// registered and never billed.
const SHARED_PLACEHOLDER: &str = "dummy_value";

/// The name of a client's account, as its side invented it.
///
/// A token with a `+…` suffix, such as `+disabled`, still names its account but may not be
/// charged.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AccountToken {
    text: String,
    base_length: usize,
}

/// The text cannot be an account token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ParseTokenError {
    /// Nothing stands before the suffix.
    #[error("an account token cannot be empty")]
    Empty,
    /// Longer than [`AccountToken::LENGTH_MAX`].
    #[error("an account token has at most {} characters", AccountToken::LENGTH_MAX)]
    TooLong,
    /// A character that is not visible ASCII.
    #[error("an account token has visible ASCII characters only")]
    BadCharacter,
}

impl AccountToken {
    /// The longest token, in bytes. Clients make 32 hexadecimal digits and a short suffix.
    pub const LENGTH_MAX: usize = 128;

    /// The part that names the account, without a suffix.
    pub fn base(&self) -> &str {
        &self.text[..self.base_length]
    }

    /// Whether the account may be charged under this token.
    pub fn is_chargeable(&self) -> bool {
        self.base_length == self.text.len() && !self.is_placeholder()
    }

    /// Whether this is the literal that many databases share, which no account may be made for.
    pub fn is_placeholder(&self) -> bool {
        self.base() == SHARED_PLACEHOLDER
    }
}

impl FromStr for AccountToken {
    type Err = ParseTokenError;

    fn from_str(text: &str) -> Result<Self, ParseTokenError> {
        if text.len() > Self::LENGTH_MAX {
            return Err(ParseTokenError::TooLong);
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(ParseTokenError::BadCharacter);
        }
        match text.find('+').unwrap_or(text.len()) {
            0 => Err(ParseTokenError::Empty),
            base_length => Ok(Self { text: text.to_owned(), base_length }),
        }
    }
}

/// The token as it was sent, suffix and all.
impl fmt::Display for AccountToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suffix_disables_and_the_placeholder_is_never_billed() {
        let parse = |text: &str| text.parse::<AccountToken>();
        let plain = parse("abc").expect("valid");
        assert!(plain.is_chargeable());
        let disabled = parse("abc+disabled").expect("valid");
        assert_eq!((disabled.base(), disabled.is_chargeable()), ("abc", false));
        let placeholder = parse("dummy_value+disabled").expect("valid");
        assert!(placeholder.is_placeholder() && !placeholder.is_chargeable());
        assert!(!parse("dummy_value").expect("valid").is_chargeable());
        assert_eq!(parse(""), Err(ParseTokenError::Empty));
        assert_eq!(parse("+disabled"), Err(ParseTokenError::Empty));
        assert_eq!(parse("a b"), Err(ParseTokenError::BadCharacter));
        assert_eq!(parse(&"x".repeat(129)), Err(ParseTokenError::TooLong));
    }
}
