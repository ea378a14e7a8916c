//! What is still to be published, in its order, and no more of it than there is room for: connections come and go as fast
//! as they like, and the log takes what it can.

use std::collections::VecDeque;

use tidings_hub::Publication;

/// How many events may wait.
const MAX_WAITING: usize = 100_000;
/// How many bytes of data they may hold.
const MAX_WAITING_BYTES: usize = 64 << 20;
/// How many events are published at once.
const BATCH: usize = 256;
/// How many bytes they may have. One that is larger goes alone, so that it takes no others along if the log refuses it.
const BATCH_BYTES: usize = 256 << 10;

#[derive(Debug, Default)]
pub(super) struct Outbox {
    waiting: VecDeque<Publication>,
    /// The data of those that wait.
    bytes: usize,
    /// How many were given up since it was last empty.
    given_up: u64,
}

impl Outbox {
    /// Adds an event, or gives it up when there is no room.
    pub(super) fn push(&mut self, publication: Publication) {
        let bytes = self.bytes + publication.data.len();
        if self.waiting.len() < MAX_WAITING && bytes <= MAX_WAITING_BYTES {
            self.bytes = bytes;
            self.waiting.push_back(publication);
            return;
        }
        if self.given_up == 0 {
            tracing::warn!("connections come and go faster than that can be announced: some are not");
        }
        self.given_up += 1;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// What is to be published next, all at once.
    pub(super) fn next_batch(&mut self) -> Vec<Publication> {
        let (mut count, mut bytes) = (0, 0);
        for publication in self.waiting.iter().take(BATCH) {
            bytes += publication.data.len();
            if count > 0 && bytes > BATCH_BYTES {
                break;
            }
            count += 1;
        }
        let batch: Vec<_> = self.waiting.drain(..count).collect();
        self.bytes -= batch.iter().map(|publication| publication.data.len()).sum::<usize>();
        if self.waiting.is_empty() && self.given_up > 0 {
            tracing::warn!(count = self.given_up, "so many joins and leaves of channels were not announced");
            self.given_up = 0;
        }
        batch
    }
}

#[cfg(test)]
mod tests {
    use tidings_hub::Topic;

    use super::*;

    fn event(bytes: usize) -> Publication {
        Publication::new(Topic::new("a").unwrap(), "x".repeat(bytes))
    }

    fn sizes(outbox: &mut Outbox) -> Vec<usize> {
        let batches = std::iter::from_fn(|| Some(outbox.next_batch()).filter(|batch| !batch.is_empty()));
        batches.map(|batch| batch.len()).collect()
    }

    #[test]
    fn a_batch_has_so_many_events_and_a_large_one_goes_alone() {
        let mut outbox = Outbox::default();
        (0..300).for_each(|_| outbox.push(event(1)));
        assert_eq!(sizes(&mut outbox), [256, 44]);
        [1, BATCH_BYTES + 1, 1, 1].into_iter().for_each(|bytes| outbox.push(event(bytes)));
        assert_eq!(sizes(&mut outbox), [1, 1, 2]);
        assert_eq!(outbox.bytes, 0);
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut outbox = Outbox::default();
        (0..MAX_WAITING + 2).for_each(|_| outbox.push(event(1)));
        assert_eq!((outbox.waiting.len(), outbox.given_up), (MAX_WAITING, 2));
        (0..sizes(&mut outbox).len()).for_each(drop);
        assert_eq!(outbox.given_up, 0);
        outbox.push(event(MAX_WAITING_BYTES + 1));
        assert!(outbox.waiting.is_empty());
    }
}
