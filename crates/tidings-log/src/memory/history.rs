//! The entries in memory and their indexes. Nothing here waits or locks.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    ops::Bound,
    sync::Arc,
};

use tidings_hub::{
    Appended, Entry, Epoch, LogStatus, Lookup, Page, Position, Publication, ReadLimit, Selection, Topic,
    TopicSummary,
};

use crate::{
    clock::{Clock, millis},
    page::{PageBuilder, memory_bytes},
    place::behind,
    retention::Retention,
};

/// The most entries that one read passes over, so that it holds the lock for a bounded time.
const MAX_SCAN: usize = 8192;

/// An entry's place. One that its topics' rules have let go keeps its topics, so that readers are told of the gap.
#[derive(Debug)]
enum Slot {
    Kept(Arc<Entry>),
    Gone(Box<[Topic]>),
}

#[derive(Debug)]
pub(super) struct History {
    epoch: Epoch,
    retention: Retention,
    clock: Clock,
    /// The offset of the first slot.
    oldest: u64,
    slots: VecDeque<Slot>,
    /// The offsets of each topic's entries, and nothing of topics without any.
    topics: BTreeMap<Topic, VecDeque<u64>>,
    /// The offset of each publisher-given id.
    ids: HashMap<Box<str>, u64>,
    bytes: u64,
    /// The time of the newest entry there ever was.
    last_time: u64,
}

impl History {
    pub(super) fn new(epoch: Epoch, retention: Retention, clock: Clock) -> Self {
        Self {
            epoch,
            retention,
            clock,
            oldest: 0,
            slots: VecDeque::new(),
            topics: BTreeMap::new(),
            ids: HashMap::new(),
            bytes: 0,
            last_time: 0,
        }
    }

    fn next(&self) -> u64 {
        self.oldest + self.slots.len() as u64
    }

    fn slot(&self, offset: u64) -> Option<&Slot> {
        self.slots.get(usize::try_from(offset.checked_sub(self.oldest)?).ok()?)
    }

    fn entry(&self, offset: u64) -> Option<&Arc<Entry>> {
        match self.slot(offset)? {
            Slot::Kept(entry) => Some(entry),
            Slot::Gone(_) => None,
        }
    }

    /// Appends a batch. Whether an id is kept is judged by what there was before the batch, and by the batch itself,
    /// not by what the batch pushes over a topic's limit.
    pub(super) fn append(&mut self, batch: Vec<Publication>, new: &mut Vec<Arc<Entry>>) -> Vec<Appended> {
        let known: Vec<_> =
            batch.iter().map(|publication| self.visible_id(publication.id.as_deref()?)).collect();
        let first = self.next();
        let mut answers = Vec::with_capacity(batch.len());
        for (publication, known) in batch.into_iter().zip(known) {
            let earlier =
                || self.ids.get(publication.id.as_deref()?).copied().filter(|&offset| offset >= first);
            answers.push(match known.or_else(earlier) {
                Some(offset) => {
                    Appended { position: Position { epoch: self.epoch, offset }, duplicate: true }
                }
                None => Appended { position: self.push(publication, new), duplicate: false },
            });
        }
        answers
    }

    fn push(&mut self, publication: Publication, new: &mut Vec<Arc<Entry>>) -> Position {
        let position = Position { epoch: self.epoch, offset: self.next() };
        self.last_time = self.last_time.max(self.clock.now());
        if let Some(id) = &publication.id {
            self.ids.insert(id.clone(), position.offset);
        }
        for topic in distinct(&publication.topics) {
            self.topics.entry(topic.clone()).or_default().push_back(position.offset);
        }
        self.bytes += memory_bytes(&publication) as u64;
        let entry = Arc::new(Entry { position, time: self.last_time, publication });
        self.slots.push_back(Slot::Kept(entry.clone()));
        new.push(entry);
        position
    }

