//! A publication: what a publisher hands in.

use std::str::Utf8Error;

use bytes::Bytes;
use tidings_stream::{EncodeError, check_event_type, check_id};

use crate::{channel::is_socket_id, position::is_generated_form, settings::Length, topic::Topic};

/// The longest event type, in bytes.
pub const MAX_EVENT_TYPE_BYTES: usize = 255;
/// The longest publisher-given id, in bytes.
pub const MAX_ID_BYTES: usize = 255;
/// The most topics that one event can be published to.
pub const MAX_TOPICS_PER_EVENT: usize = 100;
/// The longest socket id, in bytes.
pub const MAX_SOCKET_BYTES: usize = 64;
/// The longest reconnection time that a publisher can ask for, in milliseconds: a day.
pub const MAX_RETRY_MS: u64 = 24 * 60 * 60 * 1000;
/// Event types with this prefix are the hub's own control events, which no publisher can forge.
pub const CONTROL_PREFIX: &str = "tidings.";
/// Where a cursor stands, this means the beginning of what is kept.
pub const EARLIEST: &str = "earliest";
/// Words that mean a place in the history where a cursor stands, so that no event's id can be one of them.
pub const RESERVED_IDS: [&str; 2] = [EARLIEST, "latest"];

/// One event, the topics it is for, and whether it is private. [`Publication::check`] says what is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    /// Where the event is published: 1 to [`MAX_TOPICS_PER_EVENT`]. A subscriber of several gets it once.
    pub topics: Box<[Topic]>,
    /// The event's data: UTF-8, passed through byte for byte.
    pub data: Bytes,
    /// The event's type; a browser takes `None` for `message`.
    pub event: Option<Box<str>>,
    /// The publisher's own id. It makes publishing idempotent and is what a subscriber resumes from.
    pub id: Option<Box<str>>,
    /// The reconnection time that the event tells the browser, in milliseconds.
    pub retry: Option<u64>,
    /// Whether it is only for subscribers who may see private events of one of its topics
    /// ([`ReadRights::private`](crate::ReadRights::private)).
    pub private: bool,
    /// The socket id of the connection that caused the event: the subscriber [of that name](crate::Subscription::sockets)
    /// does not get it. Nobody is told it.
    pub socket: Option<Box<str>>,
}

/// Why a publication is not accepted. The fault is the publisher's; trying again does not help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPublication {
    /// It names no topic.
    #[error("the publication names no topic: give at least one")]
    NoTopic,
    /// It names too many topics.
    #[error("the publication names {0} topics: at most {MAX_TOPICS_PER_EVENT} are allowed")]
    TooManyTopics(usize),
    /// The data is not UTF-8, the only encoding that an event stream has.
    #[error("the data is not UTF-8 ({0}): send text, or encode binary data, for instance as base64")]
    NotUtf8(Utf8Error),
    /// The event type or id cannot be written to an event stream.
    #[error(transparent)]
    Unwritable(#[from] EncodeError),
    /// The event type is longer than [`MAX_EVENT_TYPE_BYTES`].
    #[error("the event type is {0} bytes long: at most {MAX_EVENT_TYPE_BYTES} are allowed")]
    EventTypeTooLong(usize),
    /// The event type is one of the hub's own.
    #[error("event types that begin with \"{CONTROL_PREFIX}\" are the hub's own: choose another")]
    ControlEventType,
    /// The id is empty, which browsers understand as "forget the last id".
    #[error("the id is empty: leave it out to have one made")]
    EmptyId,
    /// The id is longer than [`MAX_ID_BYTES`].
    #[error("the id is {0} bytes long: at most {MAX_ID_BYTES} are allowed")]
    IdTooLong(usize),
    /// The id cannot come back in a browser's `Last-Event-ID` header, where control characters are refused and blanks at
    /// the ends are taken off (RFC 9110, section 5.5).
    #[error(
        "the id {0:?} holds a control character, or begins or ends with a blank, and so could not be resumed from"
    )]
    UnresumableId(Box<str>),
    /// The id is a word that means something else where a cursor stands, or has the form of generated ids.
    #[error(
        "the id {0:?} is reserved: words such as \"earliest\" and the form of the hub's own ids mean something else to it; choose another"
    )]
    ReservedId(Box<str>),
    /// The retry time is longer than [`MAX_RETRY_MS`].
    #[error("a retry of {0} ms is too long: at most {MAX_RETRY_MS} are allowed")]
    RetryTooLong(u64),
    /// A topic, the event type or the id is longer than [`Settings::lengths`](crate::Settings::lengths) allow.
    #[error("{length} bytes are too long: this hub takes at most {limit} (setting limits.{})", what.as_str())]
    TooLong {
        /// What is.
        what: Length,
        /// How long it is.
        length: usize,
        /// How long it may be.
        limit: usize,
    },
    /// The socket id is [none](crate::channel::is_socket_id).
    #[error(
        "the socket id is none: it is two numbers with a point between, such as 123.456, of at most {MAX_SOCKET_BYTES} bytes"
    )]
    InvalidSocket,
}

