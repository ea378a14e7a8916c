//! How large segments become and when the oldest is let go.

use std::time::Duration;

use super::{
    index::Index,
    state::{Floors, Shared, State},
};
use crate::{clock::millis, retention::Retention, sync::read};

/// A limit of the whole log is kept to about this fraction of itself, because whole segments are freed.
const FRACTION: u32 = 16;
/// The sizes that segments are given when the limits alone decide. A small one costs flushes, a large one is slow to
/// scan after a crash; and the segments of a very long history must not need too many open files.
const MIN_BYTES: u64 = 64 << 10;
const USUAL_BYTES: u64 = 64 << 20;
const MAX_BYTES: u64 = 1 << 30;
const MAX_SEGMENTS: u64 = 1024;
const MIN_ENTRIES: u64 = 256;
const MAX_ENTRIES: u64 = 1 << 20;
const MIN_AGE: Duration = Duration::from_secs(1);

#[derive(Clone, Debug)]
pub(crate) struct Limits {
    pub(crate) segment_bytes: u64,
    pub(crate) segment_entries: u32,
    pub(crate) segment_age: Option<Duration>,
    events: Option<u64>,
    age: Option<Duration>,
    bytes: Option<u64>,
}

impl Limits {
    /// The limits of a log, with the size of segments if somebody chose it.
    pub(crate) fn new(retention: &Retention, segment_bytes: Option<u64>) -> Self {
        let by_bytes = retention.bytes.map_or(USUAL_BYTES, |bytes| {
            let fraction = (bytes / u64::from(FRACTION)).clamp(MIN_BYTES, USUAL_BYTES);
            fraction.max(bytes / MAX_SEGMENTS).min(MAX_BYTES)
        });
        let by_events = retention.events.map_or(MAX_ENTRIES, |events| events / u64::from(FRACTION));
        Self {
            segment_bytes: segment_bytes.unwrap_or(by_bytes).min(MAX_BYTES),
            segment_entries: by_events.clamp(MIN_ENTRIES, MAX_ENTRIES) as u32,
            segment_age: retention.age.map(|age| (age / FRACTION).max(MIN_AGE)),
            events: retention.events,
            age: retention.age,
            bytes: retention.bytes,
        }
    }

    /// Whether the oldest segment is outside the limits of the whole log.
    pub(crate) fn oldest_is_over(&self, state: &State, now: u64) -> bool {
        let Some(oldest) = state.sealed.front() else { return false };
        self.events.is_some_and(|events| state.next() - oldest.next() >= events)
            || self.age.is_some_and(|age| oldest.last_time() < now.saturating_sub(millis(age)))
            || self.bytes.is_some_and(|bytes| state.bytes() > bytes)
    }
}

/// Whether the rules of topics keep nothing of the oldest segment.
pub(crate) fn oldest_is_expired(shared: &Shared) -> bool {
    let state = &*read(&shared.state);
    let mut floors = Floors::new(state, shared);
    let Some(oldest) = state.sealed.front().filter(|_| !floors.none()) else { return false };
    oldest.counts().all(|(topic, _, last)| last < floors.of(topic)) && oldest.count() > 0
}
