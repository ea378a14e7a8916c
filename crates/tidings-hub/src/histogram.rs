//! Histograms with fixed buckets, each twice as wide as the one before: cheap to add to, and to sum up.

use std::{
    array,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// Buckets with a bound. There is one more, for what is larger.
const BOUNDED: usize = 21;

/// What is counted, and so where the buckets end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Scale {
    /// Times: from 10 µs to 10 s.
    #[default]
    Time,
    /// Numbers: from 1 to a million.
    Number,
}

impl Scale {
    /// What the first bucket reaches up to: nanoseconds, or things.
    fn unit(self) -> u64 {
        match self {
            Self::Time => 10_000,
            Self::Number => 1,
        }
    }

    /// What one of what is summed up is of the metric's unit.
    fn factor(self) -> f64 {
        match self {
            Self::Time => 1e-9,
            Self::Number => 1.0,
        }
    }

    /// The bucket of a value.
    fn bucket(self, value: u64) -> usize {
        match value.div_ceil(self.unit()) {
            0 | 1 => 0,
            units => ((u64::BITS - (units - 1).leading_zeros()) as usize).min(BOUNDED),
        }
    }
}

/// A histogram that any thread adds to. Where it is hot, each thread has its own, and a reading is the sum.
#[derive(Debug, Default)]
pub struct Histogram {
    scale: Scale,
    counts: [AtomicU64; BOUNDED + 1],
    sum: AtomicU64,
}

impl Histogram {
    /// An empty one.
    pub fn new(scale: Scale) -> Self {
        Self { scale, ..Self::default() }
    }

    /// Adds a time.
    pub fn time(&self, time: Duration) {
        self.add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Adds a value, of a time its nanoseconds.
    pub fn add(&self, value: u64) {
        self.counts[self.scale.bucket(value)].fetch_add(1, Relaxed);
        self.sum.fetch_add(value, Relaxed);
    }

    /// A reading.
    pub fn read(&self) -> Distribution {
        let counts = array::from_fn(|bucket| self.counts[bucket].load(Relaxed));
        Distribution { scale: self.scale, counts, sum: self.sum.load(Relaxed) }
    }
}

/// What a [`Histogram`] held when it was read.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Distribution {
    scale: Scale,
    counts: [u64; BOUNDED + 1],
    sum: u64,
}

impl Distribution {
    /// The sum of all that was added, in seconds or things.
    pub fn sum(&self) -> f64 {
        self.sum as f64 * self.scale.factor()
    }

    /// How often something was added.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Each bucket's upper bound, in seconds or things, and what is in this bucket alone. The last has no bound.
    pub fn buckets(&self) -> impl Iterator<Item = (f64, u64)> {
        let bound = |bucket: usize| match bucket < BOUNDED {
            true => (self.scale.unit() << bucket) as f64 * self.scale.factor(),
            false => f64::INFINITY,
        };
        self.counts.iter().enumerate().map(move |(bucket, count)| (bound(bucket), *count))
    }
}

/// Readings of the same scale together.
impl FromIterator<Distribution> for Distribution {
    fn from_iter<I: IntoIterator<Item = Self>>(readings: I) -> Self {
        let sum = |mut sum: Self, one: Self| {
            sum.counts.iter_mut().zip(one.counts).for_each(|(all, count)| *all += count);
            sum.sum = sum.sum.wrapping_add(one.sum);
            sum
        };
        readings.into_iter().reduce(sum).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_in_the_first_bucket_that_reaches_up_to_it() {
        let histogram = Histogram::new(Scale::Number);
        for value in [0, 1, 2, 3, 4, 5, 1 << 20, (1 << 20) + 1, 1 << 40] {
            histogram.add(value);
        }
        let buckets: Vec<_> = histogram.read().buckets().filter(|(_, count)| *count > 0).collect();
        assert_eq!(buckets, [(1.0, 2), (2.0, 1), (4.0, 2), (8.0, 1), (1_048_576.0, 1), (f64::INFINITY, 2)]);
    }

    #[test]
    fn times_are_seconds_and_readings_add_up() {
        let readings = [10_u64, 11, 9_000_000].map(|us| {
            let histogram = Histogram::new(Scale::Time);
            histogram.time(Duration::from_micros(us));
            histogram.read()
        });
        let all: Distribution = readings.into_iter().collect();
        assert_eq!(all.count(), 3);
        assert!((all.sum() - 9.000_021).abs() < 1e-9, "{}", all.sum());
        let bounds: Vec<_> = all.buckets().filter(|(_, count)| *count > 0).map(|(bound, _)| bound).collect();
        let expected = [10e-6, 20e-6, 10.485_76];
        assert!(bounds.iter().zip(expected).all(|(bound, expected)| (bound - expected).abs() < 1e-9));
    }
}
