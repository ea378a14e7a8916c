//! `[history]` and `[[topic]]`: how much is kept, and what is particular about some topics.

use std::time::Duration;

use tidings_hub::Pattern;

use super::{section::Section, value};

/// `[history]`: how much is kept of all topics together. Whichever limit is met first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct History {
    /// The number of newest events. Default: 1,000,000.
    pub(crate) events: u64,
    /// How long an event is kept. Default: 7 days.
    pub(crate) age: Duration,
    /// The bytes the history may occupy. Default: 1 GiB.
    pub(crate) bytes: u64,
}

/// `[[topic]]`: what is particular about the topics of a pattern. The first table that matches a topic is the topic's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TopicRule {
    /// The topics.
    pub(crate) pattern: Pattern,
    /// The number of newest events kept of each such topic; never more than `history.events`.
    pub(crate) events: Option<u64>,
    /// How long their events are kept; never longer than `history.age`.
    pub(crate) age: Option<Duration>,
    /// Text that each new subscriber of such a topic is sent as a first event.
    pub(crate) greeting: Option<String>,
}

impl Default for History {
    fn default() -> Self {
        Self { events: 1_000_000, age: Duration::from_secs(7 * 24 * 60 * 60), bytes: 1 << 30 }
    }
}

impl History {
    pub(super) fn read(section: &mut Section<'_, '_>) -> Self {
        let default = Self::default();
        Self {
            events: section.read("events", value::count).unwrap_or(default.events),
            age: section.read("age", value::duration).unwrap_or(default.age),
            bytes: section.read("bytes", value::size).unwrap_or(default.bytes),
        }
    }
}

impl TopicRule {
    /// `None` if a problem was noted that leaves no rule.
    pub(super) fn read(section: &mut Section<'_, '_>, history: &History) -> Option<Self> {
        let pattern = section.read("pattern", value::string);
        let events = section.read("events", value::count);
        let age = section.read("age", value::duration);
        let greeting = section.read("greeting", value::non_empty);
        if events.is_some_and(|events| events > history.events) {
            section
                .reject("events", "it is more than history.events: topics can be kept shorter, not longer");
        }
        if age.is_some_and(|age| age > history.age) {
            section.reject("age", "it is more than history.age: topics can be kept shorter, not longer");
        }
        let Some(pattern) = pattern else {
            if !section.has("pattern") {
                section.reject_all("it has no pattern: say which topics it is about, such as \"orders.*\"");
            }
            return None;
        };
        if !["events", "age", "greeting"].iter().any(|key| section.has(key)) {
            section.reject_all("it sets nothing: give it events, age or greeting, or take it out");
        }
        match Pattern::new(&pattern) {
            Ok(pattern) => Some(Self { pattern, events, age, greeting }),
            Err(error) => {
                section.reject("pattern", error.to_string());
                None
            }
        }
    }
}
