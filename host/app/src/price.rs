//! What a call costs, by how it ended.
//!
//! Never more than was held: the cost of fuel is capped by it, and so is what the guest says.

use stokehold_ledger::Credits;
use stokehold_runtime::{Failure, Stop};
use stokehold_store::Settlement;

use crate::manifest::{Cost, Manifest, Settle};
use crate::outcome::CallFailure;

/// What a call has used, as far as its price depends on it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Used {
    /// The fuel that it burned.
    pub(crate) fuel: u64,
    /// What the guest said to capture at the most, in micro-credits.
    pub(crate) capture_at_most: Option<u64>,
}

impl Manifest {
    /// What is captured of the `held` credits of a call that ended so.
    pub(crate) fn settlement<T>(
        &self,
        held: Credits,
        used: Used,
        outcome: &Result<T, CallFailure>,
    ) -> Settlement {
        let at_most = used.capture_at_most.and_then(|micros| i64::try_from(micros).ok());
        let at_most = held.min(at_most.map_or(held, Credits::from_micros));
        let by_fuel = at_most.min(self.tariff.cost_of(used.fuel));
        match outcome {
            Ok(_) if self.settle == Settle::Fuel => Settlement::Capture(by_fuel),
            Ok(_) => Settlement::Capture(at_most),
            Err(failure) if self.cost(failure) == Cost::CaptureUsed && !by_fuel.is_zero() => {
                Settlement::Capture(by_fuel)
            }
            Err(_) => Settlement::Cancel,
        }
    }

    /// Whether a failure costs anything. Traps, bad output and faults of the host never do.
    fn cost(&self, failure: &CallFailure) -> Cost {
        match failure {
            CallFailure::Failed(Failure::UserError(_)) => self.on.user_error,
            CallFailure::Stopped { stop: Stop::OutOfFuel { .. }, .. } => self.on.out_of_fuel,
            CallFailure::Stopped { stop: Stop::Deadline { .. }, .. } => self.on.deadline,
            _ => Cost::Cancel,
        }
    }

    /// How much of a call's fuel `fuel-remaining` does not show.
    pub(crate) fn reserve(&self, fuel: u64) -> u64 {
        let part = u128::from(fuel) * u128::from(self.finish_reserve_millionths) / 1_000_000;
        u64::try_from(part).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::manifest::On;

    fn manifest(rate: u64, settle: Settle, on: On) -> Manifest {
        let text = format!(
            "[service]\nname = \"it\"\nlabel = \"It\"\n[component]\npath = \"it.wasm\"\n\
             [tariff]\nfuel_per_credit = {rate}\nfinish_reserve = 0.02\n"
        );
        Manifest { settle, on, ..Manifest::parse("service.toml", &text).expect("a manifest") }
    }

    fn failures() -> Vec<CallFailure> {
        let stops = [
            Stop::OutOfFuel { limit: 1 },
            Stop::Deadline { limit: Duration::ZERO, elapsed: Duration::ZERO },
            Stop::Memory { limit_bytes: 1, asked_bytes: 2 },
            Stop::Output { limit_bytes: 1 },
            Stop::Trap { reason: "unreachable".into(), backtrace: Vec::new() },
            Stop::HostFault("a fault".into()),
        ];
        let says = [
            Failure::UserError(String::new()),
            Failure::AccessError(String::new()),
            Failure::Unavailable(String::new()),
        ];
        let stops = stops.map(CallFailure::stopped).into_iter();
        let rest = [CallFailure::BadOutput(String::new()), CallFailure::HostStopping];
        stops.chain(says.map(CallFailure::Failed)).chain(rest).collect()
    }

    fn outcomes() -> Vec<Result<(), CallFailure>> {
        failures().into_iter().map(Err).chain([Ok(())]).collect()
    }

    const ALL: On = On {
        user_error: Cost::CaptureUsed,
        out_of_fuel: Cost::CaptureUsed,
        deadline: Cost::CaptureUsed,
    };

    proptest! {
        #[test]
        fn no_outcome_costs_more_than_was_held(
            rate in 1..=i64::MAX.cast_unsigned(),
            held in 0..=Credits::OPERATION_MAX.micros(),
            fuel: u64,
            capture_at_most: Option<u64>,
            by_fuel: bool,
        ) {
            let settle = if by_fuel { Settle::Fuel } else { Settle::Authorized };
            let manifest = manifest(rate, settle, ALL);
            let held = Credits::from_micros(held);
            for outcome in outcomes() {
                let used = Used { fuel, capture_at_most };
                if let Settlement::Capture(cost) = manifest.settlement(held, used, &outcome) {
                    prop_assert!(Credits::ZERO <= cost && cost <= held, "{outcome:?}: {cost}");
                    if let Some(most) = capture_at_most {
                        prop_assert!(u64::try_from(cost.micros()).is_ok_and(|cost| cost <= most));
                    }
                }
            }
            prop_assert!(manifest.reserve(fuel) <= fuel / 2);
        }
    }

    #[test]
    fn what_a_failure_costs_is_the_manifests_to_say_for_three_classes() {
        let held = Credits::from_micros(1_000_000);
        let used = Used { fuel: 300, capture_at_most: None };
        let costs = |on| {
            let manifest = manifest(1_000, Settle::Authorized, on);
            let settle = |failure: CallFailure| {
                let class = failure.class().to_owned();
                let settlement = manifest.settlement(held, used, &Err::<(), _>(failure));
                (settlement != Settlement::Cancel).then_some((class, settlement))
            };
            failures().into_iter().filter_map(settle).collect::<Vec<_>>()
        };
        assert_eq!(costs(On::default()), []);
        let cost = Settlement::Capture(Credits::from_micros(300_000));
        let all = ["out-of-fuel", "deadline", "user-error"].map(|class| (class.to_owned(), cost));
        assert_eq!(costs(ALL), all);
    }

    #[test]
    fn a_call_that_is_settled_by_fuel_costs_what_it_used() {
        let held = Credits::from_micros(1_000_000);
        let settle = |settle, used| {
            let manifest = manifest(1_000, settle, On::default());
            manifest.settlement(held, used, &Ok(()))
        };
        let used = Used { fuel: 300, capture_at_most: None };
        let capture = |micros| Settlement::Capture(Credits::from_micros(micros));
        assert_eq!(settle(Settle::Authorized, used), capture(1_000_000));
        assert_eq!(settle(Settle::Fuel, used), capture(300_000));
        let lowered = Used { capture_at_most: Some(7), ..used };
        assert_eq!(settle(Settle::Fuel, lowered), capture(7));
        assert_eq!(settle(Settle::Authorized, lowered), capture(7));
    }
}
