//! Amounts of credits, exact to one millionth.

use std::fmt;

use thiserror::Error;

const MICROS_PER_CREDIT: i64 = 1_000_000;
const DECIMALS: i64 = 6;

/// An amount of credits, as an integer number of micro-credits (millionths of a credit).
///
/// Arithmetic is checked only, and there is no conversion from a float: an amount that arrives as
/// JSON is read from its text by [`Credits::from_json_number`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Credits(i64);

/// Why a text is not an amount of credits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ParseCreditsError {
    /// Not a JSON number: a string, a boolean, `null`, an array, an object.
    #[error("not a number")]
    NotANumber,
    /// Below zero.
    #[error("a negative number")]
    Negative,
    /// Not zero, but it would be after rounding to a micro-credit.
    #[error("below one millionth of a credit")]
    TooSmall,
    /// Above [`Credits::OPERATION_MAX`].
    #[error("above the limit of {} credits for one operation", Credits::OPERATION_MAX)]
    TooLarge,
}

impl Credits {
    /// No credits.
    pub const ZERO: Self = Self(0);
    /// The most that one operation may move: 1e9 credits. Every such amount survives the way
    /// through a 64-bit float and back, which is how clients read it.
    pub const OPERATION_MAX: Self = Self(1_000_000_000 * MICROS_PER_CREDIT);
    /// The most that one account may hold: 4e9 credits, for the same reason.
    pub const ACCOUNT_MAX: Self = Self(4_000_000_000 * MICROS_PER_CREDIT);

    /// An amount of `micros` millionths of a credit.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// The amount in millionths of a credit.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Whether this is no credits at all.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The sum, or `None` where it does not fit.
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(micros) => Some(Self(micros)),
            None => None,
        }
    }

    /// The difference, or `None` where it does not fit.
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(micros) => Some(Self(micros)),
            None => None,
        }
    }

    /// Reads the text of a JSON number (RFC 8259, section 6), exponents included, and rounds it
    /// once, half to even, to a micro-credit.
    ///
    /// The text is never turned into a float on the way.
    pub fn from_json_number(text: &str) -> Result<Self, ParseCreditsError> {
        let number = JsonNumber::split(text).ok_or(ParseCreditsError::NotANumber)?;
        if number.is_zero() {
            return Ok(Self::ZERO);
        }
        if number.negative {
            return Err(ParseCreditsError::Negative);
        }
        let micros = number.scaled(DECIMALS)?;
        match Self(micros) {
            Self(0) => Err(ParseCreditsError::TooSmall),
            credits if credits > Self::OPERATION_MAX => Err(ParseCreditsError::TooLarge),
            credits => Ok(credits),
        }
    }
}

/// The shortest decimal: `25`, `0.05`, `-1.5`.
impl fmt::Display for Credits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0.unsigned_abs();
        let per_credit = MICROS_PER_CREDIT.unsigned_abs();
        let (whole, fraction) = (micros.div_euclid(per_credit), micros.rem_euclid(per_credit));
        let sign = if self.0 < 0 { "-" } else { "" };
        if fraction == 0 {
            return f.pad_integral(self.0 >= 0, "", &whole.to_string());
        }
        let digits = format!("{fraction:06}");
        f.pad(&format!("{sign}{whole}.{}", digits.trim_end_matches('0')))
    }
}

/// The parts of a JSON number's text.
struct JsonNumber<'a> {
    negative: bool,
    integer: &'a [u8],
    fraction: &'a [u8],
    exponent: i64,
}

impl<'a> JsonNumber<'a> {
    /// Splits `text`, or answers `None` where it is not a number by the grammar of RFC 8259.
    fn split(text: &'a str) -> Option<Self> {
        let (negative, rest) = match text.as_bytes() {
            [b'-', rest @ ..] => (true, rest),
            rest => (false, rest),
        };
        let (integer, rest) = digits(rest)?;
        if integer.len() > 1 && integer.first() == Some(&b'0') {
            return None;
        }
        let (fraction, rest) = match rest {
            [b'.', rest @ ..] => digits(rest)?,
            rest => (&rest[..0], rest),
        };
        let exponent = match rest {
            [] => 0,
            [b'e' | b'E', rest @ ..] => exponent(rest)?,
            _ => return None,
        };
        Some(Self { negative, integer, fraction, exponent })
    }

    fn digits(&self) -> impl Iterator<Item = u8> {
        let digits = self.integer.iter().chain(self.fraction);
        digits.map(|digit| digit & 0x0f).skip_while(|digit| *digit == 0)
    }

    fn is_zero(&self) -> bool {
        self.digits().next().is_none()
    }

