//! From a topic to the values that were put in under selections which match it.

use std::{collections::HashMap, hash::Hash};

use crate::{
    selector::{Matcher, Selection},
    topic::Topic,
};

/// Values, found by the topics that their selections match.
#[derive(Debug)]
pub(crate) struct TopicMap<V> {
    by_topic: HashMap<Topic, Vec<V>>,
    by_matcher: HashMap<Matcher, Vec<V>>,
    for_all: Vec<V>,
}

impl<V> Default for TopicMap<V> {
    fn default() -> Self {
        Self { by_topic: HashMap::new(), by_matcher: HashMap::new(), for_all: Vec::new() }
    }
}

impl<V: Copy + Eq> TopicMap<V> {
    /// Whether nothing is in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.by_topic.is_empty() && self.by_matcher.is_empty() && self.for_all.is_empty()
    }

    /// Puts a value in, to be found by every topic that the selection matches.
    pub(crate) fn insert(&mut self, selection: &Selection, value: V) {
        for topic in selection.topics() {
            self.by_topic.entry(topic.clone()).or_default().push(value);
        }
        for matcher in selection.matchers() {
            self.by_matcher.entry(matcher.clone()).or_default().push(value);
        }
        if selection.is_all() {
            self.for_all.push(value);
        }
    }

    /// Takes a value out that was put in under this selection.
    pub(crate) fn remove(&mut self, selection: &Selection, value: V) {
        for topic in selection.topics() {
            remove(&mut self.by_topic, topic, value);
        }
        for matcher in selection.matchers() {
            remove(&mut self.by_matcher, matcher, value);
        }
        if selection.is_all() {
            take_out(&mut self.for_all, value);
        }
    }

    /// Calls `f` with each value whose selection matches the topic: more than once with one that matches it in more than
    /// one way.
    pub(crate) fn for_each(&self, topic: &Topic, f: impl FnMut(V)) {
        let exact = self.by_topic.get(topic);
        let matched = self.by_matcher.iter().filter(|(matcher, _)| matcher.matches(topic.as_str()));
        let found = self.for_all.iter().chain(exact.into_iter().flatten());
        found.chain(matched.flat_map(|(_, values)| values)).copied().for_each(f);
    }
}

fn take_out<V: Eq>(values: &mut Vec<V>, value: V) {
    if let Some(at) = values.iter().position(|other| *other == value) {
        values.swap_remove(at);
    }
}

fn remove<K: Hash + Eq, V: Eq>(map: &mut HashMap<K, Vec<V>>, key: &K, value: V) {
    if let Some(values) = map.get_mut(key) {
        take_out(values, value);
        if values.is_empty() {
            map.remove(key);
        }
    }
}
