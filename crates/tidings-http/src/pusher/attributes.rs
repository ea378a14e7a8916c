//! What is told of a channel beside its events: the `info` of a request, and the answer to it.

use serde::Serialize;
use tidings_hub::{LiveTopic, Topic, channel::is_presence};

use super::front::Front;

/// The attributes that are asked for. Others than these, which servers of other makes have, are not told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    /// How many users are in a presence channel, however many connections each of them has.
    pub(super) user_count: bool,
    /// How many connections have subscribed.
    pub(super) subscription_count: bool,
}

impl Asked {
    /// Reads `user_count,subscription_count`.
    pub(super) fn read(info: &str) -> Self {
        let has = |name| info.split(',').any(|one| one.trim() == name);
        Self { user_count: has("user_count"), subscription_count: has("subscription_count") }
    }
}

/// What is told of a channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Attributes {
    #[serde(skip_serializing_if = "Option::is_none")]
    user_count: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subscription_count: Option<u64>,
}

/// Who is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Occupancy {
    subscribers: u64,
    /// Known of presence channels only.
    users: Option<usize>,
}

impl Occupancy {
    /// That of a channel with so many subscribers.
    pub(super) fn new(front: &Front, channel: &Topic, subscribers: u64) -> Self {
        let users = is_presence(channel.as_str()).then(|| front.count(channel));
        Self { subscribers, users }
    }

    /// That of a channel that the hub knows.
    pub(super) fn of(front: &Front, live: &LiveTopic) -> Self {
        Self::new(front, &live.topic, live.subscribers)
    }

    /// Whether anybody is there: in a presence channel a user, in another a subscriber. Whoever listens to everything
    /// public is a subscriber of presence channels, too, and yet not in them.
    pub(super) fn is_occupied(&self) -> bool {
        self.users.map_or(self.subscribers > 0, |users| users > 0)
    }

    /// What is told of it.
    pub(super) fn attributes(&self, asked: Asked) -> Attributes {
        Attributes {
            user_count: self.users.filter(|_| asked.user_count),
            subscription_count: asked.subscription_count.then_some(self.subscribers),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_asked_for_and_known_is_told() {
        let asked = Asked::read("user_count, subscription_count,cache");
        assert_eq!(asked, Asked { user_count: true, subscription_count: true });
        assert_eq!(Asked::read(""), Asked::default());
        let told = |occupancy: Occupancy, asked| serde_json::to_string(&occupancy.attributes(asked)).unwrap();
        let room = Occupancy { subscribers: 3, users: Some(2) };
        assert_eq!(told(room, asked), r#"{"user_count":2,"subscription_count":3}"#);
        assert_eq!(told(room, Asked::default()), "{}");
        assert!(!Occupancy { users: Some(0), ..room }.is_occupied() && room.is_occupied());
        let public = Occupancy { subscribers: 3, users: None };
        assert_eq!(told(public, asked), r#"{"subscription_count":3}"#);
    }
}
