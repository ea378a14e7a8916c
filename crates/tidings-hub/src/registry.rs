//! Who listens to what, over all shards: shares equal selections and equal rights, and counts.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{rights::ReadRights, selector::Selection, topic::Topic};

/// Counts subscribers by what they asked for. Touched when somebody comes or goes, never on the way of an event.
#[derive(Debug, Default)]
pub(crate) struct Registry(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    selections: HashMap<Arc<Selection>, usize>,
    /// Those of one exact topic and nothing else, which are most; counted apart so that they are found at once.
    topics: HashMap<Topic, usize>,
    read: HashMap<Arc<ReadRights>, usize>,
}

/// The topic, if the selection is of this one alone.
fn only_topic(selection: &Selection) -> Option<&Topic> {
    match (selection.topics(), selection.matchers(), selection.is_all()) {
        ([topic], [], false) => Some(topic),
        _ => None,
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
        if let Some(topic) = only_topic(&selection) {
            *counts.topics.entry(topic.clone()).or_default() += 1;
        }
        let selection = match counts.selections.get_key_value(&selection) {
            Some((shared, _)) => shared.clone(),
            None => Arc::new(selection),
        };
        *counts.selections.entry(selection.clone()).or_default() += 1;
        let read = counts.read.get_key_value(&read).map_or(read, |(shared, _)| shared.clone());
        *counts.read.entry(read.clone()).or_default() += 1;
        (selection, read)
    }

    /// Counts one less.
    pub(crate) fn leave(&self, selection: &Arc<Selection>, read: &Arc<ReadRights>) {
        let mut counts = self.lock();
        if let Some(topic) = only_topic(selection) {
            decrease(&mut counts.topics, topic);
        }
        decrease(&mut counts.selections, selection);
        decrease(&mut counts.read, read);
    }

    /// How many subscribers each of these topics reaches.
    pub(crate) fn count<'a>(&self, topics: impl IntoIterator<Item = &'a Topic>) -> Vec<u64> {
        let counts = self.lock();
        let others: Vec<_> =
            counts.selections.iter().filter(|(selection, _)| only_topic(selection).is_none()).collect();
        let count = |topic: &Topic| {
            let alone = counts.topics.get(topic).copied().unwrap_or_default();
            let others = others.iter().filter(|(selection, _)| selection.matches(topic));
            (alone + others.map(|(_, count)| **count).sum::<usize>()) as u64
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
}
