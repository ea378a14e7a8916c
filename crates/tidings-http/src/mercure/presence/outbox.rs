//! What is still to be announced, in its order, and no more of it than the hub has room for: subscribers come and go as
//! fast as they like, and the log takes what it can.

use std::{collections::VecDeque, ops::Range};

use super::registry::Announcement;

/// How many announcements may wait.
const MAX_WAITING: usize = 100_000;
/// How many bytes those may hold who are announced, about.
const MAX_WAITING_BYTES: usize = 64 << 20;
/// How many events are published at once.
const BATCH: usize = 256;
/// How many bytes they may have, about. One that is larger goes alone, so that it takes no others along if the log refuses
/// it.
const BATCH_BYTES: usize = 256 << 10;

#[derive(Debug, Default)]
pub(super) struct Outbox {
    waiting: VecDeque<Announcement>,
    /// What those hold who are waiting.
    bytes: usize,
    /// How many events of the first have left.
    taken: usize,
    /// How many announcements were given up since it was last empty.
    given_up: u64,
}

/// The announcement of some of a subscriber's subscriptions.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) announcement: Announcement,
    /// Which of them.
    pub(super) subscriptions: Range<usize>,
}

impl Outbox {
    /// Adds an announcement, or gives it up when there is no room.
    pub(super) fn push(&mut self, announcement: Announcement) {
        let bytes = self.bytes + announcement.subscriber.bytes();
        if self.waiting.len() < MAX_WAITING && bytes <= MAX_WAITING_BYTES {
            self.bytes = bytes;
            self.waiting.push_back(announcement);
            return;
        }
        if self.given_up == 0 {
            let waiting = self.waiting.len();
            tracing::warn!(
                waiting,
                "subscribers come and go faster than that can be announced: some are not"
            );
        }
        self.given_up += 1;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// What is to be published next, all at once.
    pub(super) fn next_batch(&mut self) -> Vec<Piece> {
        let (mut batch, mut events, mut bytes) = (Vec::new(), 0, 0);
        while let Some(first) = self.waiting.front() {
            let subscriber = &first.subscriber;
            let mut end = self.taken;
            while end < subscriber.len() {
                let more = bytes + subscriber.event_bytes(end);
                if events > 0 && (events == BATCH || more > BATCH_BYTES) {
                    break;
                }
                (events, bytes, end) = (events + 1, more, end + 1);
            }
            let is_done = end == subscriber.len();
            let subscriptions = self.taken..end;
            if !subscriptions.is_empty() {
                batch.push(Piece { announcement: first.clone(), subscriptions });
            }
            if !is_done {
                self.taken = end;
                return batch;
            }
            self.bytes -= subscriber.bytes();
            self.taken = 0;
            self.waiting.pop_front();
        }
        if self.given_up > 0 {
            tracing::warn!(count = self.given_up, "so many subscribers came or left without an announcement");
            self.given_up = 0;
        }
        batch
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use serde_json::value::RawValue;
    use tidings_hub::Bearer;

    use super::{
        super::{
            super::matcher::{MatchType, Matcher},
            registry::Registry,
        },
        *,
    };

    /// The coming of a subscriber with so many subscriptions, each with so long a payload.
    fn announcement(subscriptions: usize, payload: usize) -> Announcement {
        let text = format!("{:?}", "x".repeat(payload));
        let payload: Arc<RawValue> = RawValue::from_string(text).unwrap().into();
        let matcher = |n: usize| Matcher { kind: MatchType::Exact, text: format!("{n}").into() };
        let subscriptions = (0..subscriptions).map(|n| (matcher(n), Some(payload.clone()))).collect();
        let mut registry = Registry::new(Duration::ZERO);
        registry.enter(0, &Bearer::default(), subscriptions, || "s".into()).unwrap()
    }

    fn sizes(outbox: &mut Outbox) -> Vec<usize> {
        let batches = std::iter::from_fn(|| Some(outbox.next_batch()).filter(|batch| !batch.is_empty()));
        batches.map(|batch| batch.iter().map(|piece| piece.subscriptions.len()).sum()).collect()
    }

    #[test]
    fn a_batch_has_so_many_events_and_divides_subscribers() {
        let mut outbox = Outbox::default();
        (0..6).for_each(|_| outbox.push(announcement(100, 1)));
        assert_eq!(sizes(&mut outbox), [256, 256, 88]);
        assert!(outbox.is_empty() && outbox.bytes == 0);
    }

    #[test]
    fn a_large_event_goes_alone() {
        let mut outbox = Outbox::default();
        outbox.push(announcement(2, 1));
        outbox.push(announcement(2, BATCH_BYTES));
        outbox.push(announcement(3, 1));
        assert_eq!(sizes(&mut outbox), [2, 1, 1, 3]);
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut outbox = Outbox::default();
        let one = announcement(1, 1);
        (0..MAX_WAITING + 10).for_each(|_| outbox.push(one.clone()));
        assert_eq!((outbox.waiting.len(), outbox.given_up), (MAX_WAITING, 10));
        assert_eq!(sizes(&mut outbox).iter().sum::<usize>(), MAX_WAITING);
        assert_eq!((outbox.bytes, outbox.given_up), (0, 0));

        let large = announcement(100, 1 << 20);
        (0..100).for_each(|_| outbox.push(large.clone()));
        assert!(outbox.bytes <= MAX_WAITING_BYTES && outbox.given_up > 0);
        // The payload that all share is there once.
        assert!(outbox.waiting.len() > 50, "{}", outbox.waiting.len());
    }
}
