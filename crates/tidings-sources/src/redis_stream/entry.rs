//! From an entry of a stream to its publication.

use std::borrow::Cow;

use jiff::Timestamp;
use tidings_hub::{Publication, Topic, channel::is_private};

use super::{id, reply::Entry};
use crate::{
    events,
    form::{FormKeys, Input, event_type},
    invalid::InvalidSourceReason,
    laravel::excluded,
    message::MessageForm,
    redis::{Prefixes, is_guarded, seeming_prefix},
    status::Tracker,
    topic::topic,
};

/// A stream to read.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    pub(super) key: String,
    /// Of entries that name none.
    topic: Topic,
    /// Whether all its entries need a right, by its name.
    guarded: bool,
    /// What the ids of its events begin with.
    id_prefix: String,
}

impl Stream {
    /// A stream of the server at `place`, whose entries go to `topic`, or to the topic of its name without its prefix.
    pub(crate) fn new(
        key: &str,
        topic: Option<&str>,
        prefixes: &Prefixes,
        place: &str,
    ) -> Result<Self, InvalidSourceReason> {
        let name = prefixes.strip(key).unwrap_or(key);
        let topic = self::topic(topic.unwrap_or(name))?;
        let id_prefix =
            id::prefix(place, key).ok_or_else(|| InvalidSourceReason::StreamName(key.to_owned()))?;
        Ok(Self { key: key.to_owned(), topic, guarded: is_guarded(name), id_prefix })
    }
}

/// How entries are read.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    prefixes: Prefixes,
    /// Of entries with a `payload`, which may be an envelope.
    payload: MessageForm,
    /// Of entries with `data`.
    data: MessageForm,
}

impl Reader {
    pub(crate) fn new(keys: FormKeys<'_>, prefixes: Prefixes) -> Result<Self, InvalidSourceReason> {
        Ok(Self { prefixes, payload: MessageForm::new(keys, true)?, data: MessageForm::new(keys, false)? })
    }

    /// The publication of an entry; `None`, and an event that says why, if there cannot be one.
    pub(super) fn publication(
        &self,
        stream: &Stream,
        entry: &Entry,
        source: &Tracker,
    ) -> Option<Publication> {
        let Some(fields) = &entry.fields else {
            events::deleted_entries(source, &stream.key, 1);
            return None;
        };
        let field = |name: &str| {
            let found = fields.iter().find(|(known, _)| known == name.as_bytes());
            found.map(|(_, value)| value.as_slice())
        };
        // Of these an empty one is none: PHP makes one of null.
        let text = |name: &str| field(name).map(String::from_utf8_lossy).filter(|text| !text.is_empty());

        let channel = text("channel").map(|channel| self.channel(channel, source));
        let guarded = stream.guarded || channel.as_deref().is_some_and(is_guarded);
        let (form, data, name) = match (field("data"), field("payload")) {
            (Some(data), _) => (&self.data, data, text("topic")),
            (None, Some(payload)) => (&self.payload, payload, channel.or_else(|| text("topic"))),
            (None, None) => {
                events::bad_entry(source, &stream.key, &entry.id, &"it has neither a field data nor payload");
                return None;
            }
        };
        let topic = match name.as_deref().map(topic) {
            None => stream.topic.clone(),
            Some(Ok(topic)) => topic,
            Some(Err(error)) => {
                events::bad_entry(source, &stream.key, &entry.id, &error);
                return None;
            }
        };
        let private =
            guarded || is_private(topic.as_str()) || text("private").is_some_and(|text| is_true(&text));
        let input = Input { data, channel: topic.as_str(), now: Timestamp::now() };
        let mut publication = form.publication(topic.clone(), input, private, source);
        if let Some(event) = text("event") {
            publication.event = event_type(&event, source);
        }
        if let Some(socket) = text("socket") {
            publication.socket = excluded(&socket);
        }
        let id = text("id").unwrap_or_else(|| Cow::Owned(format!("{}{}", stream.id_prefix, entry.id)));
        publication.id = Some(id.into());
        Some(publication)
    }

    /// The channel without its prefix.
    fn channel<'a>(&self, channel: Cow<'a, str>, source: &Tracker) -> Cow<'a, str> {
        let name = self.prefixes.strip(&channel).unwrap_or(&channel);
        if let Some(prefix) = seeming_prefix(&channel, name) {
            events::prefixed(source, &channel, prefix);
        }
        match name.len() == channel.len() {
            true => channel,
            false => Cow::Owned(name.to_owned()),
        }
    }
}

