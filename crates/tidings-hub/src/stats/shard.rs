//! What a shard counts. Its thread alone adds, so that the counters cost what plain ones do; whoever reads sums them up.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use super::EndReason;
use crate::{front::Front, histogram::Histogram};

/// How a subscriber stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StreamState {
    /// Up to date.
    Live,
    /// Resuming, or making up for what it could not take.
    CatchingUp,
    /// Its connection takes no more for now.
    Blocked,
}

impl StreamState {
    /// Every one, in the order of the gauges.
    pub const ALL: [Self; 3] = [Self::Live, Self::CatchingUp, Self::Blocked];

    /// The metric's label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::CatchingUp => "catching_up",
            Self::Blocked => "blocked",
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct ShardStats {
    pub(crate) streams: [[AtomicU64; StreamState::ALL.len()]; Front::ALL.len()],
    pub(crate) ended: [[AtomicU64; EndReason::ALL.len()]; Front::ALL.len()],
    pub(crate) delivered: AtomicU64,
    pub(crate) delivered_bytes: AtomicU64,
    /// From a batch's coming to the log until it was written to the last who is up to date.
    pub(crate) delivery: Histogram,
    /// How often it was so far behind that it had to read the log.
    pub(crate) skips: AtomicU64,
    /// Events that those who are behind have not considered, all together, when last looked at.
    pub(crate) lag_sum: AtomicU64,
    /// The same of the one who is furthest behind.
    pub(crate) lag_max: AtomicU64,
}

impl ShardStats {
    pub(crate) fn enter(&self, front: Front, state: StreamState) {
        self.streams[front as usize][state as usize].fetch_add(1, Relaxed);
    }

    pub(crate) fn leave(&self, front: Front, state: StreamState) {
        self.streams[front as usize][state as usize].fetch_sub(1, Relaxed);
    }

    pub(crate) fn ended(&self, front: Front, reason: EndReason) {
        self.ended[front as usize][reason as usize].fetch_add(1, Relaxed);
    }

    /// Subscribers who are not up to date.
    pub(crate) fn behind(&self) -> u64 {
        let not_live = |state: &[AtomicU64; StreamState::ALL.len()]| {
            StreamState::ALL
                .iter()
                .filter(|one| **one != StreamState::Live)
                .map(|&one| state[one as usize].load(Relaxed))
                .sum::<u64>()
        };
        self.streams.iter().map(not_live).sum()
    }
}

/// What waits for a shard.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Waiting {
    /// Events that it has not begun to deliver.
    pub events: u64,
    /// Their wire bytes.
    pub bytes: u64,
    /// Since when the oldest of them waits; nothing when none does.
    pub oldest: Duration,
}
