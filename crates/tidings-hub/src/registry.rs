//! Who listens to what, over all shards: shares equal selections and equal rights, and counts.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{channel::is_private, rights::ReadRights, selector::Selection, slim::slim_map, topic::Topic};

/// Counts subscribers by what they asked for. Touched when somebody comes or goes, never on the way of an event.
#[derive(Debug, Default)]
pub(crate) struct Registry(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    selections: HashMap<Arc<Selection>, usize>,
    read: HashMap<Arc<ReadRights>, usize>,
    hearers: Hearers,
}

/// Who hears a topic, counted so that most are found by look-up: however many ask for something else, they are not looked
/// at.
#[derive(Debug, Default)]
struct Hearers {
    /// By exact topic: those who ask for it, and of channels that need a right also those who ask for everything and have it.
    topics: HashMap<Topic, usize>,
    /// Those who ask for everything, of which they hear all that needs no right.
    everything: usize,
    /// Those of whom more can only be told by matching.
    others: HashMap<Asked, usize>,
}

/// What is asked for, with which rights.
type Asked = (Arc<Selection>, Arc<ReadRights>);

/// Whether what is published to the topic is seen: of a channel whose name says that it needs a right, what is private.
fn hears(read: &ReadRights, topic: &Topic) -> bool {
    !is_private(topic.as_str()) || read.private.matches(topic)
}

impl Hearers {
    fn enter(&mut self, asked: &Asked) {
        let (selection, read) = asked;
        if selection.is_all() {
            self.everything += 1;
        }
        for topic in Self::topics(selection, read) {
            *self.topics.entry(topic.clone()).or_default() += 1;
        }
        if Self::is_other(selection, read) {
            *self.others.entry(asked.clone()).or_default() += 1;
        }
    }

    fn leave(&mut self, asked: &Asked) {
        let (selection, read) = asked;
        if selection.is_all() {
            self.everything -= 1;
        }
        for topic in Self::topics(selection, read) {
            decrease(&mut self.topics, topic);
        }
        if Self::is_other(selection, read) {
            decrease(&mut self.others, asked);
        }
    }

    /// Where it is counted by exact topic.
    fn topics<'a>(selection: &'a Selection, read: &'a ReadRights) -> impl Iterator<Item = &'a Topic> {
        let asked = if selection.is_exact() { selection.topics() } else { &[] };
        let allowed = if selection.is_all() && read.private.is_exact() { read.private.topics() } else { &[] };
        let allowed = allowed.iter().filter(|topic| is_private(topic.as_str()));
        asked.iter().filter(|topic| hears(read, topic)).chain(allowed)
    }

    /// Whether it has to be matched.
    fn is_other(selection: &Selection, read: &ReadRights) -> bool {
        !(selection.is_exact() || selection.is_all() && read.private.is_exact())
    }
}

impl Registry {
    fn lock(&self) -> MutexGuard<'_, Counts> {
        // Nothing that can panic runs under the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts one more, and returns the selection that all who ask for the same share, and the rights that all who have
    /// the same do.
    pub(crate) fn enter(
        &self,
        selection: Selection,
        read: Arc<ReadRights>,
    ) -> (Arc<Selection>, Arc<ReadRights>) {
        let mut counts = self.lock();
        let selection = match counts.selections.get_key_value(&selection) {
            Some((shared, _)) => shared.clone(),
            None => Arc::new(selection),
        };
        *counts.selections.entry(selection.clone()).or_default() += 1;
        let read = counts.read.get_key_value(&read).map_or(read, |(shared, _)| shared.clone());
        *counts.read.entry(read.clone()).or_default() += 1;
        let asked = (selection, read);
        counts.hearers.enter(&asked);
        asked
    }

    /// Counts one less.
    pub(crate) fn leave(&self, selection: &Arc<Selection>, read: &Arc<ReadRights>) {
        let mut counts = self.lock();
        counts.hearers.leave(&(selection.clone(), read.clone()));
        decrease(&mut counts.selections, selection);
        decrease(&mut counts.read, read);
    }

