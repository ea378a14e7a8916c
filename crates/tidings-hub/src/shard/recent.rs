//! The newest committed batches, kept for subscribers who are only a little behind: those who just joined, and those
//! whose sink was full for a moment. They catch up from here without a read of the log.

use std::{collections::VecDeque, sync::Arc};

use crate::{
    batch::{Batch, Run},
    manner::Eye,
    settings::ShardLimits,
};

/// Consecutive batches, bounded by [`ShardLimits::recent_events`] and [`ShardLimits::recent_bytes`].
#[derive(Debug)]
pub(super) struct Recent {
    batches: VecDeque<Arc<Batch>>,
    events: usize,
    bytes: usize,
    max_events: usize,
    max_bytes: usize,
}

impl Recent {
    pub(super) fn new(limits: &ShardLimits) -> Self {
        let (max_events, max_bytes) = (limits.recent_events, limits.recent_bytes);
        Self { batches: VecDeque::new(), events: 0, bytes: 0, max_events, max_bytes }
    }

    /// Adds a batch that follows directly on the last.
    pub(super) fn push(&mut self, batch: Arc<Batch>) {
        self.events += batch.entries().len();
        self.bytes += batch.bytes();
        self.batches.push_back(batch);
        while self.events > self.max_events || self.bytes > self.max_bytes {
            let Some(oldest) = self.batches.pop_front() else { break };
            self.events -= oldest.entries().len();
            self.bytes -= oldest.bytes();
        }
    }

    pub(super) fn clear(&mut self) {
        self.batches.clear();
        (self.events, self.bytes) = (0, 0);
    }

    /// Whether every event from this offset on is here.
    pub(super) fn reaches_back_to(&self, offset: u64) -> bool {
        self.batches.front().and_then(|batch| batch.first()).is_some_and(|first| first <= offset)
    }

    /// Puts the events from `cursor` on that are for the subscriber into the run, until it holds `limit`
    /// bytes, and returns the cursor behind all that was considered.
    pub(super) fn select(&self, cursor: u64, eye: &Eye<'_>, limit: usize, run: &mut Run) -> u64 {
        let mut cursor = cursor;
        for batch in &self.batches {
            let skip = batch.entries().partition_point(|entry| entry.position.offset < cursor);
            for (index, entry) in batch.entries().iter().enumerate().skip(skip) {
                if run.len() >= limit {
                    return cursor;
                }
                if eye.wants(&entry.publication) {
                    batch.put(index, eye, run);
                }
                cursor = entry.position.offset + 1;
            }
        }
        cursor
    }
}
