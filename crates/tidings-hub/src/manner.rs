//! What else decides what a subscriber is sent, besides what it asked for and may see: how its events are named, and which
//! it caused itself.

use bytes::Bytes;

use crate::{
    naming::Naming, publication::Publication, rights::ReadRights, selector::Selection, topic::Topic,
};

/// The part of a subscriber that plain streams do not have.
#[derive(Debug, Default)]
pub(crate) struct Manner {
    pub(crate) naming: Naming,
    /// As [`Subscription::sockets`](crate::Subscription::sockets).
    pub(crate) sockets: Vec<Box<str>>,
    /// As [`Subscription::farewell`](crate::Subscription::farewell).
    pub(crate) farewell: Bytes,
}

impl Manner {
    pub(crate) fn new(naming: Naming, sockets: Vec<Box<str>>, farewell: Bytes) -> Option<Box<Self>> {
        let is_plain = naming == Naming::Own && sockets.is_empty() && farewell.is_empty();
        (!is_plain).then(|| Box::new(Self { naming, sockets, farewell }))
    }
}

/// With whose eyes events are looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Eye<'s> {
    pub(crate) selection: &'s Selection,
    pub(crate) read: &'s ReadRights,
    pub(crate) naming: &'s Naming,
    pub(crate) sockets: &'s [Box<str>],
}

impl Eye<'_> {
    /// Whether everything that is asked for may be seen.
    pub(crate) fn sees_all(&self) -> bool {
        self.sockets.is_empty() && self.read.is_everything()
    }

    /// Whether an event that was asked for may be seen, and was not caused by the subscriber.
    pub(crate) fn sees(&self, publication: &Publication) -> bool {
        let is_own = publication.socket.as_ref().is_some_and(|socket| self.sockets.contains(socket));
        !is_own && (self.read.is_everything() || self.read.sees(&publication.topics, publication.private))
    }

    /// By which of its topics an event is told that is seen: those that were asked for, and of these those alone in which it
    /// may be seen, if there are any. Who listens to everything learns of no others.
    pub(crate) fn names<'t>(&self, topics: &'t [Topic], private: bool) -> impl Iterator<Item = &'t Topic> {
        let (selection, read) = (self.selection, self.read.of(private));
        let is_seen = topics.iter().any(|topic| selection.matches(topic) && read.matches(topic));
        topics.iter().filter(move |topic| selection.matches(topic) && (!is_seen || read.matches(topic)))
    }

    /// Whether an event was asked for, and may be seen.
    pub(crate) fn wants(&self, publication: &Publication) -> bool {
        self.selection.matches_any(&publication.topics) && self.sees(publication)
    }
}
