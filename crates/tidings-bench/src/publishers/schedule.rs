//! When the next request is due.

use std::{io, os::fd::AsRawFd as _, os::fd::OwnedFd};

use mio::{Interest, Registry, Token, unix::SourceFd};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};

const SECOND: u64 = 1_000_000_000;

/// The events that are still to be sent, in requests of so many.
#[derive(Debug)]
pub(super) struct Schedule {
    /// Nanoseconds from one event to the next; none: whenever there is somebody to send it.
    interval: Option<f64>,
    began: u64,
    batch: u32,
    events: u64,
    taken: u64,
}

impl Schedule {
    pub(super) fn new(rate: Option<f64>, batch: u32, events: u64, began: u64) -> Self {
        Self { interval: rate.map(|rate| SECOND as f64 / rate), began, batch, events, taken: 0 }
    }

    /// How many events have not been taken.
    pub(super) fn left(&self) -> u64 {
        self.events - self.taken
    }

    pub(super) fn is_over(&self) -> bool {
        self.left() == 0
    }

    /// When the next request is due, on the monotonic clock, and 0 for at once; `None` when there is none.
    pub(super) fn next_due(&self) -> Option<u64> {
        // A request is due with the last of its events.
        let last = self.taken + u64::from(self.next_count()).checked_sub(1)?;
        Some(self.interval.map_or(0, |interval| self.began + (last as f64 * interval) as u64))
    }

    /// Takes the next request's events, and answers how many they are.
    pub(super) fn take(&mut self) -> u32 {
        let count = self.next_count();
        self.taken += u64::from(count);
        count
    }

    fn next_count(&self) -> u32 {
        u32::try_from(self.left()).unwrap_or(u32::MAX).min(self.batch)
    }
}

/// Wakes the poller at a time, exactly: its own timeouts are whole milliseconds.
#[derive(Debug)]
pub(super) struct Timer(OwnedFd);

impl Timer {
    pub(super) fn new(registry: &Registry, token: Token) -> io::Result<Self> {
        let fd = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        registry.register(&mut SourceFd(&fd.as_raw_fd()), token, Interest::READABLE)?;
        Ok(Self(fd))
    }

    /// Wakes at this time of the monotonic clock, instead of any other.
    pub(super) fn set(&self, at: u64) -> io::Result<()> {
        let none = Timespec { tv_sec: 0, tv_nsec: 0 };
        let [seconds, rest] = [at / SECOND, at % SECOND].map(|part| i64::try_from(part).unwrap_or(i64::MAX));
        let time = Itimerspec { it_interval: none, it_value: Timespec { tv_sec: seconds, tv_nsec: rest } };
        timerfd_settime(&self.0, TimerfdTimerFlags::ABSTIME, &time)?;
        Ok(())
    }

    /// It has woken the poller.
    pub(super) fn acknowledge(&self) {
        // Nothing is there to be read when it was set again in between, which is as good.
        rustix::io::read(&self.0, &mut [0; 8]).ok();
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use mio::{Events, Poll};

    use super::*;

    fn due(mut schedule: Schedule) -> Vec<(u64, u32)> {
        std::iter::from_fn(|| Some((schedule.next_due()?, schedule.take()))).collect()
    }

    #[test]
    fn requests_are_due_at_their_rate_and_in_batches() {
        assert_eq!(due(Schedule::new(Some(1000.0), 1, 3, 5)), [(5, 1), (1_000_005, 1), (2_000_005, 1)]);
        assert_eq!(due(Schedule::new(Some(1000.0), 2, 3, 5)), [(1_000_005, 2), (2_000_005, 1)]);
        assert_eq!(due(Schedule::new(None, 4, 9, 5)), [(0, 4), (0, 4), (0, 1)]);
        assert_eq!(due(Schedule::new(None, 1, 0, 5)), []);
    }

    #[test]
    fn the_timer_wakes_the_poller_in_time() {
        let mut poll = Poll::new().unwrap();
        let timer = Timer::new(poll.registry(), Token(1)).unwrap();
        let mut events = Events::with_capacity(1);
        for _ in 0..2 {
            let begun = Instant::now();
            timer.set(crate::clock::now() + 3_000_000).unwrap();
            poll.poll(&mut events, Some(Duration::from_secs(60))).unwrap();
            assert_eq!(events.iter().count(), 1);
            assert!(begun.elapsed() >= Duration::from_millis(3));
            timer.acknowledge();
        }
    }
}
