//! How long to wait before connecting again.

use std::time::Duration;

/// The wait before the first attempt, when the hub has said nothing.
const FIRST: Duration = Duration::from_secs(1);
/// The shortest wait, whatever the hub says, so that a mistake there does not make this program spin.
const SHORTEST: Duration = Duration::from_millis(100);
/// The longest wait that attempts in a row grow to, unless the hub has asked for more.
const LONGEST: Duration = Duration::from_secs(30);

/// Waits that double with each attempt in a row. Each has up to half of itself added by chance, so that the subscribers
/// of a hub that went away do not come back together; none is shorter than what the hub asked for.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    attempts: u32,
}

impl Backoff {
    /// The next wait. `retry` is what the hub has asked for, in milliseconds.
    pub(super) fn next(&mut self, retry: Option<u64>) -> Duration {
        let first = retry.map_or(FIRST, Duration::from_millis).max(SHORTEST);
        let grown = first.saturating_mul(1 << self.attempts.min(10)).min(first.max(LONGEST));
        self.attempts += 1;
        grown.saturating_add(grown.div_f64(2.0).mul_f64(fastrand::f64()))
    }

    /// The connection worked: the next wait is a first one.
    pub(super) fn reset(&mut self) {
        self.attempts = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_bound_and_start_again() {
        let mut backoff = Backoff::default();
        let mut wait = |least: u64| {
            let wait = backoff.next(None);
            assert!(wait >= Duration::from_secs(least), "{wait:?}");
            assert!(wait <= Duration::from_secs(least).mul_f64(1.5), "{wait:?}");
        };
        for least in [1, 2, 4, 8, 16, 30, 30, 30, 30, 30, 30, 30, 30] {
            wait(least);
        }
        backoff.reset();
        assert!(backoff.next(None) < Duration::from_secs(2));
    }

    #[test]
    fn the_hub_is_never_asked_sooner_than_it_wants() {
        for retry in [0, 1, 60_000, u64::MAX] {
            let mut backoff = Backoff::default();
            for _ in 0..50 {
                assert!(backoff.next(Some(retry)) >= Duration::from_millis(retry));
            }
        }
    }
}
