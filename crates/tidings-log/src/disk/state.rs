//! What the writer and the readers share.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    fmt,
    sync::{Arc, RwLock},
};

use tidings_hub::{Entry, Epoch, LogStatus, Position, Topic};

use super::{
    index::{Active, Index, Sealed},
    segment::Life,
    segment_writer::Writes,
};
use crate::{
    clock::{Clock, millis},
    page::memory_bytes,
    retention::Retention,
};

/// Shared by the writer thread, the reader threads and the callers.
pub(crate) struct Shared {
    pub(crate) state: RwLock<State>,
    pub(crate) retention: Retention,
    pub(crate) clock: Clock,
    pub(crate) writes: Arc<Writes>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

/// What is kept of a topic in the whole log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kept {
    pub(crate) events: u64,
    /// The offset of the newest.
    pub(crate) last: u64,
}

/// Everything that is durable (as durable as was asked for) and may be read.
pub(crate) struct State {
    /// The lives of the log, by first offset. Never empty; the last is the present one.
    pub(crate) lives: Vec<Life>,
    pub(crate) sealed: VecDeque<Arc<Sealed>>,
    pub(crate) active: Active,
    pub(crate) topics: BTreeMap<Topic, Kept>,
    /// The newest entries, without I/O. It holds the newest of all whenever there is one.
    pub(crate) tail: VecDeque<Arc<Entry>>,
    tail_bytes: usize,
    max_tail_bytes: usize,
    /// The bytes of the sealed segments and their sidecars.
    pub(crate) sealed_bytes: u64,
    pub(crate) oldest_id: Option<String>,
    pub(crate) trouble: Option<String>,
}

impl State {
    pub(crate) fn new(
        lives: Vec<Life>,
        sealed: VecDeque<Arc<Sealed>>,
        active: Active,
        max_tail_bytes: usize,
    ) -> Self {
        let mut state = Self {
            lives,
            sealed_bytes: sealed.iter().map(|sealed| sealed.bytes()).sum(),
            sealed,
            active,
            topics: BTreeMap::new(),
            tail: VecDeque::new(),
            tail_bytes: 0,
            max_tail_bytes,
            oldest_id: None,
            trouble: None,
        };
        for sealed in &state.sealed {
            for (topic, events, last) in sealed.counts() {
                count(&mut state.topics, topic, events.into(), last);
            }
        }
        for topic in state.active.topics() {
            let postings = state.active.postings(topic);
            if let Some(&last) = postings.last() {
                let last = state.active.first() + u64::from(last);
                count(&mut state.topics, topic, postings.len() as u64, last);
            }
        }
        state
    }

    pub(crate) fn epoch(&self) -> Epoch {
        self.lives.last().map_or(Epoch::new(0), |life| life.epoch)
    }

    /// The epoch that the event of this offset belongs to.
    pub(crate) fn epoch_of(&self, offset: u64) -> Epoch {
        let behind = self.lives.partition_point(|life| life.first <= offset);
        self.lives.get(behind.saturating_sub(1)).map_or(self.epoch(), |life| life.epoch)
    }

    pub(crate) fn position(&self, offset: u64) -> Position {
        Position { epoch: self.epoch_of(offset), offset }
    }

    pub(crate) fn oldest(&self) -> u64 {
        self.sealed.front().map_or(self.active.first(), |sealed| sealed.first())
    }

    pub(crate) fn next(&self) -> u64 {
        self.active.next()
    }

    /// The segment that holds this offset, which is one between the oldest and the end.
    pub(crate) fn segment_of(&self, offset: u64) -> &dyn Index {
        match self.sealed.get(self.sealed.partition_point(|sealed| sealed.next() <= offset)) {
            Some(sealed) => &**sealed,
            None => &self.active,
        }
    }

    /// The entry, if it is one of the newest, which are in memory.
    pub(crate) fn in_tail(&self, offset: u64) -> Option<&Arc<Entry>> {
        let first = self.tail.front()?.position.offset;
        self.tail.get(usize::try_from(offset.checked_sub(first)?).ok()?)
    }

    /// Lets readers see these entries, which were written at these positions of the active segment.
    pub(crate) fn push(&mut self, entries: &[Arc<Entry>], positions: &[u32], end: u32) {
        for (entry, &position) in entries.iter().zip(positions) {
            self.active.push(entry, position);
            let number = self.active.count() - 1;
            for &topic in self.active.topics_of(number) {
                count(&mut self.topics, &self.active.topics()[topic as usize], 1, entry.position.offset);
            }
            self.remember(entry.clone());
        }
        self.active.set_end(end);
    }

    /// Keeps an entry, the newest of all, in memory.
    pub(crate) fn remember(&mut self, entry: Arc<Entry>) {
        if self.oldest_id.is_none() {
            self.oldest_id = Some(entry.id());
        }
        self.tail_bytes += memory_bytes(&entry.publication);
        self.tail.push_back(entry);
        while self.tail_bytes > self.max_tail_bytes && self.tail.len() > 1 {
            self.forget();
        }
    }

    fn forget(&mut self) {
        if let Some(gone) = self.tail.pop_front() {
            self.tail_bytes = self.tail_bytes.saturating_sub(memory_bytes(&gone.publication));
        }
    }