    /// The number times ten to the power of `decimals`, rounded half to even.
    fn scaled(&self, decimals: i64) -> Result<i64, ParseCreditsError> {
        use ParseCreditsError::{TooLarge, TooSmall};
        let length = |digits: &[u8]| i64::try_from(digits.len()).map_err(|_| TooLarge);
        let significant = i64::try_from(self.digits().count()).map_err(|_| TooLarge)?;
        // How many of the significant digits stand before the scaled number's decimal point.
        let kept = significant
            .saturating_sub(length(self.fraction)?)
            .saturating_add(self.exponent)
            .saturating_add(decimals);
        if kept < 0 {
            return Err(TooSmall);
        }
        if kept > 18 {
            return Err(TooLarge);
        }
        let mut digits = self.digits();
        let mut whole: i64 = 0;
        for _ in 0..kept {
            let digit = i64::from(digits.next().unwrap_or(0));
            whole =
                whole.checked_mul(10).and_then(|tens| tens.checked_add(digit)).ok_or(TooLarge)?;
        }
        let first = digits.next().unwrap_or(0);
        let beyond_half = digits.any(|digit| digit != 0);
        let odd = whole & 1 == 1;
        let up = first > 5 || (first == 5 && (beyond_half || odd));
        whole.checked_add(i64::from(up)).ok_or(TooLarge)
    }
}

/// Splits one or more leading digits off `text`.
fn digits(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// Reads the exponent after the `e`; one beyond all use is as good as the largest.
fn exponent(text: &[u8]) -> Option<i64> {
    let (negative, rest) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] | rest => (false, rest),
    };
    let (digits, rest) = digits(rest)?;
    if !rest.is_empty() {
        return None;
    }
    let magnitude = digits.iter().fold(0_i64, |value, digit| {
        value.saturating_mul(10).saturating_add(i64::from(digit & 0x0f)).min(1 << 40)
    });
    Some(if negative { magnitude.saturating_neg() } else { magnitude })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn micros(text: &str) -> Result<i64, ParseCreditsError> {
        Credits::from_json_number(text).map(Credits::micros)
    }

    #[test]
    fn numbers_are_read_from_their_text() {
        for (text, expected) in [
            ("0", 0),
            ("-0", 0),
            ("-0.000", 0),
            ("0e5", 0),
            ("25", 25_000_000),
            ("25.0", 25_000_000),
            ("0.1", 100_000),
            ("1e-6", 1),
            ("1E+2", 100_000_000),
            ("0.000001", 1),
            ("2.5e-6", 2),
            ("3.5e-6", 4),
            ("2.5000000000001e-6", 3),
            ("0.0000015", 2),
            ("0.0000005000000000000000000000000000000000000001", 1),
            ("123456789.123456", 123_456_789_123_456),
            ("1000000000", 1_000_000_000_000_000),
            ("0.00000000001e11", 1_000_000),
            ("100000000000000000000e-20", 1_000_000),
        ] {
            assert_eq!(micros(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn bad_numbers_are_named() {
        use ParseCreditsError::{Negative, NotANumber, TooLarge, TooSmall};
        for (text, expected) in [
            ("", NotANumber),
            ("-", NotANumber),
            ("true", NotANumber),
            ("null", NotANumber),
            ("\"5\"", NotANumber),
            ("[]", NotANumber),
            ("NaN", NotANumber),
            ("Infinity", NotANumber),
            ("01", NotANumber),
            ("+1", NotANumber),
            (".5", NotANumber),
            ("1.", NotANumber),
            ("1e", NotANumber),
            ("1e+", NotANumber),
            ("0x10", NotANumber),
            ("1 ", NotANumber),
            ("1_000", NotANumber),
            ("-1", Negative),
            ("-1e-9", Negative),
            ("1e-9", TooSmall),
            ("0.0000005", TooSmall),
            ("1e-99999999999999999999", TooSmall),
            ("1e400", TooLarge),
            ("1e99999999999999999999", TooLarge),
            ("1000000000.000001", TooLarge),
            ("999999999999999999", TooLarge),
        ] {
            assert_eq!(micros(text), Err(expected), "{text}");
        }
    }

    #[test]
    fn the_corpus_of_the_fuzz_target_holds() {
        // Tests run in the folder of their package; another checkout may have built them.
        let corpus = "../../fuzz/corpus/credits";
        let mut seen = 0;
        for file in std::fs::read_dir(corpus).expect("a corpus") {
            let input = std::fs::read(file.expect("a file").path()).expect("an input");
            crate::probe::credits(&String::from_utf8_lossy(&input));
            seen += 1;
        }
        assert!(seen > 5, "{seen} inputs");
    }

    #[test]
    fn amounts_are_shown_as_the_shortest_decimal() {
        for (micros, expected) in [
            (0, "0"),
            (25_000_000, "25"),
            (50_000, "0.05"),
            (-1_500_000, "-1.5"),
            (1, "0.000001"),
            (-2_000_000, "-2"),
        ] {
            assert_eq!(Credits::from_micros(micros).to_string(), expected);
        }
    }

    proptest! {
        #[test]
        fn an_amount_survives_its_text(micros in 0..=Credits::OPERATION_MAX.micros()) {
            let credits = Credits::from_micros(micros);
            prop_assert_eq!(Credits::from_json_number(&credits.to_string()), Ok(credits));
        }

        #[test]
        fn an_amount_survives_a_float(micros in 0..=Credits::OPERATION_MAX.micros()) {
            let credits = Credits::from_micros(micros);
            let float: f64 = credits.to_string().parse().expect("a decimal is a float");
            prop_assert_eq!(Credits::from_json_number(&format!("{float:?}")), Ok(credits));
        }

        #[test]
        fn any_text_is_read_as_plainly_as_it_stands(text in "[-+0-9.eE]{0,40}|.{0,20}") {
            crate::probe::credits(&text);
        }
    }
}
