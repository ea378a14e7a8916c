//! Those of a shard who asked for the same, and among them those with the same rights.

use std::{collections::HashMap, sync::Arc};

use slab::Slab;

use super::{ClassKey, GroupKey, RunOf, SubscriberKey};
use crate::{
    batch::{Batch, Run},
    log::Entry,
    manner::Eye,
    naming::Naming,
    rights::ReadRights,
    selector::Selection,
    topic_map::TopicMap,
};

/// Subscribers of one shard who asked for the same, named in the same way.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) selection: Arc<Selection>,
    pub(super) naming: Naming,
    pub(super) classes: Classes,
    /// How many of them are up to date.
    pub(super) live: usize,
    /// What this round has for all classes that share it.
    pub(super) run: Run,
    /// Whether this round has something for one of its classes.
    pub(super) is_touched: bool,
    /// The offset of the last event looked at, so that an event with several topics is put in once.
    pub(super) last: Option<u64>,
}

/// The classes of a group.
#[derive(Debug)]
pub(super) enum Classes {
    /// All have the same rights.
    One(ClassKey),
    /// They differ.
    Many(Box<Many>),
}

/// Several classes, by their rights.
#[derive(Debug, Default)]
pub(super) struct Many {
    pub(super) by_rights: HashMap<Arc<ReadRights>, ClassKey>,
    /// Those that see every public event.
    pub(super) open: Vec<ClassKey>,
    /// The others, by the topics in which they see public events.
    pub(super) limited: TopicMap<ClassKey>,
    /// All, by the topics in which they see private events.
    pub(super) private: TopicMap<ClassKey>,
    /// Those of the open ones that have left the group's run in this round for one of their own.
    pub(super) apart: Vec<ClassKey>,
}

/// Subscribers of one group who have the same rights.
#[derive(Debug)]
pub(super) struct Class {
    pub(super) group: GroupKey,
    pub(super) rights: Arc<ReadRights>,
    /// Those who are up to date, and get what comes in.
    pub(super) live: Vec<SubscriberKey>,
    /// All, the ones behind included; the class goes with the last.
    pub(super) members: usize,
    /// Where it stands among the open classes of its group.
    pub(super) place: usize,
    /// Its run of this round, if it is not the group's.
    pub(super) own: Option<Box<Own>>,
}

/// What one class alone is sent in a round.
#[derive(Debug, Default)]
pub(super) struct Own {
    pub(super) run: Run,
    /// As in [`Many::apart`].
    pub(super) is_apart: bool,
    pub(super) last: Option<u64>,
}

/// An event on its way to those it is for.
#[derive(Clone, Copy)]
pub(super) struct Event<'e> {
    pub(super) entry: &'e Entry,
    pub(super) batch: &'e Batch,
    pub(super) index: usize,
}

impl Event<'_> {
    fn put(&self, eye: &Eye<'_>, run: &mut Run) {
        self.batch.put(self.index, eye, run);
    }

    pub(super) fn offset(&self) -> u64 {
        self.entry.position.offset
    }
}

impl Group {
    /// Puts an event into the runs of the classes that may see it.
    pub(super) fn sort_in(
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
        let (naming, selection) = (&self.naming, &*self.selection);
        let many = match &mut self.classes {
            Classes::One(class) => {
                if classes[*class].rights.sees(&publication.topics, publication.private) {
                    touch(&mut self.is_touched, touched);
                    event.put(&eye(selection, naming, &classes[*class].rights), &mut self.run);
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
            if let Some(open) = many.open.first() {
                touch(&mut self.is_touched, touched);
                // All of them see all that is public.
                event.put(&eye(selection, naming, &classes[*open].rights), &mut self.run);
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
            event.put(&eye(selection, naming, &class.rights), &mut own.run);
        }
    }
}

/// The eyes of a class. Those who have caused the event have been set aside.
fn eye<'e>(selection: &'e Selection, naming: &'e Naming, read: &'e ReadRights) -> Eye<'e> {
    Eye { selection, read, naming, sockets: &[] }
}

impl Many {
    pub(super) fn add(&mut self, class: ClassKey, rights: &Arc<ReadRights>) {
        self.by_rights.insert(rights.clone(), class);
        self.private.insert(&rights.private, class);
        match rights.public.is_all() {
            true => self.open.push(class),
            false => self.limited.insert(&rights.public, class),
        }
    }

    /// Returns the class that has its place among the open ones now.
    pub(super) fn remove(
        &mut self,
        class: ClassKey,
        place: usize,
        rights: &Arc<ReadRights>,
    ) -> Option<ClassKey> {
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
