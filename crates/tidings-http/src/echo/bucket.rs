//! How often something may be done: so many times a second on average, and so many at once.

use std::time::Instant;

/// What is left of it.
#[derive(Debug)]
pub(super) struct Bucket {
    rate: f64,
    most: f64,
    left: f64,
    filled: Instant,
}

impl Bucket {
    pub(super) fn full(rate: u32, most: u32, now: Instant) -> Self {
        let (rate, most) = (f64::from(rate), f64::from(most));
        Self { rate, most, left: most, filled: now }
    }

    /// Takes so many, if there is one. Those that are not there yet are owed.
    pub(super) fn take(&mut self, count: usize, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.filled).as_secs_f64();
        self.left = (self.left + passed * self.rate).min(self.most);
        self.filled = now;
        let is_there = self.left >= 1.0;
        if is_there {
            self.left -= f64::from(u32::try_from(count).unwrap_or(u32::MAX));
        }
        is_there
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_burst_and_then_the_rate() {
        let start = Instant::now();
        let mut bucket = Bucket::full(10, 20, start);
        let mut taken = |at_ms: u64| {
            let now = start + Duration::from_millis(at_ms);
            std::iter::from_fn(|| bucket.take(1, now).then_some(())).count()
        };
        assert_eq!(taken(0), 20);
        assert_eq!(taken(0), 0);
        assert_eq!(taken(250), 2);
        assert_eq!(taken(10_000), 20);
    }

    #[test]
    fn what_is_taken_beyond_is_owed() {
        let start = Instant::now();
        let mut bucket = Bucket::full(10, 20, start);
        assert!(bucket.take(30, start));
        assert!(!bucket.take(1, start + Duration::from_secs(1)));
        assert!(bucket.take(1, start + Duration::from_millis(1200)));
    }
}
