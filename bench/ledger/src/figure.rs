//! Samples, and what is told of several.

use std::time::Duration;

/// What one sample has measured.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sample {
    /// Operations a second.
    pub(crate) per_s: f64,
    /// CPU time of the measured process for one operation, in microseconds.
    pub(crate) cpu_us: f64,
    /// Half of the operations took no longer, in microseconds.
    pub(crate) p50_us: f64,
    /// 99 of 100 operations took no longer, in microseconds.
    pub(crate) p99_us: f64,
}

impl Sample {
    /// Of operations that took so long each, `elapsed` and `cpu_us` in all.
    pub(crate) fn new(mut took: Vec<Duration>, elapsed: Duration, cpu_us: f64) -> Self {
        let count = count(took.len());
        Self {
            per_s: count / elapsed.as_secs_f64(),
            cpu_us: cpu_us / count,
            p50_us: percentile_us(&mut took, 50),
            p99_us: percentile_us(&mut took, 99),
        }
    }
}

/// The medians of several samples, each figure for itself.
pub(crate) fn median_sample(samples: &[Sample]) -> Sample {
    let of = |figure: fn(&Sample) -> f64| median(samples.iter().map(figure));
    Sample {
        per_s: of(|sample| sample.per_s),
        cpu_us: of(|sample| sample.cpu_us),
        p50_us: of(|sample| sample.p50_us),
        p99_us: of(|sample| sample.p99_us),
    }
}

/// The median, the lower one of an even number of figures; 0 of none.
pub(crate) fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<_> = figures.collect();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len().saturating_sub(1) / 2).copied().unwrap_or_default()
}

/// The median of what each round's figure is to its counterpart: what disturbs a round disturbs both.
pub(crate) fn median_ratio(ours: &[Sample], theirs: &[Sample]) -> f64 {
    median(ours.iter().zip(theirs).map(|(our, their)| our.per_s / their.per_s))
}

/// How long the quickest `percent` of a hundred took at the most, in microseconds; 0 of none.
pub(crate) fn percentile_us(took: &mut [Duration], percent: usize) -> f64 {
    let Some(last) = took.len().checked_sub(1) else { return 0.0 };
    let at = last * percent / 100;
    took.select_nth_unstable(at).1.as_secs_f64() * 1e6
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people: 52 bits are plenty")]
pub(crate) fn count(number: usize) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(numbers: impl Iterator<Item = u64>) -> Vec<Duration> {
        numbers.map(Duration::from_millis).collect()
    }

    #[test]
    fn a_sample_counts_and_ranks() {
        let sample = Sample::new(millis((0..=100).rev()), Duration::from_secs(2), 1010.0);
        let close = |is: f64, expected: f64| (is - expected).abs() < 1e-6;
        assert!(close(sample.per_s, 50.5) && close(sample.cpu_us, 10.0), "{sample:?}");
        assert!(close(sample.p50_us, 50_000.0) && close(sample.p99_us, 99_000.0), "{sample:?}");
    }

    #[test]
    fn one_round_that_was_disturbed_moves_no_median() {
        let samples = |rates: [f64; 3]| rates.map(|per_s| Sample { per_s, ..Sample::default() });
        let ratio = median_ratio(&samples([50.0, 5.0, 55.0]), &samples([100.0, 10.0, 500.0]));
        assert!((ratio - 0.5).abs() < 1e-9, "{ratio}");
        assert!(median([].into_iter()).abs() < f64::EPSILON);
    }
}