impl Publication {
    /// A publication of `data` to one topic, with nothing else set.
    pub fn new(topic: Topic, data: impl Into<Bytes>) -> Self {
        Self {
            topics: Box::new([topic]),
            data: data.into(),
            event: None,
            id: None,
            retry: None,
            private: false,
            socket: None,
        }
    }

    /// Whether the hub accepts it.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn check(&self) -> Result<(), InvalidPublication> {
        match self.topics.len() {
            0 => return Err(InvalidPublication::NoTopic),
            n if n > MAX_TOPICS_PER_EVENT => return Err(InvalidPublication::TooManyTopics(n)),
            _ => {}
        }
        std::str::from_utf8(&self.data).map_err(InvalidPublication::NotUtf8)?;
        if let Some(event) = &self.event {
            check_event_type(event)?;
            if event.len() > MAX_EVENT_TYPE_BYTES {
                return Err(InvalidPublication::EventTypeTooLong(event.len()));
            }
            if event.starts_with(CONTROL_PREFIX) {
                return Err(InvalidPublication::ControlEventType);
            }
        }
        if let Some(id) = &self.id {
            check_id(id)?;
            match id.len() {
                0 => return Err(InvalidPublication::EmptyId),
                n if n > MAX_ID_BYTES => return Err(InvalidPublication::IdTooLong(n)),
                _ => {}
            }
            if id.chars().any(char::is_control) || id.starts_with(' ') || id.ends_with(' ') {
                return Err(InvalidPublication::UnresumableId(id.clone()));
            }
            if RESERVED_IDS.contains(&&**id) || is_generated_form(id) {
                return Err(InvalidPublication::ReservedId(id.clone()));
            }
        }
        if self.socket.as_ref().is_some_and(|socket| !is_socket_id(socket)) {
            return Err(InvalidPublication::InvalidSocket);
        }
        match self.retry {
            Some(retry) if retry > MAX_RETRY_MS => Err(InvalidPublication::RetryTooLong(retry)),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(id: &str) -> Result<(), InvalidPublication> {
        let topic = Topic::new("t").unwrap();
        Publication { id: Some(id.into()), ..Publication::new(topic, "x") }.check()
    }

    #[test]
    fn every_accepted_id_can_come_back_in_a_header() {
        for id in ["7", "urn:uuid:5e94c686-2c0b-4f9b-958c-92ccc3bbb4eb", "a b", "é你", "\"<>{}"] {
            assert_eq!(check(id), Ok(()), "{id}");
        }
        for id in ["a\u{1}b", "\u{7f}", "\t", " x", "x ", "\u{85}"] {
            assert_eq!(check(id), Err(InvalidPublication::UnresumableId(id.into())), "{id:?}");
        }
        assert!(matches!(check("a\nb"), Err(InvalidPublication::Unwritable(_))));
        assert!(matches!(check("earliest"), Err(InvalidPublication::ReservedId(_))));
        assert!(matches!(check("0000000000000-7"), Err(InvalidPublication::ReservedId(_))));
        assert!(matches!(check(""), Err(InvalidPublication::EmptyId)));
    }
}