    /// The first offset that this topic's rule keeps.
    fn floor(&self, topic: &Topic) -> u64 {
        let (Some(rule), Some(offsets)) = (self.retention.rule(topic), self.topics.get(topic)) else {
            return 0;
        };
        let mut kept = 0;
        if let Some(events) = rule.events {
            kept = offsets.len().saturating_sub(usize::try_from(events).unwrap_or(usize::MAX));
        }
        if let Some(age) = rule.age {
            let since = self.clock.now().saturating_sub(millis(age));
            // What is gone already was older.
            let young =
                offsets.partition_point(|&offset| self.entry(offset).is_none_or(|entry| entry.time < since));
            kept = kept.max(young);
        }
        offsets.get(kept).copied().unwrap_or_else(|| self.next())
    }

    /// Whether one of these topics still has the entry of this offset for this selection.
    fn visible(&self, offset: u64, topics: &[Topic], selection: &Selection) -> bool {
        topics.iter().any(|topic| selection.matches(topic) && self.floor(topic) <= offset)
    }

    fn visible_id(&self, id: &str) -> Option<u64> {
        let &offset = self.ids.get(id)?;
        let entry = self.entry(offset)?;
        self.visible(offset, &entry.publication.topics, &Selection::all()).then_some(offset)
    }

    pub(super) fn read(&self, from: u64, selection: &Selection, limit: ReadLimit) -> Page {
        let start = from.max(self.oldest);
        let mut gap = from < self.oldest;
        let mut builder = PageBuilder::new(limit);
        let mut next = start.max(self.next());
        if selection.is_exact() && selection.topics().len() == 1 {
            let topic = &selection.topics()[0];
            let floor = self.floor(topic);
            let offsets = self.topics.get(topic);
            let behind = offsets.map_or(0, |offsets| offsets.partition_point(|&offset| offset < start));
            for &offset in offsets.into_iter().flat_map(|offsets| offsets.range(behind..)) {
                match self.entry(offset) {
                    Some(entry) if offset >= floor => {
                        if !builder.push(entry) {
                            next = offset;
                            break;
                        }
                    }
                    _ => gap = true,
                }
            }
        } else if !selection.is_empty() {
            let end = self.next().min(start.saturating_add(MAX_SCAN as u64));
            next = end.max(start);
            for offset in start..end {
                let (topics, entry) = match self.slot(offset) {
                    Some(Slot::Kept(entry)) => (&entry.publication.topics, Some(entry)),
                    Some(Slot::Gone(topics)) => (topics, None),
                    None => break,
                };
                if !selection.matches_any(topics) {
                    continue;
                }
                match entry {
                    Some(entry) if self.visible(offset, topics, selection) => {
                        if !builder.push(entry) {
                            next = offset;
                            break;
                        }
                    }
                    _ => gap = true,
                }
            }
        }
        Page { entries: builder.entries, next: next.min(self.next()), gap }
    }

    pub(super) fn find(&self, id: &str) -> Lookup {
        let Ok(position) = id.parse::<Position>() else {
            return self.visible_id(id).map_or(Lookup::Unknown, |offset| Lookup::After(offset + 1));
        };
        let offset = position.offset;
        if position.epoch != self.epoch || offset >= self.next() {
            return Lookup::Unknown;
        }
        behind(offset, self.oldest)
    }

    pub(super) fn newest(&self, selection: &Selection, count: usize) -> u64 {
        if selection.is_all() && self.retention.topics.is_empty() {
            return self.next().saturating_sub(count as u64).max(self.oldest);
        }
        let mut newest = BTreeSet::new();
        for (topic, offsets) in self.selected(selection) {
            let floor = self.floor(topic);
            // The newest of all are among the newest of each.
            for &offset in offsets.iter().rev().take(count).take_while(|&&offset| offset >= floor) {
                newest.insert(offset);
                if newest.len() > count {
                    newest.pop_first();
                }
            }
        }
        newest.first().copied().unwrap_or_else(|| self.next())
    }

