//! Prices and the commission on them.

use std::fmt;

/// An amount of money in hundredths of a euro.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cents(pub i64);

impl Cents {
    /// The highest price of one pack: ten million euro.
    pub const PRICE_MAX: Self = Self(1_000_000_000);
}

/// Euro with two decimals: `100.00`.
impl fmt::Display for Cents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, cents) = (if self.0 < 0 { "-" } else { "" }, self.0.unsigned_abs());
        f.pad(&format!("{sign}{}.{:02}", cents.div_euclid(100), cents.rem_euclid(100)))
    }
}

/// A share in hundredths of a per cent, from 0 to 10,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BasisPoints(u16);

impl BasisPoints {
    /// The whole: 100 %.
    pub const WHOLE: Self = Self(10_000);

    /// A share of `points` hundredths of a per cent, or `None` above the whole.
    pub const fn new(points: u16) -> Option<Self> {
        if points <= Self::WHOLE.0 { Some(Self(points)) } else { None }
    }

    /// The share in hundredths of a per cent.
    pub const fn points(self) -> u16 {
        self.0
    }
}

/// How a price is split between the operator and the provider. The two parts always add up to
/// the price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commission {
    /// The operator's part: the price times the rate, rounded half to even.
    pub operator: Cents,
    /// The provider's part: the rest.
    pub provider: Cents,
}

impl Commission {
    /// Splits `price` at `rate`; `None` for a negative price or one above [`Cents::PRICE_MAX`].
    pub fn split(price: Cents, rate: BasisPoints) -> Option<Self> {
        if !(Cents(0)..=Cents::PRICE_MAX).contains(&price) {
            return None;
        }
        let whole = i64::from(BasisPoints::WHOLE.0);
        let product = price.0.checked_mul(i64::from(rate.0))?;
        let (floor, rest) = (product.div_euclid(whole), product.rem_euclid(whole));
        let twice = rest.checked_mul(2)?;
        let up = twice > whole || (twice == whole && floor & 1 == 1);
        let operator = floor.checked_add(i64::from(up))?;
        Some(Self { operator: Cents(operator), provider: Cents(price.0.checked_sub(operator)?) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_split_rounds_half_to_even() {
        let split = |price, points| {
            let split = Commission::split(Cents(price), BasisPoints::new(points).expect("a share"));
            split.map(|split| (split.operator.0, split.provider.0))
        };
        assert_eq!(split(10_000, 2_500), Some((2_500, 7_500)));
        assert_eq!(split(2, 2_500), Some((0, 2)));
        assert_eq!(split(6, 2_500), Some((2, 4)));
        assert_eq!(split(3, 2_500), Some((1, 2)));
        assert_eq!(split(0, 10_000), Some((0, 0)));
        assert_eq!(split(-1, 2_500), None);
        assert_eq!(BasisPoints::new(10_001), None);
    }

    proptest! {
        #[test]
        fn the_parts_are_the_price(price in 0..=Cents::PRICE_MAX.0, points in 0..=10_000_u16) {
            let rate = BasisPoints::new(points).expect("a share");
            let split = Commission::split(Cents(price), rate).expect("in range");
            prop_assert!(split.operator.0 >= 0 && split.provider.0 >= 0);
            prop_assert_eq!(split.operator.0 + split.provider.0, price);
        }
    }
}
