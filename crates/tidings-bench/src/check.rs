//! The check that every subscriber gets every event, once and in order.
//!
//! The events of one publisher to one topic are numbered. A subscriber must see these numbers count up by one; what it
//! sees otherwise is one of four things, and all of them are counted: a number that never comes is *missing*, one that
//! comes again is *doubled*, one that comes after a later one is *out of order*, and one of a topic that it has not
//! asked for is *misdirected*.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    ops::Range,
};

use serde::{Deserialize, Serialize};

use crate::marker::Marker;

/// What has been published, so far or in all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    publishers: usize,
    /// How many events each publisher sent to each topic, in all: the numbers of a topic stand together.
    counts: Vec<u32>,
    /// Events of which nobody knows whether the server has them: the publisher was not told so.
    failed: BTreeMap<u32, Vec<(u16, u32)>>,
}

impl Sent {
    /// Nothing, by so many publishers to so many topics.
    pub fn new(publishers: usize, topics: usize) -> Self {
        Self { publishers, counts: vec![0; publishers * topics], failed: BTreeMap::new() }
    }

    /// The number of the next event of this publisher to this topic.
    pub fn next(&mut self, topic: u32, publisher: u16) -> u32 {
        let count = &mut self.counts[topic as usize * self.publishers + usize::from(publisher)];
        let sequence = *count;
        *count += 1;
        sequence
    }

    /// An event was not acknowledged.
    pub fn fail(&mut self, topic: u32, publisher: u16, sequence: u32) {
        self.failed.entry(topic).or_default().push((publisher, sequence));
    }

    /// How many events of this topic were acknowledged.
    pub fn acknowledged(&self, topic: u32) -> u64 {
        let sent: u64 = self.of_topic(topic).iter().copied().map(u64::from).sum();
        sent - self.failed_of(topic).len() as u64
    }

    fn of_topic(&self, topic: u32) -> &[u32] {
        let first = topic as usize * self.publishers;
        self.counts.get(first..first + self.publishers).unwrap_or_default()
    }

    fn failed_of(&self, topic: u32) -> &[(u16, u32)] {
        self.failed.get(&topic).map(Vec::as_slice).unwrap_or_default()
    }
}

/// One thing that went wrong, as an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// The number of the subscriber.
    pub subscriber: usize,
    /// The number of the topic.
    pub topic: u32,
    /// The number of the publisher.
    pub publisher: u16,
    /// The event's number among those of this publisher to this topic.
    pub sequence: u32,
}

impl fmt::Display for Example {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subscriber, topic, publisher, sequence } = self;
        write!(f, "subscriber {subscriber}: event {sequence} of publisher {publisher} to topic {topic}")
    }
}

/// How often something went wrong, and where first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// How often.
    pub count: u64,
    /// The first.
    pub example: Option<Example>,
}

impl Fault {
    fn add(&mut self, example: Example) {
        self.count += 1;
        self.example.get_or_insert(example);
    }

    fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.example = self.example.or(other.example);
    }
}

/// What the check has found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Events that came, each counted once.
    pub delivered: u64,
    /// Events that were acknowledged and never came.
    pub missing: Fault,
    /// Events that came again.
    pub doubled: Fault,
    /// Events that came after a later one of the same publisher.
    pub out_of_order: Fault,
    /// Events of another topic.
    pub misdirected: Fault,
}

impl Tally {
    /// Adds what another group of subscribers has found.
    pub fn merge(&mut self, other: &Self) {
        self.delivered += other.delivered;
        self.missing.merge(other.missing);
        self.doubled.merge(other.doubled);
        self.out_of_order.merge(other.out_of_order);
        self.misdirected.merge(other.misdirected);
    }

    /// Whether every event came, once and in order.
    pub fn is_perfect(&self) -> bool {
        [self.missing, self.doubled, self.out_of_order, self.misdirected].iter().all(|fault| fault.count == 0)
    }
}

/// The check of a group of subscribers.
#[derive(Debug)]
pub struct Check {
    publishers: usize,
    /// The number of the first subscriber of the group, for examples.
    first: usize,
    /// The topic of each subscriber.
    topics: Vec<u32>,
    /// The number that each subscriber awaits of each publisher.
    next: Vec<u32>,
    /// Numbers below those that have not come. There are none as long as all goes well.
    holes: HashMap<usize, Vec<Range<u32>>>,
    /// Without what is missing, which only [`tally`](Self::tally) knows.
    found: Tally,
}

impl Check {
    /// A check of subscribers to these topics. The first of them has the number `first` in examples.
    pub fn new(publishers: usize, first: usize, topics: Vec<u32>) -> Self {
        let next = vec![0; publishers * topics.len()];
        Self { publishers, first, topics, next, holes: HashMap::new(), found: Tally::default() }
    }