/// Whether the text means yes. What it could mean else is doubtful, and doubt keeps an event private.
fn is_true(text: &str) -> bool {
    !["0", "false", "no", "off"].iter().any(|no| text.eq_ignore_ascii_case(no))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(key: &str, fields: &[(&str, &str)]) -> (Option<Publication>, u64) {
        let keys = FormKeys { event: Some("update"), ..FormKeys::default() };
        let prefixes = Prefixes::new(&["*_database_".to_owned()]).unwrap();
        let stream = Stream::new(key, None, &prefixes, "h:6379/0").unwrap();
        let fields = fields.iter().map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()));
        let entry = Entry { id: "7-1".parse().unwrap(), fields: Some(fields.collect()) };
        let source = Tracker::new("s".to_owned(), "redis_stream");
        let publication = Reader::new(keys, prefixes).unwrap().publication(&stream, &entry, &source);
        if let Some(publication) = &publication {
            publication.check().unwrap();
        }
        (publication, source.status().dropped)
    }

    fn publication(fields: &[(&str, &str)]) -> Publication {
        read("events", fields).0.unwrap()
    }

    #[test]
    fn what_php_adds_with_fields_is_published() {
        let all = publication(&[("topic", "orders.7"), ("event", "shipped"), ("data", "{\"a\":1.0}")]);
        assert_eq!((all.topics[0].as_str(), all.event.as_deref()), ("orders.7", Some("shipped")));
        assert_eq!((&all.data[..], all.private, all.socket), (&b"{\"a\":1.0}"[..], false, None));
        let id = all.id.unwrap();
        assert!(id.starts_with("redis.") && id.ends_with(".events.7-1"), "{id}");
    }

    #[test]
    fn data_alone_will_do() {
        let alone = read("laravel_database_events", &[("data", "x")]).0.unwrap();
        assert_eq!((alone.topics[0].as_str(), alone.event.as_deref()), ("events", Some("update")));
        let empty = publication(&[("data", ""), ("topic", ""), ("event", ""), ("id", ""), ("private", "")]);
        assert_eq!((empty.topics[0].as_str(), &empty.data[..], empty.private), ("events", &b""[..], false));
    }

    #[test]
    fn the_publishers_own_id_privacy_and_socket_count() {
        let own = publication(&[("data", "x"), ("id", "order-7"), ("private", "1"), ("socket", "1.2")]);
        assert_eq!((own.id.as_deref(), own.private), (Some("order-7"), true));
        assert_eq!(own.socket.as_deref(), Some("1.2"));
        for (private, expected) in [("0", false), ("false", false), ("true", true), ("maybe", true)] {
            assert_eq!(publication(&[("data", "x"), ("private", private)]).private, expected, "{private}");
        }
        assert!(publication(&[("data", "x"), ("topic", "private-orders.7"), ("private", "0")]).private);
        assert_eq!(publication(&[("data", "x"), ("socket", "me")]).socket, None);
    }

    #[test]
    fn laravels_envelope_is_opened() {
        let payload = r#"{"event":"E","data":{"a":1,"socket":"1.2"},"socket":"1.2"}"#;
        let event = publication(&[("channel", "laravel_database_private-orders.7"), ("payload", payload)]);
        assert_eq!((event.topics[0].as_str(), event.event.as_deref()), ("private-orders.7", Some("E")));
        assert_eq!((&event.data[..], event.private), (&b"{\"a\":1}"[..], true));
        assert_eq!(event.socket.as_deref(), Some("1.2"));
        // Data is whatever the publisher says it is.
        assert_eq!(publication(&[("data", payload)]).data, payload);
    }

    #[test]
    fn entries_of_private_channels_are_private() {
        let private = |key, fields: &[_]| read(key, fields).0.unwrap().private;
        let payload = ("payload", r#"{"event":"E","data":{},"socket":null}"#);
        for channel in ["my:private-orders.1", "my_database_shop_database_presence-room", "private-x"] {
            assert!(private("events", &[("channel", channel), payload]), "{channel}");
            assert!(
                private("events", &[("channel", channel), ("topic", "orders"), ("data", "x")]),
                "{channel}"
            );
        }
        // Whatever topic the entries of such a stream name.
        for key in ["private-orders", "laravel_database_private-orders", "my:private-orders"] {
            assert!(private(key, &[("topic", "orders"), ("data", "x")]), "{key}");
        }
        assert!(!private("events", &[("channel", "laravel_database_orders"), payload]));
    }

    #[test]
    fn nobody_speaks_for_the_hub() {
        let payload = ("payload", r#"{"event":"E","data":{},"socket":null}"#);
        for fields in
            [[("topic", "tidings/echo/x"), ("data", "y")], [("channel", "a_database_tidings/x"), payload]]
        {
            assert_eq!(read("events", &fields), (None, 1));
        }
    }

    #[test]
    fn what_cannot_be_published_is_counted() {
        assert_eq!(read("events", &[("event", "x"), ("message", "y")]), (None, 1));
        assert_eq!(read("events", &[("topic", "a\nb"), ("data", "y")]), (None, 1));
    }
}
