//! From a topic to the subscribers who asked for it. Subscribers who ask for the same form one group; an event finds
//! its groups by one look-up per topic and one match per distinct matcher, whatever the number of other topics.

use std::{collections::HashMap, hash::Hash, sync::Arc};

use slab::Slab;

use crate::{
    batch::{Batch, Run},
    log::Entry,
    selector::{Matcher, Selection},
    topic::Topic,
};

/// The place of a group in the index.
pub(super) type GroupKey = usize;

/// The place of a subscriber in its shard.
pub(super) type SubscriberKey = usize;

/// Subscribers of one shard who asked for the same.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) selection: Arc<Selection>,
    /// Those who are up to date, and get what comes in.
    pub(super) live: Vec<SubscriberKey>,
    /// All, the ones behind included; the group goes with the last.
    members: usize,
    /// What this round has for them.
    pub(super) run: Run,
    /// The offset of the last event put into the run, so that an event with several topics is put in once.
    last: Option<u64>,
}

/// All groups of a shard.
#[derive(Debug, Default)]
pub(super) struct Index {
    groups: Slab<Group>,
    by_selection: HashMap<Arc<Selection>, GroupKey>,
    by_topic: HashMap<Topic, Vec<GroupKey>>,
    by_matcher: HashMap<Matcher, Vec<GroupKey>>,
    for_all: Vec<GroupKey>,
    /// The groups that have a run in this round.
    pub(super) touched: Vec<GroupKey>,
}

impl Index {
    /// The group, which exists as long as one of its members does.
    pub(super) fn group(&mut self, key: GroupKey) -> Option<&mut Group> {
        self.groups.get_mut(key)
    }

    /// Adds a member to the group of this selection.
    pub(super) fn join(&mut self, selection: &Arc<Selection>) -> GroupKey {
        if let Some(&key) = self.by_selection.get(selection) {
            if let Some(group) = self.group(key) {
                group.members += 1;
            }
            return key;
        }
        let key = self.groups.insert(Group {
            selection: selection.clone(),
            live: Vec::new(),
            members: 1,
            run: Run::default(),
            last: None,
        });
        self.by_selection.insert(selection.clone(), key);
        for topic in selection.topics() {
            self.by_topic.entry(topic.clone()).or_default().push(key);
        }
        for matcher in selection.matchers() {
            self.by_matcher.entry(matcher.clone()).or_default().push(key);
        }
        if selection.is_all() {
            self.for_all.push(key);
        }
        key
    }

    /// Takes a member out, and the group with the last.
    pub(super) fn leave(&mut self, key: GroupKey) {
        let Some(group) = self.group(key) else { return };
        group.members -= 1;
        if group.members > 0 {
            return;
        }
        let selection = self.groups.remove(key).selection;
        self.by_selection.remove(&selection);
        for topic in selection.topics() {
            remove(&mut self.by_topic, topic, key);
        }
        for matcher in selection.matchers() {
            remove(&mut self.by_matcher, matcher, key);
        }
        self.for_all.retain(|&other| other != key);
    }

    /// Puts the batch's events into the runs of the groups that they are for.
    pub(super) fn sort_in(&mut self, batch: &Batch) {
        let Self { groups, by_topic, by_matcher, for_all, touched, .. } = self;
        for (index, entry) in batch.entries().iter().enumerate() {
            let mut put = |keys: &[GroupKey]| {
                for &key in keys {
                    let Some(group) = groups.get_mut(key) else { continue };
                    if group.last == Some(entry.position.offset) || group.live.is_empty() {
                        continue;
                    }
                    if group.run.is_empty() {
                        touched.push(key);
                    }
                    group.last = Some(entry.position.offset);
                    group.run.push(batch.wire(), index);
                }
            };
            put(for_all);
            for topic in &entry.publication.topics {
                if let Some(keys) = by_topic.get(topic) {
                    put(keys);
                }
                for (matcher, keys) in by_matcher.iter() {
                    if matcher.matches(topic.as_str()) {
                        put(keys);
                    }
                }
            }
        }
    }
}

fn remove<K: Hash + Eq>(map: &mut HashMap<K, Vec<GroupKey>>, name: &K, key: GroupKey) {
    if let Some(keys) = map.get_mut(name) {
        keys.retain(|&other| other != key);
        if keys.is_empty() {
            map.remove(name);
        }
    }
}

/// Sorts the entries, again with each call, into an index in which each of these selections has a subscriber, and returns
/// how many groups they reached: for the benchmark alone.
#[doc(hidden)]
pub fn sorter(selections: Vec<Selection>, entries: &[Arc<Entry>]) -> impl FnMut() -> usize + use<> {
    let mut index = Index::default();
    for selection in selections {
        let key = index.join(&Arc::new(selection));
        index.groups[key].live.push(key);
    }
    let batch = Batch::encode(entries);
    move || {
        index.sort_in(&batch);
        let touched = std::mem::take(&mut index.touched);
        for &key in &touched {
            index.groups[key].run.clear();
            index.groups[key].last = None;
        }
        touched.len()
    }
}
