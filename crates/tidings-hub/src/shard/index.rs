//! From a topic to the subscribers who asked for it. Subscribers who ask for the same form one group; an event finds
//! its groups by one look-up per topic, whatever the number of other topics.
//!
//! Within a group, those with the same rights form a class. A public event is put once into the group's run, which all
//! classes that see every public event share. A private event finds its classes by look-up, as it found the group; a
//! class that it reaches goes on with a run of its own for the rest of the round.

use std::{collections::HashMap, sync::Arc};

use slab::Slab;

use crate::{
    batch::{Batch, Run},
    log::Entry,
    rights::ReadRights,
    selector::Selection,
    topic_map::TopicMap,
};

/// The place of a group in the index.
pub(super) type GroupKey = usize;

/// The place of a class in the index.
pub(super) type ClassKey = usize;

/// The place of a subscriber in its shard.
pub(super) type SubscriberKey = usize;

/// Subscribers of one shard who asked for the same.
#[derive(Debug)]
struct Group {
    selection: Arc<Selection>,
    classes: Classes,
    /// How many of them are up to date.
    live: usize,
    /// What this round has for all classes that share it.
    run: Run,
    /// Whether this round has something for one of its classes.
    is_touched: bool,
    /// The offset of the last event looked at, so that an event with several topics is put in once.
    last: Option<u64>,
}

/// The classes of a group.
#[derive(Debug)]
enum Classes {
    /// All have the same rights.
    One(ClassKey),
    /// They differ.
    Many(Box<Many>),
}

/// Several classes, by their rights.
#[derive(Debug, Default)]
struct Many {
    by_rights: HashMap<Arc<ReadRights>, ClassKey>,
    /// Those that see every public event.
    open: Vec<ClassKey>,
    /// The others, by the topics in which they see public events.
    limited: TopicMap<ClassKey>,
    /// All, by the topics in which they see private events.
    private: TopicMap<ClassKey>,
    /// Those of the open ones that have left the group's run in this round for one of their own.
    apart: Vec<ClassKey>,
}

/// Subscribers of one group who have the same rights.
#[derive(Debug)]
struct Class {
    group: GroupKey,
    rights: Arc<ReadRights>,
    /// Those who are up to date, and get what comes in.
    live: Vec<SubscriberKey>,
    /// All, the ones behind included; the class goes with the last.
    members: usize,
    /// Where it stands among the open classes of its group.
    place: usize,
    /// Its run of this round, if it is not the group's.
    own: Option<Box<Own>>,
}

/// What one class alone is sent in a round.
#[derive(Debug, Default)]
struct Own {
    run: Run,
    /// As in [`Many::apart`].
    is_apart: bool,
    last: Option<u64>,
}

/// An event on its way to those it is for.
#[derive(Clone, Copy)]
struct Event<'e> {
    entry: &'e Entry,
    batch: &'e Batch,
    index: usize,
}

impl Event<'_> {
    fn put(&self, run: &mut Run) {
        run.push(self.batch.wire(), self.index);
    }

    fn offset(&self) -> u64 {
        self.entry.position.offset
    }
}

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
    by_selection: HashMap<Arc<Selection>, GroupKey>,
    by_topic: TopicMap<GroupKey>,
    /// The runs that this round has.
    touched: Vec<RunOf>,
}

