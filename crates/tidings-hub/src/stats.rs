//! What the hub counts. Plain atomic counters that a front turns into metrics when asked; shards add to them once a
//! round, not once a delivery.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::{control::ResetReason, publication::InvalidPublication, settings::Length};

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

/// The hub's counters since its start, and its gauges.
#[derive(Debug, Default)]
pub(crate) struct Stats {
    pub(crate) published: AtomicU64,
    pub(crate) duplicates: AtomicU64,
    pub(crate) subscribers: AtomicU64,
    pub(crate) subscribed: AtomicU64,
    pub(crate) ended: [AtomicU64; EndReason::ALL.len()],
    pub(crate) behind: AtomicU64,
    pub(crate) delivered: AtomicU64,
    pub(crate) delivered_bytes: AtomicU64,
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
    /// Publications that were duplicates of kept events.
    pub duplicates: u64,
    /// Subscribers at present.
    pub subscribers: u64,
    /// Of these, those who are not up to date: resuming, or slow to take what they are sent.
    pub subscribers_behind: u64,
    /// Subscriptions begun.
    pub subscribed: u64,
    /// Subscriptions ended, by reason.
    pub ended: Vec<(EndReason, u64)>,
    /// Events handed to subscribers: one event to a thousand of them counts a thousand.
    pub delivered: u64,
    /// Bytes of the same.
    pub delivered_bytes: u64,
    /// Pages read from the log for subscribers who were behind.
    pub replay_reads: u64,
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
    pub(crate) fn ended(&self, reason: EndReason) {
        self.ended[reason as usize].fetch_add(1, Relaxed);
        self.subscribers.fetch_sub(1, Relaxed);
    }

    pub(crate) fn refused_length(&self, reason: &InvalidPublication) {
        if let InvalidPublication::TooLong { what, .. } = reason {
            self.refused_lengths[*what as usize].fetch_add(1, Relaxed);
        }
    }

    pub(crate) fn reset(&self, reason: ResetReason) {
        self.resets[reason as usize].fetch_add(1, Relaxed);
    }

    pub(crate) fn read(&self) -> HubStats {
        let get = |counter: &AtomicU64| counter.load(Relaxed);
        HubStats {
            published: get(&self.published),
            duplicates: get(&self.duplicates),
            subscribers: get(&self.subscribers),
            subscribers_behind: get(&self.behind),
            subscribed: get(&self.subscribed),
            ended: EndReason::ALL.iter().map(|&reason| (reason, get(&self.ended[reason as usize]))).collect(),
            delivered: get(&self.delivered),
            delivered_bytes: get(&self.delivered_bytes),
            replay_reads: get(&self.replay_reads),
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