    /// The active segment is full and `next` goes on behind it.
    pub(crate) fn roll(&mut self, sealed: Sealed, next: Active) {
        self.sealed_bytes += sealed.bytes();
        self.sealed.push_back(Arc::new(sealed));
        self.active = next;
    }

    /// Lets go of the oldest segment. `oldest_id` is the id of the entry that is then the oldest.
    pub(crate) fn drop_oldest(&mut self, oldest_id: Option<String>) {
        let Some(gone) = self.sealed.pop_front() else { return };
        self.oldest_id = oldest_id;
        self.sealed_bytes = self.sealed_bytes.saturating_sub(gone.bytes());
        for (topic, events, _) in gone.counts() {
            if let Some(kept) = self.topics.get_mut(topic) {
                kept.events = kept.events.saturating_sub(events.into());
                if kept.events == 0 {
                    self.topics.remove(topic);
                }
            }
        }
        while self.tail.front().is_some_and(|entry| entry.position.offset < gone.next()) {
            self.forget();
        }
    }

    /// The bytes on disk.
    pub(crate) fn bytes(&self) -> u64 {
        self.sealed_bytes + u64::from(self.active.len())
    }

    pub(crate) fn status(&self) -> LogStatus {
        LogStatus {
            epoch: self.epoch(),
            oldest: self.oldest(),
            next: self.next(),
            last: self.next().checked_sub(1).map(|last| self.position(last)),
            last_id: self.tail.back().map(|entry| entry.id()),
            oldest_id: self.oldest_id.clone(),
            oldest_time: match self.sealed.front() {
                Some(sealed) => (sealed.count() > 0).then(|| sealed.time(0)),
                None => self.active.first_time(),
            },
            bytes: self.bytes(),
            trouble: self.trouble.clone(),
        }
    }

    /// The segments from the newest to the oldest.
    pub(crate) fn backwards(&self) -> impl Iterator<Item = &dyn Index> {
        let active: &dyn Index = &self.active;
        std::iter::once(active).chain(self.sealed.iter().rev().map(|sealed| -> &dyn Index { &**sealed }))
    }
}

fn count(topics: &mut BTreeMap<Topic, Kept>, topic: &Topic, events: u64, last: u64) {
    match topics.get_mut(topic) {
        Some(kept) => {
            kept.events += events;
            kept.last = last;
        }
        None => {
            topics.insert(topic.clone(), Kept { events, last });
        }
    }
}

/// The first offset that each topic's rule keeps, worked out when first asked for. For one look at one state.
pub(crate) struct Floors<'a> {
    state: &'a State,
    retention: &'a Retention,
    now: u64,
    known: HashMap<&'a Topic, u64>,
}

impl<'a> Floors<'a> {
    pub(crate) fn new(state: &'a State, shared: &'a Shared) -> Self {
        Self { state, retention: &shared.retention, now: shared.clock.now(), known: HashMap::new() }
    }

    /// Whether no topic has a rule, so that every floor is 0.
    pub(crate) fn none(&self) -> bool {
        self.retention.topics.is_empty()
    }

    pub(crate) fn of(&mut self, topic: &'a Topic) -> u64 {
        if self.none() {
            return 0;
        }
        if let Some(&floor) = self.known.get(topic) {
            return floor;
        }
        let floor = self.work_out(topic);
        self.known.insert(topic, floor);
        floor
    }

    fn work_out(&self, topic: &Topic) -> u64 {
        let Some(rule) = self.retention.rule(topic) else { return 0 };
        let mut floor = 0;
        if let Some(events) = rule.events {
            floor = self.newest(topic, events);
        }
        if let Some(age) = rule.age {
            let since = self.now.saturating_sub(millis(age));
            // The first entry, of any topic, that is young enough: times rise with offsets.
            let sealed = &self.state.sealed;
            let segment = sealed.partition_point(|sealed| sealed.last_time() < since);
            let young = match sealed.get(segment) {
                Some(sealed) => sealed.first() + u64::from(sealed.since(since)),
                None => self.state.active.first() + u64::from(self.state.active.since(since)),
            };
            floor = floor.max(young);
        }
        floor
    }

    /// The offset of the topic's `events`-newest entry; 0 when it has no more than that.
    fn newest(&self, topic: &Topic, events: u64) -> u64 {
        let mut left = events;
        if left == 0 {
            return self.state.next();
        }
        for index in self.state.backwards() {
            let postings = index.postings(topic);
            if postings.len() as u64 >= left {
                return index.first() + u64::from(postings[postings.len() - left as usize]);
            }
            left -= postings.len() as u64;
        }
        0
    }

    /// How many of the topic's entries are at or above its floor, and the offset of the newest.
    pub(crate) fn kept(&mut self, topic: &'a Topic, kept: Kept) -> Kept {
        let floor = self.of(topic);
        if floor == 0 {
            return kept;
        }
        let mut events = 0;
        for index in self.state.backwards() {
            let postings = index.postings(topic);
            let below = postings.partition_point(|&place| index.first() + u64::from(place) < floor);
            events += (postings.len() - below) as u64;
            if index.first() <= floor {
                break;
            }
        }
        Kept { events, ..kept }
    }
}
