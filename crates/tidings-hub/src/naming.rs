//! How a stream names its events: as they were published, or as the protocol of a front wants it.

use std::{borrow::Cow, sync::Arc};

use serde::de::IgnoredAny;
use tidings_stream::Frame;

use crate::log::Entry;

/// What an event without a type is called where the type is a part of the name.
const UNTYPED: &str = "message";

/// How a stream names its events.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Naming {
    /// By the event's type, as a browser expects it.
    #[default]
    Own,
    /// `<topic>.<type>`, as clients expect it that hear many channels on one stream; without a type, `<topic>.message`. An
    /// event of several topics comes once for each of them that was asked for. Such clients parse all data: what is no JSON
    /// is sent as a JSON string.
    Channel,
    /// Always by this name, for clients that listen for one.
    Fixed(Arc<str>),
}

/// What of an event its name changes.
pub(crate) struct Named<'e> {
    event: Option<Cow<'e, str>>,
    data: Cow<'e, str>,
}

impl Naming {
    /// The event as a subscriber of this topic gets it.
    pub(crate) fn name<'e>(&'e self, entry: &'e Entry, topic: &str) -> Named<'e> {
        let publication = &entry.publication;
        // Checked at the door, and kept as it was.
        let data = std::str::from_utf8(&publication.data).unwrap_or_default();
        let event = publication.event.as_deref();
        match self {
            Self::Own => Named { event: event.map(Cow::Borrowed), data: Cow::Borrowed(data) },
            Self::Channel => Named {
                event: Some(format!("{topic}.{}", event.unwrap_or(UNTYPED)).into()),
                data: json(data),
            },
            Self::Fixed(name) => Named { event: Some(Cow::Borrowed(name)), data: Cow::Borrowed(data) },
        }
    }
}

impl Named<'_> {
    pub(crate) fn frame<'f>(&'f self, id: Option<&'f str>, retry: Option<u64>) -> Frame<'f> {
        Frame { id, event: self.event.as_deref(), retry, data: Some(&self.data) }
    }
}

fn json(data: &str) -> Cow<'_, str> {
    match serde_json::from_str::<IgnoredAny>(data) {
        Ok(_) => Cow::Borrowed(data),
        Err(_) => serde_json::Value::from(data).to_string().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_no_json_becomes_a_string() {
        for same in ["{\"a\": 1}", "\"x\"", "12345678901234567890", "null", " [1,\n2] "] {
            assert_eq!(json(same), same);
        }
        assert_eq!(json("Hello"), "\"Hello\"");
        assert_eq!(json(""), "\"\"");
        assert_eq!(json("a\n\"b\""), "\"a\\n\\\"b\\\"\"");
    }
}
