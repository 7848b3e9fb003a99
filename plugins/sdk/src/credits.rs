//! Amounts of credits.

use std::cmp::Ordering;
use std::fmt;
use std::num::{IntErrorKind, ParseIntError};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _, ser::Error as _};
use serde_json::value::RawValue;

/// What one operation may move at most: a thousand million credits, in micro-credits.
const MAX_MICRO: u64 = 1_000_000_000_000_000;
/// The most digits that an amount up to [`MAX_MICRO`] can have.
const MAX_DIGITS: i64 = 16;
/// Decimal places of a credit.
const PLACES: i64 = 6;

/// An amount of credits, exact to a millionth.
///
/// A client writes amounts as JSON numbers. They are read from their text and rounded half-even
/// once, never through a float. An amount that is read is always more than zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Credits(u64);

/// Why a text is not an amount that a client can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CreditsError {
    /// It is not a number at all.
    NotANumber,
    /// It is zero or less.
    NotPositive,
    /// It rounds to zero.
    BelowOneMicro,
    /// It is more than a thousand million credits.
    TooLarge,
}

impl Credits {
    /// An amount of millionths of a credit.
    pub const fn from_micro(micro: u64) -> Self {
        Self(micro)
    }

    /// The amount in millionths of a credit.
    pub const fn micro(self) -> u64 {
        self.0
    }
}

impl FromStr for Credits {
    type Err = CreditsError;

    fn from_str(text: &str) -> Result<Self, CreditsError> {
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut digits = format!("{whole}{fraction}");
        if whole.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(CreditsError::NotANumber);
        }
        digits.drain(..digits.len() - digits.trim_start_matches('0').len());
        let exponent = exponent.parse().or_else(|error| far_exponent(&error))?;
        if digits.is_empty() || unsigned != text {
            return Err(CreditsError::NotPositive);
        }
        round(&digits, scale(exponent, fraction))
    }
}

/// The power of ten that turns the digits into micro-credits.
fn scale(exponent: i64, fraction: &str) -> i64 {
    let places = i64::try_from(fraction.len()).unwrap_or(i64::MAX);
    exponent.saturating_sub(places).saturating_add(PLACES)
}

/// An exponent beyond all numbers is still an exponent.
fn far_exponent(error: &ParseIntError) -> Result<i64, CreditsError> {
    match error.kind() {
        IntErrorKind::PosOverflow => Ok(i64::MAX),
        IntErrorKind::NegOverflow => Ok(i64::MIN),
        _ => Err(CreditsError::NotANumber),
    }
}

/// `digits` × 10^`scale` micro-credits, rounded half-even. The first digit is not a zero.
fn round(digits: &str, scale: i64) -> Result<Credits, CreditsError> {
    let length = i64::try_from(digits.len()).unwrap_or(i64::MAX);
    let length_whole = length.saturating_add(scale);
    if length_whole > MAX_DIGITS {
        return Err(CreditsError::TooLarge);
    }
    let length_kept = length_whole.min(length);
    let Ok(length_kept) = usize::try_from(length_kept) else {
        return Err(CreditsError::BelowOneMicro);
    };
    let (kept, rest) = digits.as_bytes().split_at(length_kept);
    let zeros = scale.max(0);
    let whole = kept
        .iter()
        .copied()
        .chain((0..zeros).map(|_| b'0'))
        .fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'));
    let micro = whole + u64::from(rounds_up(rest, whole % 2 == 1));
    match micro {
        0 => Err(CreditsError::BelowOneMicro),
        1..=MAX_MICRO => Ok(Credits(micro)),
        _ => Err(CreditsError::TooLarge),
    }
}

/// Whether the digits that were cut off come to more than a half, or to a half beside an odd digit.
fn rounds_up(rest: &[u8], odd: bool) -> bool {
    let Some((first, others)) = rest.split_first() else {
        return false;
    };
    match first.cmp(&b'5') {
        Ordering::Less => false,
        Ordering::Greater => true,
        Ordering::Equal => odd || others.iter().any(|digit| *digit != b'0'),
    }
}

