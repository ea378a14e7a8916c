//! What the hub counts. A front turns it into metrics when asked.
//!
//! What is counted often has counters for each shard and for each publishing thread, which are summed up when somebody
//! looks: nothing on the way of an event is shared between cores to be counted.

mod publishing;
mod shard;

use std::{
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

pub(crate) use publishing::{Published, Publishing};
pub(crate) use shard::ShardStats;
pub use shard::{StreamState, Waiting};

use crate::{
    control::ResetReason,
    front::Front,
    histogram::{Distribution, Histogram},
    publication::InvalidPublication,
    settings::Length,
    shard::Inbox,
};

/// Why a subscription ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EndReason {
    /// The subscriber closed the connection.
    Left,
    /// It took nothing for longer than [`Settings::stall`](crate::Settings::stall).
    Stalled,
    /// The hub is stopping and told it to come back.
    Drained,
    /// The log could not be read on.
    LogFailed,
    /// The rights that it was begun with ended.
    Expired,
    /// The rights that it was begun with were taken back.
    Revoked,
    /// It lasted as long as it was to last.
    Lifetime,
    /// The front that it came by ended it.
    Closed,
}

impl EndReason {
    /// Every reason, in the order of the counters.
    pub const ALL: [Self; 8] = [
        Self::Left,
        Self::Stalled,
        Self::Drained,
        Self::LogFailed,
        Self::Expired,
        Self::Revoked,
        Self::Lifetime,
        Self::Closed,
    ];

    /// The metric's label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Stalled => "stalled",
            Self::Drained => "drained",
            Self::LogFailed => "log_failed",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Lifetime => "lifetime",
            Self::Closed => "closed",
        }
    }
}

/// On cache lines of its own: processors fetch two at a time.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Line<T>(T);

/// The hub's counters since its start, and its gauges.
#[derive(Debug)]
pub(crate) struct Stats {
    pub(crate) publishing: Publishing,
    shards: Box<[Line<ShardStats>]>,
    /// Those who have a place: it is what the limit of subscribers is held against.
    pub(crate) subscribers: AtomicU64,
    pub(crate) subscribed: [AtomicU64; Front::ALL.len()],
    /// Reads of history and the time they took.
    pub(crate) replay: Histogram,
    pub(crate) replay_reads: AtomicU64,
    pub(crate) resets: [AtomicU64; 2],
    pub(crate) stalled_sockets: AtomicU64,
    pub(crate) refused_full: AtomicU64,
    pub(crate) refused_selectors: AtomicU64,
    pub(crate) refused_patterns: AtomicU64,
    pub(crate) refused_lengths: [AtomicU64; Length::ALL.len()],
}

/// A reading of the hub's counters and gauges.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HubStats {
    /// Events accepted, duplicates not counted.
    pub published: u64,
    /// The same by where they came from.
    pub published_by: Vec<(Front, u64)>,
    /// Bytes of their data.
    pub published_bytes: u64,
    /// Publications that were duplicates of kept events.
    pub duplicates: u64,
    /// From when a publication came to the hub until the log had it.
    pub publish_time: Distribution,
    /// Subscribers at present.
    pub subscribers: u64,
    /// Of these, those who are not up to date: resuming, or slow to take what they are sent.
    pub subscribers_behind: u64,
    /// Subscribers whose streams have begun, by where they came from and how they stand.
    pub streams: Vec<(Front, StreamState, u64)>,
    /// Events that those who are behind have not considered yet, all together. Looked at once a second.
    pub lag_sum: u64,
    /// The same of the one who is furthest behind.
    pub lag_max: u64,
    /// Subscriptions begun.
    pub subscribed: u64,
    /// The same by where they came from.
    pub subscribed_by: Vec<(Front, u64)>,
    /// Subscriptions ended, by reason.
    pub ended: Vec<(EndReason, u64)>,
    /// The same by where they came from, too.
    pub ended_by: Vec<(Front, EndReason, u64)>,
    /// Events handed to subscribers: one event to a thousand of them counts a thousand.
    pub delivered: u64,
    /// Bytes of the same.
    pub delivered_bytes: u64,
    /// From when a batch came to the log until a shard had written it to the last of its subscribers who are up to date.
    /// Of what came together it is the first that counts.
    pub delivery_time: Distribution,
    /// What waits for each shard.
    pub shards: Vec<Waiting>,
    /// How often a shard was so far behind that it left out what waited, and read the log.
    pub shard_skips: u64,
    /// Pages read from the log for subscribers who were behind.
    pub replay_reads: u64,
    /// How long these took.
    pub replay_time: Distribution,
    /// Resets sent because the cursor was unknown.
    pub resets_unknown: u64,
    /// Resets sent because history was no longer kept.
    pub resets_expired: u64,
    /// Of the subscriptions that ended for being stalled, those on handed-over sockets: the others are found stalled by
    /// the server of their connection, too.
    pub stalled_sockets: u64,
    /// Subscriptions refused because the hub was full.
    pub refused_full: u64,
    /// Subscriptions refused because they asked for too many topics and patterns.
    pub refused_selectors: u64,
    /// Subscriptions refused because they asked by too many patterns.
    pub refused_patterns: u64,
    /// Publications refused because this was longer than [is set](crate::Settings::lengths).
    pub refused_lengths: [(Length, u64); Length::ALL.len()],
}

