//! What a log keeps.

use std::time::Duration;

use tidings_hub::{Pattern, Topic};

/// How much history a log keeps: whichever limit is met first. `None` is no limit.
///
/// The limits of the whole log free space from its old end, so `events` and `age` may be exceeded by what the engine
/// frees at a time (nothing in memory; a segment on disk). `bytes` is a ceiling, except that the newest events, those
/// that the engine is still adding to, are always kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retention {
    /// The number of newest events kept.
    pub events: Option<u64>,
    /// How long an event is kept.
    pub age: Option<Duration>,
    /// The bytes that the log may occupy.
    pub bytes: Option<u64>,
    /// Shorter histories for some topics. The first rule whose pattern matches a topic is the topic's.
    pub topics: Vec<TopicRule>,
}

impl Default for Retention {
    /// A million events, seven days, 1 GiB, no rules for topics.
    fn default() -> Self {
        Self {
            events: Some(1_000_000),
            age: Some(Duration::from_secs(7 * 24 * 60 * 60)),
            bytes: Some(1 << 30),
            topics: Vec::new(),
        }
    }
}

impl Retention {
    /// No limit at all.
    pub fn unlimited() -> Self {
        Self { events: None, age: None, bytes: None, topics: Vec::new() }
    }

    /// The rule of this topic.
    pub(crate) fn rule(&self, topic: &Topic) -> Option<&TopicRule> {
        self.topics.iter().find(|rule| rule.pattern.matches(topic.as_str()))
    }
}

/// A shorter history for the topics of a pattern. It holds to the event: readers of such a topic see nothing beyond
/// it. An event of several topics can be gone from one and still be seen in another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicRule {
    /// The topics.
    pub pattern: Pattern,
    /// The number of newest events kept of each such topic.
    pub events: Option<u64>,
    /// How long events of such topics are kept.
    pub age: Option<Duration>,
}
