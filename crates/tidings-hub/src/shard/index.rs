//! From a topic to the subscribers who asked for it. Subscribers who ask for the same form one group; an event finds
//! its groups by one look-up per topic, whatever the number of other topics.
//!
//! Within a group, those with the same rights form a class. A public event is put once into the group's run, which all
//! classes that see every public event share. A private event finds its classes by look-up, as it found the group; a
//! class that it reaches goes on with a run of its own for the rest of the round.

mod group;
mod sorter;
#[cfg(test)]
mod tests;

use std::{collections::HashMap, sync::Arc};

use slab::Slab;

use self::group::{Class, Classes, Event, Group, Many};
pub use self::sorter::sorter;
use crate::{
    batch::{Batch, Run},
    naming::Naming,
    rights::ReadRights,
    selector::Selection,
    slim::{slim_map, slim_slab},
    topic_map::TopicMap,
};

/// The place of a group in the index.
pub(super) type GroupKey = usize;

/// The place of a class in the index.
pub(super) type ClassKey = usize;

/// The place of a subscriber in its shard.
pub(super) type SubscriberKey = usize;

/// Which of a round's runs.
#[derive(Clone, Copy, Debug)]
pub(super) enum RunOf {
    /// For the classes of a group that share it.
    Group(GroupKey),
    /// For a class of its own.
    Class(ClassKey),
}

/// All groups of a shard.
#[derive(Debug, Default)]
pub(super) struct Index {
    groups: Slab<Group>,
    classes: Slab<Class>,
    by_selection: HashMap<(Arc<Selection>, Naming), GroupKey>,
    by_topic: TopicMap<GroupKey>,
    /// The runs that this round has.
    touched: Vec<RunOf>,
}

impl Index {
    /// Adds a member to the class of these rights in the group of this selection and naming.
    pub(super) fn join(
        &mut self,
        selection: &Arc<Selection>,
        rights: &Arc<ReadRights>,
        naming: &Naming,
    ) -> ClassKey {
        let asked = (selection.clone(), naming.clone());
        let known = self.by_selection.get(&asked).copied();
        if let Some(class) = known.and_then(|group| self.class_in(group, rights)) {
            self.classes[class].members += 1;
            return class;
        }
        let class = self.classes.vacant_key();
        let group = match known {
            Some(group) => {
                self.add_class(group, class, rights);
                group
            }
            None => self.add_group(asked, class),
        };
        let rights = rights.clone();
        let place = self.place_of_last(group);
        self.classes.insert(Class { group, rights, live: Vec::new(), members: 1, place, own: None })
    }

    fn class_in(&self, group: GroupKey, rights: &Arc<ReadRights>) -> Option<ClassKey> {
        match &self.groups[group].classes {
            Classes::One(class) => (self.classes[*class].rights == *rights).then_some(*class),
            Classes::Many(many) => many.by_rights.get(rights).copied(),
        }
    }

    fn add_group(&mut self, asked: (Arc<Selection>, Naming), class: ClassKey) -> GroupKey {
        let (selection, naming) = asked.clone();
        let group = self.groups.insert(Group {
            selection: selection.clone(),
            naming,
            classes: Classes::One(class),
            live: 0,
            run: Run::default(),
            is_touched: false,
            last: None,
        });
        self.by_selection.insert(asked, group);
        self.by_topic.insert(&selection, group);
        group
    }

    fn add_class(&mut self, group: GroupKey, class: ClassKey, rights: &Arc<ReadRights>) {
        let group = &mut self.groups[group];
        if let Classes::One(first) = group.classes {
            let mut many = Box::<Many>::default();
            many.add(first, &self.classes[first].rights);
            group.classes = Classes::Many(many);
        }
        if let Classes::Many(many) = &mut group.classes {
            many.add(class, rights);
        }
    }

    /// Where the class that was added last stands among the open ones of its group.
    fn place_of_last(&self, group: GroupKey) -> usize {
        match &self.groups[group].classes {
            Classes::One(_) => 0,
            Classes::Many(many) => many.open.len().saturating_sub(1),
        }
    }

