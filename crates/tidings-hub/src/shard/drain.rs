//! How the subscribers of a hub that stops are sent away: one after the other over some time, so that those who come
//! back do not come all at once, and none before what was acknowledged has reached it if it will not come back.

use std::time::{Duration, Instant};

use super::{Shard, SubscriberId, index::SubscriberKey, subscriber::State};
use crate::{control::retry, stats::EndReason};

/// Between two looks at who is to go.
const STEP: Duration = Duration::from_millis(20);

/// In what time the subscribers go, and in what time they are to come back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    pub(crate) over: Duration,
    pub(crate) window: Duration,
}

/// A drain that has begun.
#[derive(Debug)]
pub(super) struct Drain {
    pace: Pace,
    begun: Instant,
    next_step: Instant,
    /// How many there were.
    all: usize,
    /// Whose turn has not come, in the reverse order of their turns, which is random: those who came together should not
    /// come back together.
    left: Vec<SubscriberId>,
    /// A part of one subscriber, so that the shards do not all send away their first, or last, at the same time.
    luck: f64,
    /// Whose turn has come, each with the offset that what it is sent must reach before.
    waiting: Vec<(SubscriberId, u64)>,
}

impl Drain {
    fn new(pace: Pace, mut subscribers: Vec<SubscriberId>, now: Instant) -> Self {
        fastrand::shuffle(&mut subscribers);
        Self {
            pace,
            begun: now,
            next_step: now,
            all: subscribers.len(),
            left: subscribers,
            luck: fastrand::f64(),
            waiting: Vec::new(),
        }
    }

    /// When to look again, while anybody is left who has not been told.
    pub(super) fn next_step(&self) -> Option<Instant> {
        (!self.left.is_empty() || !self.waiting.is_empty()).then_some(self.next_step)
    }

    /// Somebody comes in who was accepted before the drain began.
    pub(super) fn add(&mut self, subscriber: SubscriberId, committed: u64) {
        self.waiting.push((subscriber, committed));
    }

    /// Those whose turn has come since the last call.
    fn take_due(&mut self, now: Instant) -> Vec<SubscriberId> {
        let (passed, over) = (now - self.begun, self.pace.over);
        let still_here = match passed >= over {
            true => 0,
            false => {
                let part = passed.as_secs_f64() / over.as_secs_f64();
                self.all.saturating_sub((self.all as f64 * part + self.luck) as usize)
            }
        };
        self.left.split_off(still_here.min(self.left.len()))
    }
}

impl Shard {
    /// Begins to send everybody away. A second time it begins anew, at another pace.
    pub(super) fn drain(&mut self, pace: Pace) {
        let subscribers = self.subscribers.iter().map(|(_, subscriber)| subscriber.id).collect();
        self.drain = Some(Drain::new(pace, subscribers, Instant::now()));
        self.send_away();
    }

    /// Sends those away whose turn has come.
    pub(super) fn send_away(&mut self) {
        let now = Instant::now();
        let Some(drain) = self.drain.as_mut().filter(|drain| drain.next_step <= now) else { return };
        drain.next_step = now + STEP;
        let window = drain.pace.window;
        let (due, mut waiting) = (drain.take_due(now), std::mem::take(&mut drain.waiting));
        if !due.is_empty() {
            // Read behind the turn, so that everything is below it that a publisher was told of before.
            let committed = self.shared.log.status().next;
            waiting.extend(due.into_iter().map(|id| (id, committed)));
        }
        waiting.retain(|&(id, committed)| {
            let Some(&key) = self.by_id.get(&id) else { return false };
            let waits = self.must_have(key, committed);
            if !waits {
                self.dismiss(key, window);
            }
            waits
        });
        if let Some(drain) = &mut self.drain {
            drain.waiting = waiting;
        }
    }

    /// Ends the streams of those who have not gone: they do not read, or would have had to be sent more.
    pub(super) fn cut_off_the_rest(&mut self) {
        let left: Vec<SubscriberKey> = self.subscribers.iter().map(|(key, _)| key).collect();
        left.into_iter().for_each(|key| self.cut_off(key, EndReason::Drained));
    }

    /// Whether a subscriber must still be sent something below this offset. Those who come back find it then; but one
    /// whose farewell is its own may have been told by it that this was all.
    fn must_have(&self, key: SubscriberKey, committed: u64) -> bool {
        let subscriber = &self.subscribers[key];
        let reached = match subscriber.state {
            State::Live(_) => subscriber.cursor.max(self.position),
            _ => subscriber.cursor,
        };
        reached < committed && subscriber.ending.is_none() && subscriber.farewell().is_some()
    }

    /// Tells a subscriber to come back, and ends its stream.
    fn dismiss(&mut self, key: SubscriberKey, window: Duration) {
        let subscriber = &mut self.subscribers[key];
        if subscriber.ending.is_none() {
            let last = subscriber.farewell();
            let last = last.unwrap_or_else(|| retry(drain_retry_ms(window), subscriber.naming()));
            subscriber.put([last]);
            self.wind_up(key, EndReason::Drained);
        }
    }
}

/// A reconnection time for one of a crowd: spread over the window, so that it does not come back at once.
pub(crate) fn drain_retry_ms(window: Duration) -> u64 {
    /// Below this a browser would be back before the hub is.
    const SHORTEST_MS: u64 = 500;
    let window = u64::try_from(window.as_millis()).unwrap_or(u64::MAX);
    fastrand::u64(..=window).saturating_add(SHORTEST_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(over: Duration, passed: &[Duration]) -> Vec<usize> {
        let now = Instant::now();
        let mut drain = Drain::new(Pace { over, window: Duration::ZERO }, (0..100).collect(), now);
        passed.iter().map(|passed| drain.take_due(now + *passed).len()).collect()
    }

    #[test]
    fn turns_come_evenly_and_all_in_time() {
        let second = Duration::from_secs(1);
        let ended = ended(10 * second, &[Duration::ZERO, second, second, 5 * second, 10 * second]);
        assert!(ended[0] <= 1 && (9..=11).contains(&ended[1]) && ended[2] == 0, "{ended:?}");
        assert!((39..=41).contains(&ended[3]), "{ended:?}");
        assert_eq!(ended.iter().sum::<usize>(), 100);
    }

    #[test]
    fn no_time_means_at_once_and_the_longest_is_no_overflow() {
        assert_eq!(ended(Duration::ZERO, &[Duration::ZERO]), [100]);
        assert!(ended(Duration::MAX, &[Duration::from_secs(1)])[0] <= 1);
    }
}
