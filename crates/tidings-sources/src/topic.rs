//! The topics that a source may publish to: all but the hub's own.

use tidings_hub::{Topic, TopicError};

/// Why a source cannot publish to a topic of this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotATopic {
    /// It can be no topic's.
    #[error(transparent)]
    Name(#[from] TopicError),
    /// The hub publishes there, and its subscribers take what they get for the hub's word.
    #[error("the topic {0:?} is the hub's own: choose another")]
    Reserved(Topic),
}

/// The topic of this name, for a source.
pub(crate) fn topic(name: &str) -> Result<Topic, NotATopic> {
    let topic = Topic::new(name)?;
    match topic.is_reserved() {
        true => Err(NotATopic::Reserved(topic)),
        false => Ok(topic),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hubs_own_topics_are_not_for_sources() {
        assert_eq!(topic("orders").unwrap().as_str(), "orders");
        assert_eq!(topic(""), Err(NotATopic::Name(TopicError::Empty)));
        let reserved = topic("tidings/echo/1.2").unwrap_err();
        assert_eq!(reserved.to_string(), "the topic \"tidings/echo/1.2\" is the hub's own: choose another");
    }
}