    /// How many events have come, each counted once.
    pub fn delivered(&self) -> u64 {
        self.found.delivered
    }

    /// How many subscribers there are in the group.
    pub fn subscribers(&self) -> usize {
        self.topics.len()
    }

    /// The topic of this subscriber, counted from 0 within the group.
    pub fn topic(&self, subscriber: usize) -> u32 {
        self.topics[subscriber]
    }

    /// An event has come to a subscriber, counted from 0 within the group.
    #[inline]
    pub fn note(&mut self, subscriber: usize, marker: &Marker) {
        let publisher = usize::from(marker.publisher);
        if marker.topic != self.topics[subscriber] || publisher >= self.publishers {
            self.found.misdirected.add(self.example(subscriber, marker.publisher, marker.sequence));
            return;
        }
        let slot = subscriber * self.publishers + publisher;
        let next = &mut self.next[slot];
        if marker.sequence == *next {
            *next = next.saturating_add(1);
            self.found.delivered += 1;
        } else {
            self.note_surprise(subscriber, slot, marker);
        }
    }

    #[cold]
    fn note_surprise(&mut self, subscriber: usize, slot: usize, marker: &Marker) {
        let sequence = marker.sequence;
        let next = self.next[slot];
        if sequence > next {
            self.holes.entry(slot).or_default().push(next..sequence);
            self.next[slot] = sequence.saturating_add(1);
            self.found.delivered += 1;
            return;
        }
        let example = self.example(subscriber, marker.publisher, sequence);
        let holes = self.holes.entry(slot).or_default();
        match holes.iter().position(|hole| hole.contains(&sequence)) {
            Some(at) => {
                let hole = holes.remove(at);
                let parts = [hole.start..sequence, sequence + 1..hole.end];
                holes.splice(at..at, parts.into_iter().filter(|part| !part.is_empty()));
                self.found.delivered += 1;
                self.found.out_of_order.add(example);
            }
            None => self.found.doubled.add(example),
        }
    }

    /// How many of the acknowledged events this subscriber has not got.
    pub fn missing(&self, subscriber: usize, sent: &Sent) -> u64 {
        self.ranges(subscriber, sent).map(|(_, range)| range.len() as u64).sum::<u64>()
            - self.excused(subscriber, sent)
    }

    /// What has been found, given what was published.
    pub fn tally(&self, sent: &Sent) -> Tally {
        let mut tally = self.found;
        for subscriber in 0..self.topics.len() {
            let count = self.missing(subscriber, sent);
            if count > 0 {
                tally.missing.merge(Fault { count, example: self.first_missing(subscriber, sent) });
            }
        }
        tally
    }

    fn first_missing(&self, subscriber: usize, sent: &Sent) -> Option<Example> {
        let failed = sent.failed_of(self.topics[subscriber]);
        self.ranges(subscriber, sent)
            .flat_map(|(publisher, range)| range.map(move |sequence| (publisher, sequence)))
            .find(|lost| !failed.contains(lost))
            .map(|(publisher, sequence)| self.example(subscriber, publisher, sequence))
    }

    /// Failed events that have not come: nobody was promised them.
    fn excused(&self, subscriber: usize, sent: &Sent) -> u64 {
        let failed = sent.failed_of(self.topics[subscriber]);
        let has_come = |publisher: u16, sequence: u32| {
            let slot = subscriber * self.publishers + usize::from(publisher);
            sequence < self.next[slot]
                && !self
                    .holes
                    .get(&slot)
                    .is_some_and(|holes| holes.iter().any(|hole| hole.contains(&sequence)))
        };
        failed.iter().filter(|(publisher, sequence)| !has_come(*publisher, *sequence)).count() as u64
    }

