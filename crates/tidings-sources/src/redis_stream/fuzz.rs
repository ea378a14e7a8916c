//! What must be true of any reply that is taken for entries of streams, as the fuzz target `replies` has it.

use redis::Value;

use super::{Reader, Stream, id::EntryId, reply};
use crate::{form::FormKeys, redis::Prefixes, status::Tracker};

/// Reads a reply in every way that streams are read. Publications of private channels are private, and each has an id.
pub(crate) fn entries(reply: Value) {
    reply::first_pending(&reply);
    reply::Info::named(reply.clone(), "tidings").and_then(|info| info.number("pending"));
    reply::Info::new(reply.clone()).id("last-generated-id");
    let prefixes = Prefixes::new(&["*-database-".to_owned()]);
    let reader = prefixes.clone().and_then(|prefixes| Reader::new(FormKeys::default(), prefixes));
    let stream = prefixes.and_then(|prefixes| Stream::new("orders", None, &prefixes, "127.0.0.1:6379"));
    let (Ok(reader), Ok(stream), Ok(streams)) = (reader, stream, reply::read(reply)) else { return };
    let source = Tracker::new("fuzz".to_owned(), "redis_stream");
    for entry in streams.into_iter().flat_map(|stream| stream.entries) {
        assert_eq!(entry.id.to_string().parse::<EntryId>(), Ok(entry.id));
        if let Some(publication) = reader.publication(&stream, &entry, &source) {
            let topic = &publication.topics[0];
            assert!(publication.private || !tidings_hub::channel::is_private(topic.as_str()), "{topic:?}");
            assert!(publication.id.is_some(), "a repetition would not be known for one");
            // Whether the hub takes it is the hub's to say.
            publication.check().ok();
        }
    }
}
