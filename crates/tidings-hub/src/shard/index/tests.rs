//! The index against its definition, with members who leave while a round is being delivered.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

use proptest::{collection::vec, prelude::*, sample::select};

use super::*;
use crate::{Entry, Epoch, Pattern, Position, Publication, Selector, Topic};

fn topic(name: &str) -> Topic {
    Topic::new(name).unwrap()
}

fn selection() -> impl Strategy<Value = Selection> {
    let name = select(vec!["a", "b", "c", "a*", "*"]);
    vec(name, 1..3).prop_map(|names| {
        let selector = |name: &&str| match *name {
            "*" => Selector::All,
            name if name.contains('*') => Selector::Pattern(Pattern::new(name).unwrap()),
            name => Selector::Exact(topic(name)),
        };
        names.iter().map(selector).collect()
    })
}

fn rights() -> impl Strategy<Value = Arc<ReadRights>> {
    let some = prop_oneof![Just(Selection::default()), Just(Selection::all()), selection()];
    let public = prop_oneof![3 => Just(Selection::all()), 1 => selection()];
    (public, some).prop_map(|(public, private)| Arc::new(ReadRights { public, private }))
}

/// Few enough that many share them.
#[derive(Clone, Debug)]
struct World {
    selections: Vec<Arc<Selection>>,
    rights: Vec<Arc<ReadRights>>,
    rounds: Vec<Round>,
}

#[derive(Clone, Debug)]
struct Round {
    /// Who comes: with which selection and rights, and whether up to date.
    joins: Vec<(prop::sample::Index, prop::sample::Index, bool)>,
    /// Topics, and whether private.
    events: Vec<(Vec<&'static str>, bool)>,
    /// Who is found gone when it is written to.
    gone: BTreeSet<usize>,
    /// Who falls behind then.
    slow: BTreeSet<usize>,
}

fn round() -> impl Strategy<Value = Round> {
    let index = any::<prop::sample::Index>;
    let event = (vec(select(vec!["a", "b", "c", "ab"]), 1..3), any::<bool>());
    let some = || proptest::collection::btree_set(0..30usize, 0..12);
    (vec((index(), index(), prop::bool::weighted(0.9)), 0..6), vec(event, 0..5), some(), some())
        .prop_map(|(joins, events, gone, slow)| Round { joins, events, gone, slow })
}

fn world() -> impl Strategy<Value = World> {
    let selections = vec(selection().prop_map(Arc::new), 1..4);
    (selections, vec(rights(), 1..5), vec(round(), 1..8)).prop_map(|(selections, rights, rounds)| World {
        selections,
        rights,
        rounds,
    })
}

struct Member {
    class: ClassKey,
    selection: Arc<Selection>,
    rights: Arc<ReadRights>,
    /// Its place among the live, if it is.
    place: Option<usize>,
}

#[derive(Default)]
struct Model {
    index: Index,
    members: BTreeMap<SubscriberKey, Member>,
}

impl Model {
    fn fall_behind(&mut self, key: SubscriberKey) {
        let member = self.members.get_mut(&key).unwrap();
        let (class, place) = (member.class, member.place.take().unwrap());
        if let Some(moved) = self.index.fall_behind(class, place) {
            self.members.get_mut(&moved).unwrap().place = Some(place);
        }
    }

    fn leave(&mut self, key: SubscriberKey) {
        if self.members[&key].place.is_some() {
            self.fall_behind(key);
        }
        let class = self.members.remove(&key).unwrap().class;
        self.index.leave(class);
    }

    /// Delivers a round as a shard does; returns what each was sent.
    fn deliver(&mut self, round: &Round) -> BTreeMap<SubscriberKey, Vec<u64>> {
        let mut sent: BTreeMap<SubscriberKey, Vec<u64>> = BTreeMap::new();
        while let Some((of, run)) = self.index.next_run() {
            let mut at = 0;
            while !run.is_empty()
                && let Some(class) = self.index.class_of(of, at)
            {
                if self.index.shares(of, class) {
                    let mut place = 0;
                    while let Some(key) = self.index.live(class, place) {
                        assert!(sent.insert(key, run.offsets()).is_none(), "{key} was written to twice");
                        if round.gone.contains(&key) {
                            self.leave(key);
                        } else if round.slow.contains(&key) {
                            self.fall_behind(key);
                        } else {
                            place += 1;
                        }
                    }
                }
                if self.index.class_of(of, at) == Some(class) {
                    at += 1;
                }
            }
            self.index.done(of, run);
        }
        sent
    }
}

proptest! {
    #[test]
    fn everyone_is_sent_what_it_asked_for_and_may_see(world in world()) {
        let mut model = Model::default();
        let (mut next, mut offset) = (0, 0);
        for round in &world.rounds {
            for (selection, rights, is_live) in &round.joins {
                let selection = selection.get(&world.selections).clone();
                let rights = rights.get(&world.rights).clone();
                let naming = if next % 3 == 0 { Naming::Fixed("x".into()) } else { Naming::Own };
                let class = model.index.join(&selection, &rights, &naming);
                let place = is_live.then(|| model.index.go_live(class, next));
                model.members.insert(next, Member { class, selection, rights, place });
                next += 1;
            }
            let entries: Vec<_> = round.events.iter().map(|(topics, private)| {
                offset += 1;
                let topics = topics.iter().map(|name| topic(name)).collect();
                let publication =
                    Publication { topics, private: *private, ..Publication::new(topic("a"), "x") };
                Arc::new(Entry {
                    position: Position { epoch: Epoch::new(1), offset },
                    time: 0,
                    publication,
                })
            }).collect();
            // In two batches, as they may come.
            let (one, other) = entries.split_at(entries.len() / 2);
            model.index.sort_in(&Batch::encode(one, Instant::now()));
            model.index.sort_in(&Batch::encode(other, Instant::now()));
            let expected: BTreeMap<SubscriberKey, Vec<u64>> = model
                .members
                .iter()
                .filter(|(_, member)| member.place.is_some())
                .map(|(key, member)| {
                    let wants = |entry: &&Arc<Entry>| {
                        let Publication { topics, private, .. } = &entry.publication;
                        member.selection.matches_any(topics) && member.rights.sees(topics, *private)
                    };
                    let offsets = entries.iter().filter(wants).map(|entry| entry.position.offset);
                    (*key, offsets.collect::<Vec<_>>())
                })
                .filter(|(_, offsets)| !offsets.is_empty())
                .collect();
            prop_assert_eq!(model.deliver(round), expected);
        }
        for key in model.members.keys().copied().collect::<Vec<_>>() {
            model.leave(key);
        }
        prop_assert!(model.index.groups.is_empty() && model.index.classes.is_empty());
        prop_assert!(model.index.by_selection.is_empty() && model.index.by_topic.is_empty());
    }
}
