//! Who listens to what, over all shards: shares equal selections and equal rights, and counts.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{channel::is_private, rights::ReadRights, selector::Selection, topic::Topic};

/// Counts subscribers by what they asked for. Touched when somebody comes or goes, never on the way of an event.
#[derive(Debug, Default)]
pub(crate) struct Registry(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    selections: HashMap<Arc<Selection>, usize>,
    read: HashMap<Arc<ReadRights>, usize>,
    /// Those of one exact topic and nothing else, which are most; counted apart so that they are found at once.
    topics: HashMap<Topic, usize>,
    /// The others.
    others: HashMap<(Arc<Selection>, Arc<ReadRights>), usize>,
}

/// The topic, if the selection is of this one alone, and whoever asks for it hears it.
fn only_topic<'s>(selection: &'s Selection, read: &ReadRights) -> Option<&'s Topic> {
    match (selection.topics(), selection.matchers(), selection.is_all()) {
        ([topic], [], false) if hears(read, topic) => Some(topic),
        _ => None,
    }
}

/// Whether what is published to the topic is seen: of a channel whose name says that it needs a right, what is private.
fn hears(read: &ReadRights, topic: &Topic) -> bool {
    !is_private(topic.as_str()) || read.private.matches(topic)
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
        match only_topic(&selection, &read) {
            Some(topic) => *counts.topics.entry(topic.clone()).or_default() += 1,
            None => *counts.others.entry((selection.clone(), read.clone())).or_default() += 1,
        }
        (selection, read)
    }

    /// Counts one less.
    pub(crate) fn leave(&self, selection: &Arc<Selection>, read: &Arc<ReadRights>) {
        let mut counts = self.lock();
        match only_topic(selection, read) {
            Some(topic) => decrease(&mut counts.topics, topic),
            None => decrease(&mut counts.others, &(selection.clone(), read.clone())),
        }
        decrease(&mut counts.selections, selection);
        decrease(&mut counts.read, read);
    }

    /// How many subscribers each of these topics reaches.
    pub(crate) fn count<'a>(&self, topics: impl IntoIterator<Item = &'a Topic>) -> Vec<u64> {
        let counts = self.lock();
        let count = |topic: &Topic| {
            let alone = counts.topics.get(topic).copied().unwrap_or_default();
            let others = counts.others.iter();
            let others =
                others.filter(|((selection, read), _)| selection.matches(topic) && hears(read, topic));
            (alone + others.map(|(_, count)| *count).sum::<usize>()) as u64
        };
        topics.into_iter().map(count).collect()
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
        }
    }
}

#[cfg(test)]
mod tests {
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
        let counts = registry.lock();
        assert!(counts.selections.is_empty() && counts.read.is_empty());
        assert!(counts.topics.is_empty() && counts.others.is_empty());
    }
}
