//! From lines to items: the fields, and what a blank line dispatches.
//!
//! Linear time here too: a line is searched for its colon once, its value copied once, and decoded once at dispatch.

use std::mem;

use memchr::memchr;

/// One event, as a client is given it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Event {
    /// The last event id at the time of the event: its own, or that of an earlier event if it has none. Empty if there
    /// has been none, or if it was reset.
    pub id: String,
    /// The event type; `message` if the stream named none.
    pub event: String,
    /// The data; its lines are separated by LF.
    pub data: String,
}

/// What a decoder finds in a stream.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Item {
    /// An event. The only item that browsers show to an application.
    Event(Event),
    /// A comment line, as soon as it ends: the text after the colon, with any leading space. Heartbeats are such.
    Comment(String),
    /// The server has set the reconnection time, in milliseconds. A number beyond `u64` is `u64::MAX`.
    Retry(u64),
    /// The last event id has changed without an event (a block with `id` but without data). It is what to resume from.
    LastId(String),
}

/// The block of fields that is being read, and what outlives it: the last event id and the reconnection time.
///
/// The values are kept as bytes and decoded at dispatch, once. Invalid UTF-8 may then triple in size (U+FFFD), but what
/// is held meanwhile is never more than has been received.
#[derive(Debug, Default)]
pub(crate) struct Block {
    data: Vec<u8>,
    event_type: Vec<u8>,
    /// The id in this block. It becomes the last event id at dispatch, and only there: an unfinished block does not
    /// move the cursor.
    id: Option<Vec<u8>>,
    last_id: String,
    retry: Option<u64>,
}

impl Block {
    pub(crate) fn with_last_id(last_id: String) -> Self {
        Self { last_id, ..Self::default() }
    }

    /// Takes one line, without its end.
    pub(crate) fn line(&mut self, line: &[u8]) -> Option<Item> {
        if line.is_empty() {
            return self.dispatch();
        }
        let (name, value) = match memchr(b':', line) {
            Some(0) => return Some(Item::Comment(text(line[1..].to_vec()))),
            Some(colon) => {
                let value = &line[colon + 1..];
                (&line[..colon], value.strip_prefix(b" ").unwrap_or(value))
            }
            None => (line, &b""[..]),
        };
        match name {
            b"data" => {
                // Reserved as one, so that an event of one line is allocated to its size.
                self.data.reserve(value.len() + 1);
                self.data.extend_from_slice(value);
                self.data.push(b'\n');
            }
            b"event" => self.event_type = value.to_vec(),
            b"id" if memchr(0, value).is_none() => self.id = Some(value.to_vec()),
            b"retry" => {
                self.retry = Some(milliseconds(value)?);
                return self.retry.map(Item::Retry);
            }
            _ => {}
        }
        None
    }

    /// Forgets the block that is being read, as if none of its fields but `retry` had been sent.
    pub(crate) fn abandon(&mut self) {
        self.data = Vec::new();
        self.event_type = Vec::new();
        self.id = None;
    }

    /// How many bytes of the unfinished block are held.
    pub(crate) fn held(&self) -> usize {
        self.data.len() + self.event_type.len() + self.id.as_ref().map_or(0, Vec::len)
    }

    pub(crate) fn last_id(&self) -> &str {
        &self.last_id
    }

    pub(crate) fn retry(&self) -> Option<u64> {
        self.retry
    }

    fn dispatch(&mut self) -> Option<Item> {
        let mut id_changed = false;
        if let Some(id) = self.id.take().map(text) {
            id_changed = id != self.last_id;
            self.last_id = id;
        }
        let event = text(mem::take(&mut self.event_type));
        let mut data = mem::take(&mut self.data);
        if data.is_empty() {
            return id_changed.then(|| Item::LastId(self.last_id.clone()));
        }
        data.pop();
        Some(Item::Event(Event {
            id: self.last_id.clone(),
            event: if event.is_empty() { "message".to_owned() } else { event },
            data: text(data),
        }))
    }
}

/// Decodes UTF-8 as browsers do: what is invalid becomes U+FFFD.
fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// Reads the value of `retry`. `None` unless it consists of ASCII digits and has at least one.
fn milliseconds(value: &[u8]) -> Option<u64> {
    if value.is_empty() {
        return None;
    }
    value.iter().try_fold(0_u64, |number, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        Some(number.saturating_mul(10).saturating_add(digit))
    })
}
