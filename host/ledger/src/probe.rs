//! What has to hold for any input: called by the fuzz targets, and by the tests on their corpus.

use crate::credits::{Credits, ParseCreditsError};

/// Reads `text` as an amount of credits.
///
/// # Panics
///
/// Where that breaks a promise: an amount is in range, survives its own text, and is what plain
/// arithmetic on the digits gives.
pub fn credits(text: &str) {
    let parsed = Credits::from_json_number(text);
    if let Ok(amount) = parsed {
        assert!((Credits::ZERO..=Credits::OPERATION_MAX).contains(&amount), "{text} is {amount}");
        assert_eq!(Credits::from_json_number(&amount.to_string()), Ok(amount), "{text}");
    }
    if let Some(expected) = plainly(text) {
        assert_eq!(parsed, expected, "{text}");
    }
}

/// The same reading in another way, for short numbers with small exponents: as a fraction of
/// integers. `None` where the text is not such a number.
fn plainly(text: &str) -> Option<Result<Credits, ParseCreditsError>> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, plain_integer(exponent, 2)?),
        None => (text, 0),
    };
    let (integer, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let unsigned = integer.strip_prefix('-').unwrap_or(integer);
    let is_digits = |digits: &str, max| {
        (1..=max).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    let leading_zero = unsigned.len() > 1 && unsigned.starts_with('0');
    if !is_digits(unsigned, 8) || !is_digits(fraction, 8) || leading_zero || exponent.abs() > 9 {
        return None;
    }
    let digits: i128 = format!("{unsigned}{fraction}").parse().ok()?;
    let places = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?.checked_sub(6)?;
    if digits == 0 {
        return Some(Ok(Credits::ZERO));
    }
    if integer.starts_with('-') {
        return Some(Err(ParseCreditsError::Negative));
    }
    let micros = match u32::try_from(places) {
        Err(_) => digits.checked_mul(10_i128.checked_pow(places.unsigned_abs())?)?,
        Ok(places) => {
            let unit = 10_i128.checked_pow(places)?;
            let (floor, rest) = (digits.checked_div(unit)?, digits.checked_rem(unit)?);
            let twice = rest.checked_mul(2)?;
            let up = twice > unit || (twice == unit && floor.checked_rem(2)? == 1);
            floor.checked_add(i128::from(up))?
        }
    };
    Some(match i64::try_from(micros).map(Credits::from_micros) {
        Ok(Credits::ZERO) => Err(ParseCreditsError::TooSmall),
        Ok(amount) if amount <= Credits::OPERATION_MAX => Ok(amount),
        _ => Err(ParseCreditsError::TooLarge),
    })
}

/// An integer of at most `digits_max` digits with an optional sign.
fn plain_integer(text: &str, digits_max: usize) -> Option<i32> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let is_plain = (1..=digits_max).contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_plain.then(|| text.strip_prefix('+').unwrap_or(text).parse().ok())?
}
