//! Channels: topics whose names say who may hear them, as Laravel and Pusher have it.

use tidings_hub::{
    Selection, Selector, Topic,
    channel::{self, PRIVATE},
};

use crate::problem::Problem;

/// The topics that are this front's own.
pub(super) const RESERVED: &str = "tidings/echo/";

/// Who may hear a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Whoever may see its public events.
    Public,
    /// Whoever is granted it.
    Private,
    /// As a private one; and it is known who does.
    Presence,
}

/// A channel, by its topic.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Channel(Topic);

impl Channel {
    /// The channel of this name.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn new(name: &str) -> Result<Self, Problem> {
        if is_reserved(name) {
            return Err(Problem::bad_request(format!(
                "the topics below {RESERVED:?} are the hub's own: choose another channel"
            )));
        }
        Topic::new(name).map(Self).map_err(Problem::bad_request)
    }

    /// The channel that is meant where only private ones can be: a name without a prefix, as that of a model's channel, is
    /// short for the private one.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub(super) fn guarded(name: &str) -> Result<Self, Problem> {
        let channel = Self::new(name)?;
        match channel.kind() {
            Kind::Public => Self::new(&format!("{PRIVATE}{name}")),
            Kind::Private | Kind::Presence => Ok(channel),
        }
    }

    pub(super) fn kind(&self) -> Kind {
        match self.name() {
            name if channel::is_presence(name) => Kind::Presence,
            name if channel::is_private(name) => Kind::Private,
            _ => Kind::Public,
        }
    }

    pub(super) fn name(&self) -> &str {
        self.0.as_str()
    }

    pub(super) fn topic(&self) -> &Topic {
        &self.0
    }

    /// The channel alone, as a right or subscription has it.
    pub(super) fn selector(&self) -> Selector {
        Selector::Exact(self.0.clone())
    }

    pub(super) fn selection(&self) -> Selection {
        Selection::topic(self.0.clone())
    }
}

/// Whether a topic is this front's own, so that nobody else publishes to it.
pub(crate) fn is_reserved(topic: &str) -> bool {
    topic.starts_with(RESERVED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_says_who_may_hear_it() {
        for (name, kind) in [
            ("messages", Kind::Public),
            ("privateer", Kind::Public),
            ("private-orders.7", Kind::Private),
            ("private-encrypted-vault", Kind::Private),
            ("#server-to-user-7", Kind::Private),
            ("presence-room.1", Kind::Presence),
        ] {
            assert_eq!(Channel::new(name).unwrap().kind(), kind, "{name}");
        }
    }

    #[test]
    fn where_only_guarded_ones_can_be_meant_the_prefix_may_be_left_out() {
        for (name, meant) in [
            ("App.Models.User.7", "private-App.Models.User.7"),
            ("private-a", "private-a"),
            ("presence-a", "presence-a"),
        ] {
            assert_eq!(Channel::guarded(name).unwrap().name(), meant);
        }
    }

    #[test]
    fn some_names_are_none() {
        for name in ["", "a\nb", "tidings/echo/1.2"] {
            assert!(Channel::new(name).is_err() && Channel::guarded(name).is_err(), "{name:?}");
        }
        assert!(Channel::guarded(&"x".repeat(4096)).is_err());
    }
}
