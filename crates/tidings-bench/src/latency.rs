//! Latencies, as a histogram of microseconds.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// The longest that is told from longer ones: an hour.
const MAX_MICROSECONDS: u64 = 3_600_000_000;
/// Three digits: a latency is exact to a thousandth of itself.
const DIGITS: u8 = 3;

/// How long things took. Serializes as pairs of microseconds and how many.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(into = "Vec<(u64, u64)>", from = "Vec<(u64, u64)>")]
pub struct Latencies(Histogram<u64>);

/// Milliseconds of the usual ranks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Percentiles {
    /// Half took no longer than this.
    pub p50: f64,
    /// 99 % took no longer than this.
    pub p99: f64,
    /// 99.9 % took no longer than this.
    pub p99_9: f64,
    /// The longest.
    pub max: f64,
}

impl Latencies {
    /// Counts one, of so many nanoseconds.
    #[inline]
    pub fn record(&mut self, nanoseconds: u64) {
        self.0.saturating_record(nanoseconds / 1000);
    }

    /// Adds those that somebody else has measured.
    pub fn merge(&mut self, other: &Self) {
        for counted in other.0.iter_recorded() {
            self.0.saturating_record_n(counted.value_iterated_to(), counted.count_at_value());
        }
    }

    /// The ranks, if anything was counted.
    pub fn percentiles(&self) -> Option<Percentiles> {
        let at = |quantile| self.0.value_at_quantile(quantile) as f64 / 1000.0;
        (!self.0.is_empty()).then(|| Percentiles {
            p50: at(0.5),
            p99: at(0.99),
            p99_9: at(0.999),
            max: self.0.max() as f64 / 1000.0,
        })
    }
}

impl Default for Latencies {
    fn default() -> Self {
        // Only bounds that contradict each other are refused.
        Self(Histogram::new_with_bounds(1, MAX_MICROSECONDS, DIGITS).unwrap_or_else(|_| unreachable!()))
    }
}

impl From<Latencies> for Vec<(u64, u64)> {
    fn from(latencies: Latencies) -> Self {
        latencies.0.iter_recorded().map(|one| (one.value_iterated_to(), one.count_at_value())).collect()
    }
}

impl From<Vec<(u64, u64)>> for Latencies {
    fn from(counted: Vec<(u64, u64)>) -> Self {
        let mut latencies = Self::default();
        for (microseconds, count) in counted {
            latencies.0.saturating_record_n(microseconds, count);
        }
        latencies
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_milliseconds_and_survive_the_way_between_processes() {
        let mut latencies = Latencies::default();
        assert_eq!(latencies.percentiles(), None);
        for millisecond in 1..=1000 {
            latencies.record(millisecond * 1_000_000);
        }
        let text = serde_json::to_string(&latencies).unwrap();
        let mut both: Latencies = serde_json::from_str(&text).unwrap();
        both.merge(&latencies);
        for ranks in [latencies.percentiles().unwrap(), both.percentiles().unwrap()] {
            for (rank, expected) in
                [(ranks.p50, 500.0), (ranks.p99, 990.0), (ranks.p99_9, 999.0), (ranks.max, 1000.0)]
            {
                assert!((rank / expected - 1.0).abs() < 0.002, "{rank} is not {expected}");
            }
        }
        latencies.record(u64::MAX);
        assert!(latencies.percentiles().is_some());
    }
}
