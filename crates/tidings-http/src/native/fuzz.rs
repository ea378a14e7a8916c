//! What must be true of any request to the native front: the check of the fuzz target `native`.

use bytes::Bytes;
use http::HeaderMap;
use serde_json::{Value, json};
use tidings_hub::{Publication, Start, Topic};

use super::{publish_json, query};

/// Takes bytes for a line of query, and behind it the body of `POST /publish`.
pub fn fuzz(bytes: &[u8]) {
    let mut lines = bytes.splitn(2, |byte| *byte == b'\n');
    let query = String::from_utf8_lossy(lines.next().unwrap_or_default());
    let body = lines.next().unwrap_or_default();
    let Ok(default) = Topic::new("messages") else { return };
    if let Ok(asked) = query::read(Some(&query), &HeaderMap::new(), &default) {
        assert!(!asked.selection.is_empty(), "a subscription to nothing");
        assert!(!matches!(asked.start, Start::After(id) if id.is_empty()), "a cursor that says nothing");
        let lines = asked.event.as_deref().into_iter().chain(asked.end.as_deref());
        lines.for_each(|text| assert!(!text.is_empty() && !text.contains(['\r', '\n']), "{text:?}"));
    }
    if let Ok(batch) = publish_json::parse(body) {
        let values = serde_json::Deserializer::from_slice(body).into_iter::<&serde_json::value::RawValue>();
        assert_eq!(values.filter(Result::is_ok).count(), batch.len(), "one publication for each JSON value");
        for publication in batch {
            round_trip(publication);
        }
    }
}

/// What was read is read again from what it is written as.
fn round_trip(publication: Publication) {
    let Ok(data) = std::str::from_utf8(&publication.data) else { panic!("data that is not UTF-8") };
    let topics: Vec<_> = publication.topics.iter().map(Topic::as_str).collect();
    let mut written = json!({ "topics": topics, "data": data, "private": publication.private });
    let mut write = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            written[name] = value;
        }
    };
    write("event", publication.event.as_deref().map(Value::from));
    write("id", publication.id.as_deref().map(Value::from));
    write("retry", publication.retry.map(Value::from));
    write("socket_id", publication.socket.as_deref().map(Value::from));
    let read = publish_json::parse(written.to_string().as_bytes());
    let expected = Publication { data: Bytes::from(data.to_owned()), ..publication };
    assert_eq!(read, Ok(vec![expected]));
}
