//! Account tokens: the names that clients' databases invent.

use std::fmt;
use std::str::FromStr;

use sha1::{Digest, Sha1};
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

/// What an account is known by: the SHA-1 of its token without a suffix.
///
/// Newer clients name accounts on web pages by this digest, so that the token itself stays out of
/// browsers. Whoever could make two tokens with one digest would only share an account with
/// themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountKey(pub [u8; 20]);

impl FromStr for AccountKey {
    type Err = ParseTokenError;

    /// Reads 40 lower-case hexadecimal digits.
    fn from_str(text: &str) -> Result<Self, ParseTokenError> {
        let mut key = [0; 20];
        if text.len() != 40 {
            return Err(ParseTokenError::BadDigest);
        }
        for (byte, pair) in key.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let digit = |digit: u8| match digit {
                b'0'..=b'9' => Ok(digit & 0x0f),
                b'a'..=b'f' => Ok((digit & 0x0f).wrapping_add(9)),
                _ => Err(ParseTokenError::BadDigest),
            };
            *byte = match pair {
                [high, low] => (digit(*high)? << 4) | digit(*low)?,
                _ => return Err(ParseTokenError::BadDigest),
            };
        }
        Ok(Self(key))
    }
}

/// 40 lower-case hexadecimal digits.
impl fmt::Display for AccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// An account as it was named: by its token, or by nothing but its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountName {
    /// What it is known by.
    pub key: AccountKey,
    /// Its token without a suffix, where that was given.
    pub token: Option<String>,
}

impl AccountName {
    /// Whether no account may be made under this name: it is the literal that many databases share.
    pub fn is_placeholder(&self) -> bool {
        self.key == AccountKey(Sha1::digest(SHARED_PLACEHOLDER).into())
    }
}

impl From<&AccountToken> for AccountName {
    fn from(token: &AccountToken) -> Self {
        Self { key: token.key(), token: Some(token.base().to_owned()) }
    }
}

impl From<AccountKey> for AccountName {
    fn from(key: AccountKey) -> Self {
        Self { key, token: None }
    }
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
    /// A digest of a token is not 40 lower-case hexadecimal digits.
    #[error("a hashed account token has 40 hexadecimal digits")]
    BadDigest,
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

    /// What the account is known by.
    pub fn key(&self) -> AccountKey {
        AccountKey(Sha1::digest(self.base()).into())
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
        assert_eq!(plain.key(), disabled.key());
        assert_eq!(plain.key().to_string(), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(plain.key().to_string().parse(), Ok(plain.key()));
        assert!(AccountName::from(&placeholder).is_placeholder());
        assert_eq!("A9993e".parse::<AccountKey>(), Err(ParseTokenError::BadDigest));
        assert_eq!(parse(""), Err(ParseTokenError::Empty));
        assert_eq!(parse("+disabled"), Err(ParseTokenError::Empty));
        assert_eq!(parse("a b"), Err(ParseTokenError::BadCharacter));
        assert_eq!(parse(&"x".repeat(129)), Err(ParseTokenError::TooLong));
    }
}