impl<'de> Deserialize<'de> for Credits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Box::<RawValue>::deserialize(deserializer)?;
        json.get().parse().map_err(D::Error::custom)
    }
}

/// The shortest decimal: `0.05`, `3`.
impl fmt::Display for Credits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = (self.0 / 1_000_000, self.0 % 1_000_000);
        if part == 0 {
            return write!(f, "{whole}");
        }
        let part = format!("{part:06}");
        write!(f, "{whole}.{}", part.trim_end_matches('0'))
    }
}

impl fmt::Display for CreditsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotANumber => "it must be a number of credits, as in 0.5",
            Self::NotPositive => "it must be more than 0",
            Self::BelowOneMicro => "it must be at least 0.000001",
            Self::TooLarge => "it must be at most 1000000000",
        })
    }
}

impl std::error::Error for CreditsError {}

/// A JSON number, as exact as the amount.
impl Serialize for Credits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.to_string()).map_err(S::Error::custom)?.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::{Credits, CreditsError};

    #[test]
    fn numbers_become_micro_credits() {
        for (text, micro) in [
            ("1", 1_000_000),
            ("1.0", 1_000_000),
            ("0.05", 50_000),
            ("5e-2", 50_000),
            ("0.0005E+4", 5_000_000),
            ("1e9", 1_000_000_000_000_000),
            ("0.1234564999", 123_456),
            ("1000000000.0000000", 1_000_000_000_000_000),
            ("10e-7", 1),
            ("0.00000100000000000000000000000000000000", 1),
        ] {
            assert_eq!(text.parse(), Ok(Credits::from_micro(micro)), "{text}");
        }
    }

    #[test]
    fn halves_go_to_the_even_neighbour() {
        for (text, micro) in [
            ("0.0000015", 2),
            ("0.0000025", 2),
            ("0.00000250000001", 3),
            ("0.0000035", 4),
            ("9.9999995", 10_000_000),
            ("0.00000050000001", 1),
        ] {
            assert_eq!(text.parse(), Ok(Credits::from_micro(micro)), "{text}");
        }
    }

    #[test]
    fn what_nobody_can_ask_for_is_refused() {
        for (text, error) in [
            ("", CreditsError::NotANumber),
            ("-", CreditsError::NotANumber),
            (".5", CreditsError::NotANumber),
            ("+1", CreditsError::NotANumber),
            ("1e", CreditsError::NotANumber),
            ("1e2e3", CreditsError::NotANumber),
            ("1_000", CreditsError::NotANumber),
            ("NaN", CreditsError::NotANumber),
            ("true", CreditsError::NotANumber),
            ("0", CreditsError::NotPositive),
            ("-0.0", CreditsError::NotPositive),
            ("0e99999999999999999999", CreditsError::NotPositive),
            ("-1", CreditsError::NotPositive),
            ("0.0000005", CreditsError::BelowOneMicro),
            ("1e-99999999999999999999", CreditsError::BelowOneMicro),
            ("1000000000.000001", CreditsError::TooLarge),
            ("1e999", CreditsError::TooLarge),
            ("1e99999999999999999999", CreditsError::TooLarge),
        ] {
            assert_eq!(text.parse::<Credits>(), Err(error), "{text}");
        }
    }

    #[test]
    fn amounts_are_written_short() {
        for (micro, text) in [(0, "0"), (50_000, "0.05"), (3_000_000, "3"), (1_000_001, "1.000001")]
        {
            let credits = Credits::from_micro(micro);
            assert_eq!(credits.to_string(), text);
            assert_eq!(serde_json::to_string(&credits).expect("a number"), text);
            assert_eq!(
                serde_json::json!({ "credits": credits }).to_string(),
                format!("{{\"credits\":{text}}}")
            );
        }
    }
}
