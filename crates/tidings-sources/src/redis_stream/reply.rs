//! What Redis answers about streams, taken out of its replies. No I/O.

use redis::Value;

use super::id::EntryId;
use crate::redis::{Lost, Malformed, words};

/// An entry of a stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) id: EntryId,
    /// `None` if it has been deleted since it was read first.
    pub(super) fields: Option<Fields>,
}

/// Entries of the stream of this key.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entries {
    pub(super) key: Vec<u8>,
    pub(super) entries: Vec<Entry>,
}

/// Names and values, in their order.
pub(super) type Fields = Vec<(Vec<u8>, Vec<u8>)>;

/// The reply, unless it is a refusal.
pub(super) fn accepted(reply: Value, key: &str) -> Result<Value, Lost> {
    match reply {
        Value::ServerError(error) => Err(Lost::RefusedStream { key: key.to_owned(), words: words(&error) }),
        reply => Ok(reply),
    }
}

/// The answer to XREADGROUP: what there is of each stream, if anything.
pub(super) fn read(reply: Value) -> Result<Vec<Entries>, Lost> {
    match reply {
        Value::Nil => Ok(Vec::new()),
        Value::Array(streams) => streams.into_iter().map(stream).collect::<Option<_>>().ok_or(UNEXPECTED),
        _ => Err(UNEXPECTED),
    }
}

const UNEXPECTED: Lost = Lost::Malformed(Malformed::Protocol);

fn stream(value: Value) -> Option<Entries> {
    let [Value::BulkString(key), Value::Array(entries)] = pair(value)? else { return None };
    Some(Entries { key, entries: entries.into_iter().map(entry).collect::<Option<_>>()? })
}

fn entry(value: Value) -> Option<Entry> {
    let [Value::BulkString(id), fields] = pair(value)? else { return None };
    let id = std::str::from_utf8(&id).ok()?.parse().ok()?;
    let fields = match fields {
        Value::Nil => None,
        Value::Array(values) => Some(fields_of(values)?),
        _ => return None,
    };
    Some(Entry { id, fields })
}

fn fields_of(values: Vec<Value>) -> Option<Fields> {
    let mut values = values.into_iter();
    let mut fields = Vec::with_capacity(values.len() / 2);
    while let Some(name) = values.next() {
        let (Value::BulkString(name), Value::BulkString(value)) = (name, values.next()?) else { return None };
        fields.push((name, value));
    }
    Some(fields)
}

fn pair(value: Value) -> Option<[Value; 2]> {
    let Value::Array(parts) = value else { return None };
    parts.try_into().ok()
}

/// The first id in the answer to XPENDING with a range.
pub(super) fn first_pending(reply: &Value) -> Option<EntryId> {
    let Value::Array(entries) = reply else { return None };
    let Value::Array(first) = entries.first()? else { return None };
    let Value::BulkString(id) = first.first()? else { return None };
    std::str::from_utf8(id).ok()?.parse().ok()
}

/// What is known of something, from XINFO: names and values in turn.
#[derive(Debug, Default)]
pub(super) struct Info(Vec<Value>);

impl Info {
    pub(super) fn new(reply: Value) -> Self {
        match reply {
            Value::Array(values) => Self(values),
            _ => Self::default(),
        }
    }

    /// The item of a list of infos whose `name` is this.
    pub(super) fn named(reply: Value, name: &str) -> Option<Self> {
        let Value::Array(items) = reply else { return None };
        items.into_iter().map(Self::new).find(|info| info.text("name") == Some(name))
    }

    fn value(&self, name: &str) -> Option<&Value> {
        let is_it = |pair: &&[Value]| matches!(&pair[0], Value::BulkString(text) if text == name.as_bytes());
        self.0.chunks_exact(2).find(is_it).map(|pair| &pair[1])
    }

    fn text(&self, name: &str) -> Option<&str> {
        match self.value(name)? {
            Value::BulkString(text) => std::str::from_utf8(text).ok(),
            _ => None,
        }
    }

    pub(super) fn id(&self, name: &str) -> Option<EntryId> {
        self.text(name)?.parse().ok()
    }

    /// A number; `None` also where this version of the server does not know it.
    pub(super) fn number(&self, name: &str) -> Option<u64> {
        match self.value(name)? {
            Value::Int(number) => u64::try_from(*number).ok(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulk(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    #[test]
    fn entries_are_read_and_deleted_ones_known() {
        let whole = Value::Array(vec![bulk("1-0"), Value::Array(vec![bulk("data"), bulk("x")])]);
        let deleted = Value::Array(vec![bulk("1-1"), Value::Nil]);
        let reply =
            Value::Array(vec![Value::Array(vec![bulk("events"), Value::Array(vec![whole, deleted])])]);
        let read = read(reply).unwrap();
        assert_eq!(read.len(), 1);
        assert_eq!(read[0].key, b"events");
        let fields = vec![(b"data".to_vec(), b"x".to_vec())];
        let expected = [("1-0", Some(fields)), ("1-1", None)];
        assert_eq!(read[0].entries, expected.map(|(id, fields)| Entry { id: id.parse().unwrap(), fields }));
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        assert!(read(Value::Nil).unwrap().is_empty());
        let odd = Value::Array(vec![bulk("1-0"), Value::Array(vec![bulk("data")])]);
        for reply in [
            Value::Okay,
            Value::Array(vec![bulk("events")]),
            Value::Array(vec![Value::Array(vec![bulk("events"), Value::Array(vec![odd])])]),
        ] {
            assert!(matches!(read(reply.clone()), Err(Lost::Malformed(Malformed::Protocol))), "{reply:?}");
        }
    }

    #[test]
    fn infos_are_looked_up_by_name() {
        let group = |name: &str, id: &str| {
            Value::Array(vec![
                bulk("name"),
                bulk(name),
                bulk("last-delivered-id"),
                bulk(id),
                bulk("lag"),
                Value::Int(3),
            ])
        };
        let reply = Value::Array(vec![group("other", "1-0"), group("tidings", "2-0")]);
        let info = Info::named(reply, "tidings").unwrap();
        assert_eq!(info.id("last-delivered-id"), "2-0".parse().ok());
        assert_eq!((info.number("lag"), info.number("entries-read")), (Some(3), None));
    }
}