    /// How many subscribers each of these topics reaches.
    pub(crate) fn count<'a>(&self, topics: impl IntoIterator<Item = &'a Topic> + Clone) -> Vec<u64> {
        let counts = self.lock();
        let Hearers { topics: by_topic, everything, others } = &counts.hearers;
        let looked_up = |topic: &Topic| {
            let everything = if is_private(topic.as_str()) { 0 } else { *everything };
            by_topic.get(topic).copied().unwrap_or_default() + everything
        };
        let looked_up: Vec<_> = topics.clone().into_iter().map(looked_up).collect();
        let others: Vec<(Asked, usize)> =
            others.iter().map(|(asked, count)| (asked.clone(), *count)).collect();
        // Nobody who comes or goes waits for the matching.
        drop(counts);
        let matched = |topic: &Topic| -> usize {
            let is_counted = |selection: &Selection| selection.is_all() && !is_private(topic.as_str());
            let hear = |(selection, read): &Asked| {
                !is_counted(selection) && selection.matches(topic) && hears(read, topic)
            };
            others.iter().filter(|(asked, _)| hear(asked)).map(|(_, count)| count).sum()
        };
        let both = topics.into_iter().zip(looked_up);
        both.map(|(topic, looked_up)| (looked_up + matched(topic)) as u64).collect()
    }

    /// The exact topics that somebody listens to and that the selection matches, sorted, from behind `after`, at most
    /// `limit`.
    pub(crate) fn topics(&self, selection: &Selection, after: Option<&Topic>, limit: usize) -> Vec<Topic> {
        let counts = self.lock();
        let mut topics: Vec<Topic> = counts
            .selections
            .keys()
            .flat_map(|selection| selection.topics())
            .filter(|topic| after.is_none_or(|after| *topic > after) && selection.matches(topic))
            .cloned()
            .collect();
        drop(counts);
        topics.sort_unstable();
        topics.dedup();
        topics.truncate(limit);
        topics
    }
}

fn decrease<K: std::hash::Hash + Eq>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
            slim_map(counts);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*, sample::select};

    use super::*;
    use crate::{Pattern, Selector};

    #[test]
    fn counts_by_what_reaches_a_topic() {
        let topic = |name: &str| Topic::new(name).unwrap();
        let exact = |name: &str| Selector::Exact(topic(name));
        let registry = Registry::default();
        let enter = |selection| registry.enter(selection, ReadRights::everything());
        let (a, read) = enter(Selection::topic(topic("a")));
        let (again, also) = enter(Selection::topic(topic("a")));
        assert!(Arc::ptr_eq(&a, &again) && Arc::ptr_eq(&read, &also));
        enter([exact("a"), exact("b")].into_iter().collect());
        enter([Selector::Pattern(Pattern::new("b*").unwrap())].into_iter().collect());
        let (all, _) = enter(Selection::all());
        assert_eq!(registry.count(&[topic("a"), topic("b"), topic("c")]), [4, 3, 1]);
        assert_eq!(registry.topics(&Selection::all(), None, 9), [topic("a"), topic("b")]);
        registry.leave(&all, &read);
        registry.leave(&a, &read);
        registry.leave(&a, &read);
        assert_eq!(registry.count(&[topic("a"), topic("c")]), [1, 0]);
    }

    #[test]
    fn a_private_channel_is_heard_by_those_alone_who_may() {
        let channel = Topic::new("private-a").unwrap();
        let registry = Registry::default();
        let public = Arc::new(ReadRights { public: Selection::all(), private: Selection::default() });
        let granted =
            Arc::new(ReadRights { public: Selection::all(), private: Selection::topic(channel.clone()) });
        let of = |selection: Selection, read: &Arc<ReadRights>| registry.enter(selection, read.clone());
        let entered = [
            of(Selection::all(), &public),
            of(Selection::topic(channel.clone()), &public),
            of(Selection::all(), &granted),
            of(Selection::topic(channel.clone()), &granted),
        ];
        assert_eq!(registry.count([&channel]), [2]);
        entered.iter().for_each(|(selection, read)| registry.leave(selection, read));
        let Counts { selections, read, hearers } = &*registry.lock();
        assert!(selections.is_empty() && read.is_empty() && hearers.everything == 0);
        assert!(hearers.topics.is_empty() && hearers.others.is_empty());
    }

    fn some_selection() -> impl Strategy<Value = Selection> {
        let selector = |name: &str| match name {
            "*" => Selector::All,
            name if name.contains('*') => Selector::Pattern(Pattern::new(name).unwrap()),
            name => Selector::Exact(Topic::new(name).unwrap()),
        };
        let name = select(vec!["a", "b", "private-a", "private-b", "private-*", "*a", "*"]);
        vec(name.prop_map(selector), 1..4).prop_map(Selection::from_iter)
    }

    proptest! {
        #[test]
        fn what_is_counted_by_look_up_is_what_matches(
            asked in vec((some_selection(), some_selection()), 0..8),
            leaving in 0..8_usize,
        ) {
            let registry = Registry::default();
            let rights = |private: &Selection| {
                Arc::new(ReadRights { public: Selection::all(), private: private.clone() })
            };
            let entered: Vec<_> =
                asked.iter().map(|(selection, private)| registry.enter(selection.clone(), rights(private))).collect();
            let (gone, here) = entered.split_at(leaving.min(entered.len()));
            gone.iter().for_each(|(selection, read)| registry.leave(selection, read));
            let topics = ["a", "b", "c", "private-a", "private-b", "private-c"].map(|name| Topic::new(name).unwrap());
            let expected = topics.iter().map(|topic| {
                here.iter().filter(|(selection, read)| selection.matches(topic) && hears(read, topic)).count() as u64
            });
            prop_assert_eq!(registry.count(&topics), expected.collect::<Vec<_>>());
        }
    }
}