    /// The numbers that have not come to this subscriber, by publisher.
    fn ranges<'a>(
        &'a self,
        subscriber: usize,
        sent: &'a Sent,
    ) -> impl Iterator<Item = (u16, Range<u32>)> + 'a {
        let counts = sent.of_topic(self.topics[subscriber]).iter().copied();
        (0..).zip(counts).flat_map(move |(publisher, count)| {
            let slot = subscriber * self.publishers + usize::from(publisher);
            let holes = self.holes.get(&slot).into_iter().flatten().cloned();
            holes.chain(std::iter::once(self.next[slot]..count)).map(move |range| (publisher, range))
        })
    }

    fn example(&self, subscriber: usize, publisher: u16, sequence: u32) -> Example {
        Example { subscriber: self.first + subscriber, topic: self.topics[subscriber], publisher, sequence }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn check(events: &[(u16, u32)], sent: &Sent) -> Tally {
        let mut check = Check::new(sent.publishers, 5, vec![0]);
        for &(publisher, sequence) in events {
            check.note(0, &Marker { publisher, sequence, ..Marker::default() });
        }
        check.tally(sent)
    }

    fn sent(counts: &[u32]) -> Sent {
        Sent { publishers: counts.len(), counts: counts.to_vec(), failed: BTreeMap::new() }
    }

    fn fault(publisher: u16, sequence: u32) -> Fault {
        Fault { count: 1, example: Some(Example { subscriber: 5, topic: 0, publisher, sequence }) }
    }

    #[test]
    fn each_kind_of_fault_is_found_and_named() {
        let two_each = sent(&[2, 2]);
        let perfect = Tally { delivered: 4, ..Tally::default() };
        assert_eq!(check(&[(0, 0), (1, 0), (1, 1), (0, 1)], &two_each), perfect);
        let dropped = check(&[(0, 0), (1, 0), (0, 1)], &two_each);
        assert_eq!(dropped, Tally { delivered: 3, missing: fault(1, 1), ..Tally::default() });
        let dropped = check(&[(0, 1), (1, 0), (1, 1)], &two_each);
        assert_eq!(dropped, Tally { delivered: 3, missing: fault(0, 0), ..Tally::default() });
        let doubled = check(&[(0, 0), (0, 1), (0, 0), (1, 0), (1, 1)], &two_each);
        assert_eq!(doubled, Tally { doubled: fault(0, 0), ..perfect });
        let swapped = check(&[(0, 1), (0, 0), (1, 0), (1, 1)], &two_each);
        assert_eq!(swapped, Tally { out_of_order: fault(0, 0), ..perfect });
        for tally in [dropped, doubled, swapped] {
            assert!(!tally.is_perfect());
        }
    }

    #[test]
    fn events_of_other_topics_and_publishers_are_misdirected() {
        let mut check = Check::new(1, 0, vec![7]);
        check.note(0, &Marker { topic: 6, ..Marker::default() });
        check.note(0, &Marker { topic: 7, publisher: 1, ..Marker::default() });
        assert_eq!(check.tally(&sent(&[0])).misdirected.count, 2);
        assert_eq!(check.delivered(), 0);
    }

    #[test]
    fn what_was_not_acknowledged_is_not_missed() {
        let mut sent = sent(&[4]);
        sent.fail(0, 0, 1);
        sent.fail(0, 0, 3);
        assert_eq!(sent.acknowledged(0), 2);
        assert!(check(&[(0, 0), (0, 2)], &sent).is_perfect());
        assert!(check(&[(0, 0), (0, 1), (0, 2), (0, 3)], &sent).is_perfect());
        assert_eq!(check(&[(0, 1), (0, 2)], &sent).missing, fault(0, 0));
    }

    #[test]
    fn a_topic_has_numbers_of_its_own() {
        let mut sent = Sent::new(2, 3);
        let numbers = [(1, 0), (1, 0), (2, 1), (1, 1)].map(|(topic, publisher)| sent.next(topic, publisher));
        assert_eq!(numbers, [0, 1, 0, 0]);
        assert_eq!([0, 1, 2].map(|topic| sent.acknowledged(topic)), [0, 3, 1]);
    }

    /// What a server that makes mistakes makes of a publisher's events.
    fn mistaken(count: u32) -> impl Strategy<Value = Vec<u32>> {
        proptest::collection::vec(0..count, 0..count as usize * 2)
    }

    proptest! {
        /// The model: sets and comparisons of all that came.
        #[test]
        fn any_sequence_is_judged_as_the_model_judges_it(events in mistaken(12)) {
            let tally = check(&events.iter().map(|&sequence| (0, sequence)).collect::<Vec<_>>(), &sent(&[12]));
            let distinct: BTreeSet<u32> = events.iter().copied().collect();
            let late = events.iter().enumerate().filter(|(at, event)| {
                let before = &events[..*at];
                !before.contains(event) && before.iter().any(|earlier| earlier > *event)
            });
            prop_assert_eq!(tally.delivered, distinct.len() as u64);
            prop_assert_eq!(tally.missing.count, 12 - distinct.len() as u64);
            prop_assert_eq!(tally.doubled.count, (events.len() - distinct.len()) as u64);
            prop_assert_eq!(tally.out_of_order.count, late.count() as u64);
            let first_missing = (0..12).find(|event| !distinct.contains(event));
            prop_assert_eq!(tally.missing.example.map(|example| example.sequence), first_missing);
        }
    }
}
