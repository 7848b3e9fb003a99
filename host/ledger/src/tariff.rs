//! How fuel and credits relate.

use std::num::NonZeroU64;

use crate::credits::Credits;

const MICROS_PER_CREDIT: u128 = 1_000_000;

/// The price of fuel: how much one credit buys.
///
/// What a hold buys is rounded down and what fuel costs is rounded up to a micro-credit, both
/// in integers, and still the cost of all the fuel that a hold bought is never above the hold:
/// `ceil(floor(hold × rate) ÷ rate) ≤ hold`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tariff {
    fuel_per_credit: NonZeroU64,
}

impl Tariff {
    /// One credit buys `fuel_per_credit` units of fuel.
    pub const fn new(fuel_per_credit: NonZeroU64) -> Self {
        Self { fuel_per_credit }
    }

    /// How much fuel one credit buys.
    pub const fn fuel_per_credit(self) -> NonZeroU64 {
        self.fuel_per_credit
    }

    /// The fuel that `credits` buy, rounded down. Nothing for an amount below zero.
    pub fn fuel_for(self, credits: Credits) -> u64 {
        let micros = u128::try_from(credits.micros()).unwrap_or(0);
        let product = micros.saturating_mul(u128::from(self.fuel_per_credit.get()));
        u64::try_from(product.div_euclid(MICROS_PER_CREDIT)).unwrap_or(u64::MAX)
    }

    /// What `fuel` costs, rounded up to a micro-credit.
    pub fn cost_of(self, fuel: u64) -> Credits {
        let product = u128::from(fuel).saturating_mul(MICROS_PER_CREDIT);
        let micros = product.div_ceil(u128::from(self.fuel_per_credit.get()));
        Credits::from_micros(i64::try_from(micros).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tariff(fuel_per_credit: u64) -> Tariff {
        Tariff::new(NonZeroU64::new(fuel_per_credit).expect("above zero"))
    }

    #[test]
    fn a_credit_buys_what_the_tariff_says() {
        let coal = tariff(120_000_000_000);
        assert_eq!(coal.fuel_for(Credits::from_micros(1_000_000)), 120_000_000_000);
        assert_eq!(coal.fuel_for(Credits::from_micros(50_000)), 6_000_000_000);
        assert_eq!(coal.cost_of(120_000), Credits::from_micros(1));
        assert_eq!(coal.cost_of(120_001), Credits::from_micros(2));
        assert_eq!(coal.fuel_for(Credits::from_micros(-5)), 0);
    }

    proptest! {
        #[test]
        fn fuel_that_a_hold_bought_never_costs_more_than_the_hold(
            rate in 1..=u64::MAX,
            hold in 0..=Credits::OPERATION_MAX.micros(),
            part in 0.0..=1.0_f64,
        ) {
            let (tariff, hold) = (tariff(rate), Credits::from_micros(hold));
            let bought = tariff.fuel_for(hold);
            prop_assert!(tariff.cost_of(bought) <= hold);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss,
                reason = "any fuel up to what was bought will do")]
            let used = ((bought as f64 * part) as u64).min(bought);
            prop_assert!(tariff.cost_of(used) <= hold);
        }
    }
}