impl Index {
    /// Adds a member to the class of these rights in the group of this selection.
    pub(super) fn join(&mut self, selection: &Arc<Selection>, rights: &Arc<ReadRights>) -> ClassKey {
        let known = self.by_selection.get(selection).copied();
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
            None => self.add_group(selection, class),
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

    fn add_group(&mut self, selection: &Arc<Selection>, class: ClassKey) -> GroupKey {
        let group = self.groups.insert(Group {
            selection: selection.clone(),
            classes: Classes::One(class),
            live: 0,
            run: Run::default(),
            is_touched: false,
            last: None,
        });
        self.by_selection.insert(selection.clone(), group);
        self.by_topic.insert(selection, group);
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
            let selection = self.groups.remove(key).selection;
            self.by_selection.remove(&selection);
            self.by_topic.remove(&selection, key);
        }
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
            RunOf::Group(group) => std::mem::take(&mut self.groups[group].run),
            RunOf::Class(class) => {
                let own = self.classes.get_mut(class).and_then(|class| class.own.as_mut());
                own.map(|own| std::mem::take(&mut own.run)).unwrap_or_default()
            }
        };
        Some((of, run))
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

impl Group {
    /// Puts an event into the runs of the classes that may see it.
    fn sort_in(
        &mut self,
        key: GroupKey,
        event: Event<'_>,
        classes: &mut Slab<Class>,
        touched: &mut Vec<RunOf>,
    ) {
        let publication = &event.entry.publication;
        let touch = |is_touched: &mut bool, touched: &mut Vec<RunOf>| {
            if !std::mem::replace(is_touched, true) {
                touched.push(RunOf::Group(key));
            }
        };
        let many = match &mut self.classes {
            Classes::One(class) => {
                if classes[*class].rights.sees(&publication.topics, publication.private) {
                    touch(&mut self.is_touched, touched);
                    event.put(&mut self.run);
                }
                return;
            }
            Classes::Many(many) => &mut **many,
        };
        let mut reached = Vec::new();
        let finder = if publication.private { &many.private } else { &many.limited };
        for topic in &publication.topics {
            finder.for_each(topic, |class| reached.push(class));
        }
        if !publication.private {
            if !many.open.is_empty() {
                touch(&mut self.is_touched, touched);
                event.put(&mut self.run);
            }
            reached.extend(&many.apart);
        }
        for key in reached {
            let class = &mut classes[key];
            if class.live.is_empty() {
                continue;
            }
            let own = class.own.get_or_insert_default();
            if own.last.replace(event.offset()) == Some(event.offset()) {
                continue;
            }
            if class.rights.public.is_all() && !own.is_apart {
                // What the group has had before it, it has had too.
                touch(&mut self.is_touched, touched);
                own.is_apart = true;
                own.run = self.run.clone();
                many.apart.push(key);
                touched.push(RunOf::Class(key));
            } else if own.run.is_empty() {
                touched.push(RunOf::Class(key));
            }
            event.put(&mut own.run);
        }
    }
}

impl Many {
    fn add(&mut self, class: ClassKey, rights: &Arc<ReadRights>) {
        self.by_rights.insert(rights.clone(), class);
        self.private.insert(&rights.private, class);
        match rights.public.is_all() {
            true => self.open.push(class),
            false => self.limited.insert(&rights.public, class),
        }
    }

    /// Returns the class that has its place among the open ones now.
    fn remove(&mut self, class: ClassKey, place: usize, rights: &Arc<ReadRights>) -> Option<ClassKey> {
        self.by_rights.remove(rights);
        self.private.remove(&rights.private, class);
        if !rights.public.is_all() {
            self.limited.remove(&rights.public, class);
            return None;
        }
        self.open.swap_remove(place);
        self.open.get(place).copied()
    }
}

/// Sorts the entries, again with each call, into an index in which each of these selections, with these rights, has a
/// subscriber, and returns how many runs there were: for the benchmark alone.
#[doc(hidden)]
pub fn sorter(
    subscribers: Vec<(Selection, Arc<ReadRights>)>,
    entries: &[Arc<Entry>],
) -> impl FnMut() -> usize + use<> {
    let mut index = Index::default();
    for (subscriber, (selection, read)) in subscribers.into_iter().enumerate() {
        let class = index.join(&Arc::new(selection), &read);
        index.go_live(class, subscriber);
    }
    let batch = Batch::encode(entries);
    move || {
        index.sort_in(&batch);
        let runs = index.touched.len();
        while let Some((of, run)) = index.next_run() {
            index.done(of, run);
            // The same offsets come again.
            let group = match of {
                RunOf::Group(group) => group,
                RunOf::Class(class) => {
                    index.classes[class].own.iter_mut().for_each(|own| own.last = None);
                    index.classes[class].group
                }
            };
            index.groups[group].last = None;
        }
        runs
    }
}