impl Stats {
    pub(crate) fn new(shards: NonZeroUsize) -> Self {
        Self {
            publishing: Publishing::default(),
            shards: (0..shards.get()).map(|_| Line::default()).collect(),
            subscribers: AtomicU64::default(),
            subscribed: Default::default(),
            replay: Histogram::default(),
            replay_reads: AtomicU64::default(),
            resets: Default::default(),
            stalled_sockets: AtomicU64::default(),
            refused_full: AtomicU64::default(),
            refused_selectors: AtomicU64::default(),
            refused_patterns: AtomicU64::default(),
            refused_lengths: Default::default(),
        }
    }

    /// The counters of a shard, by its number.
    pub(crate) fn shard(&self, number: usize) -> &ShardStats {
        &self.shards[number].0
    }

    pub(crate) fn refused_length(&self, reason: &InvalidPublication) {
        if let InvalidPublication::TooLong { what, .. } = reason {
            self.refused_lengths[*what as usize].fetch_add(1, Relaxed);
        }
    }

    pub(crate) fn reset(&self, reason: ResetReason) {
        self.resets[reason as usize].fetch_add(1, Relaxed);
    }

    fn sum<'s>(&'s self, counter: impl Fn(&'s ShardStats) -> &'s AtomicU64) -> u64 {
        count_all(self.shards().map(counter))
    }

    fn shards(&self) -> impl Iterator<Item = &ShardStats> {
        self.shards.iter().map(|Line(shard)| shard)
    }

    pub(crate) fn read(&self, inboxes: &[Arc<Inbox>]) -> HubStats {
        let get = |counter: &AtomicU64| counter.load(Relaxed);
        let (published_by, subscribed_by) =
            (self.publishing.events(), by_front(|front| get(&self.subscribed[front as usize])));
        let fronts = || Front::ALL.into_iter();
        let ended_by: Vec<_> = fronts()
            .flat_map(|front| EndReason::ALL.map(|reason| (front, reason)))
            .map(|(front, reason)| {
                (front, reason, self.sum(|shard| &shard.ended[front as usize][reason as usize]))
            })
            .collect();
        let ended =
            |reason| ended_by.iter().filter(|(_, one, _)| *one == reason).map(|(_, _, count)| count).sum();
        let streams = fronts().flat_map(|front| StreamState::ALL.map(|state| (front, state)));
        // Whoever was behind when they were last looked at may be up to date, or gone, by now.
        let lagging: Vec<_> = self.shards().filter(|shard| shard.behind() > 0).collect();
        HubStats {
            published: published_by.iter().map(|(_, count)| count).sum(),
            published_by,
            published_bytes: self.publishing.bytes(),
            duplicates: self.publishing.duplicates(),
            publish_time: self.publishing.time(),
            subscribers: get(&self.subscribers),
            subscribers_behind: lagging.iter().map(|shard| shard.behind()).sum(),
            streams: streams
                .map(|(front, state)| {
                    (front, state, self.sum(|shard| &shard.streams[front as usize][state as usize]))
                })
                .collect(),
            lag_sum: lagging.iter().map(|shard| get(&shard.lag_sum)).sum(),
            lag_max: lagging.iter().map(|shard| get(&shard.lag_max)).max().unwrap_or_default(),
            subscribed: subscribed_by.iter().map(|(_, count)| count).sum(),
            subscribed_by,
            ended: EndReason::ALL.iter().map(|&reason| (reason, ended(reason))).collect(),
            ended_by,
            delivered: self.sum(|shard| &shard.delivered),
            delivered_bytes: self.sum(|shard| &shard.delivered_bytes),
            delivery_time: self.shards().map(|shard| shard.delivery.read()).collect(),
            shards: inboxes.iter().map(|inbox| inbox.waiting()).collect(),
            shard_skips: self.sum(|shard| &shard.skips),
            replay_reads: get(&self.replay_reads),
            replay_time: self.replay.read(),
            resets_unknown: get(&self.resets[ResetReason::Unknown as usize]),
            resets_expired: get(&self.resets[ResetReason::Expired as usize]),
            stalled_sockets: get(&self.stalled_sockets),
            refused_full: get(&self.refused_full),
            refused_selectors: get(&self.refused_selectors),
            refused_patterns: get(&self.refused_patterns),
            refused_lengths: Length::ALL.map(|length| (length, get(&self.refused_lengths[length as usize]))),
        }
    }
}

fn count_all<'c>(counters: impl Iterator<Item = &'c AtomicU64>) -> u64 {
    // Gauges of several threads may be read in the midst of a change; the next reading is whole.
    counters.fold(0, |sum, counter| sum.wrapping_add(counter.load(Relaxed)))
}

fn by_front(count: impl Fn(Front) -> u64) -> Vec<(Front, u64)> {
    Front::ALL.iter().map(|&front| (front, count(front))).collect()
}
