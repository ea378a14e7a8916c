//! A topic: the name that events are published to.

use std::{borrow::Borrow, fmt, sync::Arc};

/// The longest topic name, in bytes. Topics are kept in every index, so their length is bounded.
pub const MAX_TOPIC_BYTES: usize = 4096;
/// How the names of the hub's own topics begin.
const OWN: &str = "tidings/";
/// Where Mercure has the hub's announcements of who is subscribed, on whatever host.
const ANNOUNCEMENTS: &str = ".well-known/mercure";

/// The name that events are published to: 1 to [`MAX_TOPIC_BYTES`] bytes of UTF-8 without control characters.
///
/// Cloning is cheap (a reference count).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Topic(Arc<str>);

/// Why a string is not a topic.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TopicError {
    /// The name has no characters.
    #[error("a topic name is empty: give it at least one character")]
    Empty,
    /// The name is longer than [`MAX_TOPIC_BYTES`].
    #[error("a topic name is {0} bytes long: at most {MAX_TOPIC_BYTES} are allowed")]
    TooLong(usize),
    /// The name holds a control character.
    #[error("a topic name holds the control character {0:?}: remove it")]
    Control(char),
}

impl Topic {
    /// Checks `name` and makes it a topic.
    ///
    /// # Errors
    /// When the name is empty, longer than [`MAX_TOPIC_BYTES`] or holds a control character.
    pub fn new(name: impl AsRef<str>) -> Result<Self, TopicError> {
        let name = name.as_ref();
        check_name(name)?;
        Ok(Self(Arc::from(name)))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether only the hub itself ought to publish here: the name begins with `tidings/`, or subscribers could take it for
    /// Mercure's announcements. Nothing that is published is refused for it: whoever takes events from outside has to ask.
    pub fn is_reserved(&self) -> bool {
        self.0.starts_with(OWN) || self.0.contains(ANNOUNCEMENTS)
    }
}

/// The rule for topics, which patterns share.
pub(crate) fn check_name(name: &str) -> Result<(), TopicError> {
    if name.is_empty() {
        return Err(TopicError::Empty);
    }
    if name.len() > MAX_TOPIC_BYTES {
        return Err(TopicError::TooLong(name.len()));
    }
    match name.chars().find(|c| c.is_control()) {
        Some(control) => Err(TopicError::Control(control)),
        None => Ok(()),
    }
}

impl Borrow<str> for Topic {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_every_script_are_topics() {
        for name in ["messages", "orders/7", "https://example.com/books/1", "消息", "a b"] {
            assert_eq!(Topic::new(name).unwrap().as_str(), name);
        }
    }

    #[test]
    fn the_hubs_own_topics_are_known_by_their_names() {
        for (name, is_reserved) in [
            ("tidings/echo/1.2", true),
            ("/.well-known/mercure/subscriptions/a/b", true),
            ("https://example.com/.well-known/mercure/subscriptions/a/b", true),
            ("tidings", false),
            ("my/tidings/echo", false),
        ] {
            assert_eq!(Topic::new(name).unwrap().is_reserved(), is_reserved, "{name}");
        }
    }

    #[test]
    fn bad_names_are_refused_with_the_reason() {
        assert_eq!(Topic::new(""), Err(TopicError::Empty));
        assert_eq!(Topic::new("a\nb"), Err(TopicError::Control('\n')));
        assert_eq!(Topic::new("\0"), Err(TopicError::Control('\0')));
        assert_eq!(Topic::new("x".repeat(4097)), Err(TopicError::TooLong(4097)));
    }
}
