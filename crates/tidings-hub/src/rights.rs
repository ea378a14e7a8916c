//! Rights: what may be published, and which events may be seen. Fronts turn what they are given (a key, a token, an
//! application's answer) into rights; the hub checks them for every event, live and on replay alike.

use std::sync::Arc;

use crate::{selector::Selection, topic::Topic};

/// What somebody may do.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Rights {
    /// The topics that may be published to.
    pub publish: Selection,
    /// The events that may be seen.
    pub read: Arc<ReadRights>,
}

/// Which events somebody may see among those that are asked for. The default is none.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct ReadRights {
    /// Public events are seen in these topics.
    pub public: Selection,
    /// Private events are seen in these topics.
    pub private: Selection,
}

impl Rights {
    /// Every right there is: of an open hub, and of a program that embeds one and asks for no rights.
    pub fn everything() -> Self {
        Self { publish: Selection::all(), read: ReadRights::everything() }
    }

    /// Whether an event may be published to these topics.
    ///
    /// # Errors
    /// The first topic that may not be published to.
    pub fn may_publish<'t>(&self, topics: &'t [Topic]) -> Result<(), &'t Topic> {
        match topics.iter().find(|topic| !self.publish.matches(topic)) {
            Some(topic) => Err(topic),
            None => Ok(()),
        }
    }
}

impl ReadRights {
    /// Every event, private ones included.
    pub fn everything() -> Arc<Self> {
        Arc::new(Self { public: Selection::all(), private: Selection::all() })
    }

    /// Whether an event of these topics is seen: one topic that its kind is seen in is enough, whether or not it is the
    /// one that was asked for.
    pub fn sees(&self, topics: &[Topic], private: bool) -> bool {
        self.of(private).matches_any(topics)
    }

    /// Whether nothing is seen.
    pub fn is_nothing(&self) -> bool {
        self.public.is_empty() && self.private.is_empty()
    }

    /// What one of the two sees.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self { public: self.public.union(&other.public), private: self.private.union(&other.private) }
    }

    /// Whether everything that the other sees is plainly seen by this one, too.
    pub fn includes(&self, other: &Self) -> bool {
        self.public.includes(&other.public) && self.private.includes(&other.private)
    }

    /// Whether nothing is hidden.
    pub fn is_everything(&self) -> bool {
        self.public.is_all() && self.private.is_all()
    }

    /// Whether some event of this topic can be seen.
    pub fn reaches(&self, topic: &Topic) -> bool {
        self.public.matches(topic) || self.private.matches(topic)
    }

    /// How many selectors an event may have to be matched with.
    pub(crate) fn matchers(&self) -> u64 {
        (self.public.matchers().len() + self.private.matchers().len()) as u64
    }

    /// The topics in which private events are seen, or public ones.
    pub fn of(&self, private: bool) -> &Selection {
        if private { &self.private } else { &self.public }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topics(names: &[&str]) -> Vec<Topic> {
        names.iter().map(|name| Topic::new(name).unwrap()).collect()
    }

    #[test]
    fn every_topic_must_be_allowed_to_publish() {
        let publish = Selection::topic(Topic::new("a").unwrap());
        let rights = Rights { publish, read: Arc::default() };
        assert_eq!(rights.may_publish(&topics(&["a"])), Ok(()));
        assert_eq!(rights.may_publish(&topics(&["a", "b", "c"])), Err(&topics(&["b"])[0]));
    }

    #[test]
    fn one_allowed_topic_is_enough_to_see() {
        let private = Selection::topic(Topic::new("mine").unwrap());
        let read = ReadRights { public: Selection::all(), private };
        assert!(read.sees(&topics(&["shared"]), false));
        assert!(!read.sees(&topics(&["shared"]), true));
        assert!(read.sees(&topics(&["shared", "mine"]), true));
        assert!(!ReadRights::default().sees(&topics(&["shared"]), false));
    }
}
