//! Samples, and what is told of several.

use std::time::Duration;

/// The median, the lower one of an even number of figures; 0 of none.
pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len().saturating_sub(1) / 2).copied().unwrap_or_default()
}

/// How long the quickest `percent` of a hundred took at the most, in microseconds; 0 of none.
pub(crate) fn percentile_us(took: &mut [Duration], percent: usize) -> f64 {
    let Some(last) = took.len().checked_sub(1) else { return 0.0 };
    took.select_nth_unstable(last * percent / 100).1.as_secs_f64() * 1e6
}

/// Takes each sample once in every round, in turns, every other round in the other order: whatever
/// else the machine does meets all of them. Answers a list of samples for each.
pub(crate) fn in_turns<S, T>(
    subjects: &[S],
    rounds: u32,
    mut sample: impl FnMut(&S) -> anyhow::Result<T>,
) -> anyhow::Result<Vec<Vec<T>>> {
    let mut samples: Vec<Vec<T>> = subjects.iter().map(|_| Vec::new()).collect();
    for round in 0..rounds {
        for turn in 0..subjects.len() {
            let at = if round % 2 == 0 { turn } else { subjects.len() - 1 - turn };
            samples[at].push(sample(&subjects[at])?);
        }
    }
    Ok(samples)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{in_turns, median, percentile_us};

    #[test]
    fn samples_are_ranked() {
        assert!((median(vec![3.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
        assert!(median(Vec::new()).abs() < 1e-9);
        let mut took: Vec<_> = (0..=100).rev().map(Duration::from_micros).collect();
        assert!((percentile_us(&mut took, 99) - 99.0).abs() < 1e-6);
    }

    #[test]
    fn turns_change_their_order() {
        let mut order = Vec::new();
        let samples = in_turns(&["a", "b"], 2, |name| {
            order.push(*name);
            Ok(order.len())
        });
        assert_eq!(samples.unwrap(), [[1, 4], [2, 3]]);
        assert_eq!(order, ["a", "b", "b", "a"]);
    }
}
