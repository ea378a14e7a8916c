//! How long to wait before the next attempt.

use std::time::Duration;

/// The longest wait after a first failure.
const FIRST: Duration = Duration::from_millis(250);
/// The longest wait after any number of failures: what came back is noticed within this time.
const MOST: Duration = Duration::from_secs(5);

/// Exponential back-off with jitter: the bound doubles with each failure in a row, from a quarter of a second to
/// five seconds, and the wait is a random time between half the bound and the bound, so that many hubs that lost the same
/// server do not return to it in step.
#[derive(Clone, Debug)]
pub(crate) struct Backoff {
    bound: Duration,
}

impl Backoff {
    /// What held at least this long had recovered, so that its next failure is a first one.
    pub(crate) const RECOVERED: Duration = Duration::from_secs(2);

    pub(crate) fn new() -> Self {
        Self { bound: FIRST }
    }

    /// The wait after one more failure.
    pub(crate) fn next(&mut self) -> Duration {
        let bound = self.bound;
        self.bound = (bound * 2).min(MOST);
        bound.mul_f64(0.5 + fastrand::f64() / 2.0)
    }

    /// Something worked: the next failure is a first one.
    pub(crate) fn reset(&mut self) {
        self.bound = FIRST;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_the_bound_and_begin_anew_after_a_success() {
        let mut backoff = Backoff::new();
        let mut bound = FIRST;
        for _ in 0..20 {
            let wait = backoff.next();
            assert!(wait >= bound / 2 && wait <= bound, "{wait:?} within {bound:?}");
            bound = (bound * 2).min(MOST);
        }
        backoff.reset();
        assert!(backoff.next() <= FIRST);
    }
}