    /// Takes a member out, the class with its last, and the group with its last class.
    pub(super) fn leave(&mut self, class: ClassKey) {
        let members = &mut self.classes[class].members;
        *members -= 1;
        if *members > 0 {
            return;
        }
        let Class { group: key, rights, place, .. } = self.classes.remove(class);
        let group = &mut self.groups[key];
        let is_last = match &mut group.classes {
            Classes::One(_) => true,
            Classes::Many(many) => {
                if let Some(moved) = many.remove(class, place, &rights) {
                    self.classes[moved].place = place;
                }
                many.by_rights.is_empty()
            }
        };
        if is_last {
            let Group { selection, naming, .. } = self.groups.remove(key);
            self.by_topic.remove(&selection, key);
            self.by_selection.remove(&(selection, naming));
            slim_map(&mut self.by_selection);
            slim_slab(&mut self.groups);
        }
        slim_slab(&mut self.classes);
    }

    /// Puts a member among those who are up to date; returns its place there.
    pub(super) fn go_live(&mut self, class: ClassKey, subscriber: SubscriberKey) -> usize {
        let class = &mut self.classes[class];
        self.groups[class.group].live += 1;
        class.live.push(subscriber);
        class.live.len() - 1
    }

    /// Takes the member at this place from among those who are up to date; returns who has its place now.
    pub(super) fn fall_behind(&mut self, class: ClassKey, place: usize) -> Option<SubscriberKey> {
        let class = &mut self.classes[class];
        self.groups[class.group].live -= 1;
        class.live.swap_remove(place);
        class.live.get(place).copied()
    }

    /// Who of the class is at this place among those who are up to date. `None` too when the class is gone.
    pub(super) fn live(&self, class: ClassKey, place: usize) -> Option<SubscriberKey> {
        self.classes.get(class)?.live.get(place).copied()
    }

    /// Puts the batch's events into the runs of those that they are for.
    pub(super) fn sort_in(&mut self, batch: &Batch) {
        let Self { groups, classes, by_topic, touched, .. } = self;
        for (index, entry) in batch.entries().iter().enumerate() {
            for topic in &entry.publication.topics {
                by_topic.for_each(topic, |key| {
                    let Some(group) = groups.get_mut(key) else { return };
                    let event = Event { entry, batch, index };
                    if group.last.replace(event.offset()) != Some(event.offset()) && group.live > 0 {
                        group.sort_in(key, event, classes, touched);
                    }
                });
            }
        }
    }

    /// The next run of this round, with the run itself; `None` at the round's end.
    pub(super) fn next_run(&mut self) -> Option<(RunOf, Run)> {
        let of = self.touched.pop()?;
        let run = match of {
            RunOf::Group(group) => self.groups.get_mut(group).map(|group| &mut group.run),
            RunOf::Class(class) => {
                let own = self.classes.get_mut(class).and_then(|class| class.own.as_mut());
                own.map(|own| &mut own.run)
            }
        };
        // Whoever it was for may have left in this very round, while others were written to.
        Some((of, run.map(std::mem::take).unwrap_or_default()))
    }

    /// A class that the run is for: the one at `at`, or `None` behind the last. When that class has gone meanwhile,
    /// another has its place.
    pub(super) fn class_of(&self, of: RunOf, at: usize) -> Option<ClassKey> {
        match of {
            RunOf::Class(class) => (at == 0 && self.classes.contains(class)).then_some(class),
            RunOf::Group(group) => match &self.groups.get(group)?.classes {
                Classes::One(class) => (at == 0).then_some(*class),
                Classes::Many(many) => many.open.get(at).copied(),
            },
        }
    }

    /// Whether the class shares this run, and has not left it for one of its own.
    pub(super) fn shares(&self, of: RunOf, class: ClassKey) -> bool {
        let own = self.classes.get(class).and_then(|class| class.own.as_ref());
        matches!(of, RunOf::Class(_)) || !own.is_some_and(|own| own.is_apart)
    }

    /// Gives a run's memory back for the next round.
    pub(super) fn done(&mut self, of: RunOf, mut run: Run) {
        run.clear();
        match of {
            RunOf::Group(group) => {
                let Some(group) = self.groups.get_mut(group) else { return };
                group.run = run;
                group.is_touched = false;
                let Classes::Many(many) = &mut group.classes else { return };
                for class in many.apart.drain(..) {
                    if let Some(own) = self.classes.get_mut(class).and_then(|class| class.own.as_mut()) {
                        own.is_apart = false;
                    }
                }
            }
            RunOf::Class(class) => {
                let own = self.classes.get_mut(class).and_then(|class| class.own.as_mut());
                if let Some(own) = own {
                    own.run = run;
                }
            }
        }
    }
}