    /// The topics that a selection matches, each matched once or, when they are named, looked up.
    fn selected<'a>(
        &'a self,
        selection: &'a Selection,
    ) -> Box<dyn Iterator<Item = (&'a Topic, &'a VecDeque<u64>)> + 'a> {
        match selection.is_exact() {
            true => Box::new(selection.topics().iter().filter_map(|topic| self.topics.get_key_value(topic))),
            false => Box::new(self.topics.iter().filter(|(topic, _)| selection.matches(topic))),
        }
    }

    pub(super) fn topics(
        &self,
        selection: &Selection,
        after: Option<&Topic>,
        limit: usize,
    ) -> Vec<TopicSummary> {
        let behind = after.map_or(Bound::Unbounded, Bound::Excluded);
        let summaries =
            self.topics.range::<Topic, _>((behind, Bound::Unbounded)).filter_map(|(topic, offsets)| {
                let floor = selection.matches(topic).then(|| self.floor(topic))?;
                let kept = offsets.partition_point(|&offset| offset < floor);
                let last = self.entry(*offsets.range(kept..).next_back()?)?;
                Some(TopicSummary {
                    topic: topic.clone(),
                    events: (offsets.len() - kept) as u64,
                    last_id: last.id(),
                })
            });
        summaries.take(limit).collect()
    }

    pub(super) fn status(&self) -> LogStatus {
        let kept = |slot: &Slot| match slot {
            Slot::Kept(entry) => Some(entry.id()),
            Slot::Gone(_) => None,
        };
        LogStatus {
            epoch: self.epoch,
            oldest: self.oldest,
            next: self.next(),
            last: self.next().checked_sub(1).map(|offset| Position { epoch: self.epoch, offset }),
            last_id: self.slots.iter().rev().find_map(kept),
            oldest_id: self.slots.iter().find_map(kept),
            oldest_time: self.slots.iter().find_map(|slot| match slot {
                Slot::Kept(entry) => Some(entry.time),
                Slot::Gone(_) => None,
            }),
            bytes: self.bytes,
            trouble: None,
        }
    }

    /// Lets go, from the old end, of what the limits of the whole log do not keep.
    pub(super) fn trim(&mut self) {
        let now = self.clock.now();
        while let Some(first) = self.slots.front() {
            let over = self.retention.events.is_some_and(|most| self.slots.len() as u64 > most)
                || self.retention.bytes.is_some_and(|most| self.bytes > most && self.slots.len() > 1)
                || match first {
                    Slot::Gone(_) => true,
                    Slot::Kept(entry) => {
                        self.retention.age.is_some_and(|age| entry.time < now.saturating_sub(millis(age)))
                    }
                };
            if !over {
                break;
            }
            self.let_go(self.oldest);
            if let Some(Slot::Gone(topics)) = self.slots.pop_front() {
                for topic in distinct(&topics) {
                    if let Some(offsets) = self.topics.get_mut(topic) {
                        offsets.pop_front();
                        if offsets.is_empty() {
                            self.topics.remove(topic);
                        }
                    }
                }
            }
            self.oldest += 1;
        }
    }

    /// Frees the entries that no topic keeps any more. It looks at every topic that has a rule, hence not at every
    /// append; readers do not see these entries in any case.
    pub(super) fn let_go_by_topic(&mut self) {
        if self.retention.topics.is_empty() {
            return;
        }
        let mut gone = Vec::new();
        for (topic, offsets) in &self.topics {
            if self.retention.rule(topic).is_none() {
                continue;
            }
            let floor = self.floor(topic);
            // From the newest expired one back to those that were let go before.
            let expired = offsets.partition_point(|&offset| offset < floor);
            for &offset in offsets.range(..expired).rev() {
                let Some(entry) = self.entry(offset) else { break };
                if !self.visible(offset, &entry.publication.topics, &Selection::all()) {
                    gone.push(offset);
                }
            }
        }
        for offset in gone {
            self.let_go(offset);
        }
    }

    /// Frees an entry; its place and topics stay.
    fn let_go(&mut self, offset: u64) {
        let Some(entry) = self.entry(offset).cloned() else { return };
        self.bytes = self.bytes.saturating_sub(memory_bytes(&entry.publication) as u64);
        // The id may have come again after the topics' rules had let this one go.
        if let Some(id) = entry.publication.id.as_ref().filter(|id| self.ids.get(*id) == Some(&offset)) {
            self.ids.remove(id);
        }
        let place = usize::try_from(offset - self.oldest).ok().and_then(|place| self.slots.get_mut(place));
        if let Some(slot) = place {
            *slot = Slot::Gone(entry.publication.topics.clone());
        }
    }
}

/// The topics of an event, each once.
fn distinct(topics: &[Topic]) -> BTreeSet<&Topic> {
    topics.iter().collect()
}
