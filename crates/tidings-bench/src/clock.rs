//! The clocks.

use std::time::Duration;

use rustix::time::{ClockId, Timespec, clock_gettime};

/// Nanoseconds of `CLOCK_MONOTONIC`: the same for all processes of the machine, so that one may measure what another
/// has sent.
pub(crate) fn now() -> u64 {
    nanoseconds(clock_gettime(ClockId::Monotonic))
}

/// The CPU time that this process has used.
pub(crate) fn own_cpu() -> Duration {
    Duration::from_nanos(nanoseconds(clock_gettime(ClockId::ProcessCPUTime)))
}

/// Seconds between two readings.
pub(crate) fn seconds_between(from: u64, to: u64) -> f64 {
    Duration::from_nanos(to.saturating_sub(from)).as_secs_f64()
}

fn nanoseconds(time: Timespec) -> u64 {
    let parts = (u64::try_from(time.tv_sec), u64::try_from(time.tv_nsec));
    // Neither clock is ever negative, nor 500 years old.
    let (Ok(seconds), Ok(rest)) = parts else { return 0 };
    seconds * 1_000_000_000 + rest
}
