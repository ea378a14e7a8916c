//! The decoder: lines and blocks put together, within a limit.

use std::mem;

use bytes::Buf;
use thiserror::Error;

use crate::block::{Block, Item};
use crate::lines::Lines;

/// The limit of [`Decoder::max_event_bytes`] unless it is set: 16 MiB.
pub const DEFAULT_MAX_EVENT_BYTES: usize = 16 * 1024 * 1024;

/// Reads an event stream incrementally.
///
/// It takes the bytes as they arrive, cut anywhere, and hands out each item as soon as its last byte is there. It never
/// waits for a byte that may not come: a line that ends with a lone CR ends at that CR.
///
/// Where the stream ends, an event without its blank line is lost, as the standard has it; there is nothing to call.
/// For the next connection use [`restart`](Self::restart), or [`with_last_id`](Self::with_last_id) if the id came
/// from elsewhere.
#[derive(Debug)]
pub struct Decoder {
    lines: Lines,
    block: Block,
    /// An event was too long: everything is dropped up to the next blank line.
    skipping: bool,
    max_event_bytes: usize,
}

impl Decoder {
    /// A decoder for a stream from its first byte, with no last event id.
    pub fn new() -> Self {
        Self::with_last_id(String::new())
    }

    /// A decoder for a stream that resumes after `last_id`: events without an id carry this one, until the stream
    /// sends another.
    pub fn with_last_id(last_id: impl Into<String>) -> Self {
        Self {
            lines: Lines::default(),
            block: Block::with_last_id(last_id.into()),
            skipping: false,
            max_event_bytes: DEFAULT_MAX_EVENT_BYTES,
        }
    }

    /// Sets how many bytes of one event may have to be held: its data, type and id so far, and the line that is being
    /// read, whatever it is. A longer event is dropped as a whole, with [`DecodeError::EventTooLong`].
    ///
    /// Bytes are counted as they were received. The default is [`DEFAULT_MAX_EVENT_BYTES`].
    #[must_use]
    pub fn max_event_bytes(mut self, limit: usize) -> Self {
        self.max_event_bytes = limit;
        self
    }

    /// Reads the next item from the front of `input`, which is advanced past it; `None` once `input` is used up.
    ///
    /// `input` is any [`Buf`], such as `&mut &[u8]`, `Bytes` or `BytesMut`. Call it until it returns `None` before
    /// waiting for more bytes. Nothing is scanned twice: the time is linear in the bytes, however they are cut.
    ///
    /// # Errors
    /// [`DecodeError::EventTooLong`], once for each event dropped. The decoder stays usable and goes on with the event
    /// that follows.
    pub fn decode(&mut self, input: &mut impl Buf) -> Option<Result<Item, DecodeError>> {
        loop {
            let chunk = input.chunk();
            if chunk.is_empty() {
                return None;
            }
            let mut rest = chunk;
            let found = self.decode_chunk(&mut rest);
            let used = chunk.len() - rest.len();
            input.advance(used);
            if found.is_some() {
                return found;
            }
        }
    }

    /// Makes the decoder ready for a new connection to the same stream: an unfinished event is forgotten and a byte
    /// order mark may come again, while the last event id, the reconnection time and the limit stay.
    pub fn restart(&mut self) {
        self.lines = Lines::default();
        self.block.abandon();
        self.skipping = false;
    }

    /// The last event id, to be sent as `Last-Event-ID` when reconnecting, unless it is empty. An id counts when the
    /// blank line of its block has been read.
    pub fn last_id(&self) -> &str {
        self.block.last_id()
    }

    /// The reconnection time in milliseconds, if the stream has set it.
    pub fn retry(&self) -> Option<u64> {
        self.block.retry()
    }

    /// How many bytes of an unfinished event are held; never more than [`max_event_bytes`](Self::max_event_bytes).
    /// Buffers may have allocated up to twice as much.
    pub fn buffered(&self) -> usize {
        self.lines.held() + self.block.held()
    }

    fn decode_chunk(&mut self, chunk: &mut &[u8]) -> Option<Result<Item, DecodeError>> {
        loop {
            // While skipping there is room for nothing, and only a blank line can be read.
            let room = if self.skipping { 0 } else { self.max_event_bytes.saturating_sub(self.block.held()) };
            match self.lines.next(chunk, room)? {
                Ok(_blank) if self.skipping => self.skipping = false,
                Ok(line) => {
                    if let Some(item) = self.block.line(line) {
                        return Some(Ok(item));
                    }
                }
                Err(_too_long) => {
                    if !mem::replace(&mut self.skipping, true) {
                        self.block.abandon();
                        return Some(Err(DecodeError::EventTooLong { limit: self.max_event_bytes }));
                    }
                }
            }
        }
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

/// Why a part of a stream was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// An event, or a single line, that does not fit the limit. It is dropped up to the next blank line; its id does
    /// not count.
    #[error(
        "dropped an event longer than {limit} bytes: raise the decoder's limit if such events are expected"
    )]
    EventTooLong {
        /// The limit in bytes.
        limit: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Event;

    const LIMIT: usize = 20;
    const TOO_LONG: Result<Item, DecodeError> = Err(DecodeError::EventTooLong { limit: LIMIT });

    fn decode(stream: &str) -> Vec<Result<Item, DecodeError>> {
        let mut decoder = Decoder::new().max_event_bytes(LIMIT);
        let mut input = stream.as_bytes();
        let whole: Vec<_> = std::iter::from_fn(|| decoder.decode(&mut input)).collect();

        let mut decoder = Decoder::new().max_event_bytes(LIMIT);
        let by_bytes: Vec<_> = stream.bytes().filter_map(|byte| decoder.decode(&mut &[byte][..])).collect();
        assert_eq!(by_bytes, whole);
        whole
    }

    fn event(id: &str, data: &str) -> Result<Item, DecodeError> {
        Ok(Item::Event(Event { id: id.to_owned(), event: "message".to_owned(), data: data.to_owned() }))
    }

    #[test]
    fn an_event_that_just_fits_is_read() {
        // 14 bytes and a line end held, then a line of 5.
        assert_eq!(decode("data:12345678901234\ndata:\n\n"), [event("", "12345678901234\n")]);
        assert_eq!(decode("data:12345678901234\ndata:1\n\ndata:b\n\n"), [TOO_LONG, event("", "b")]);
    }

    #[test]
    fn an_event_too_long_is_dropped_as_a_whole() {
        let stream =
            "id:1\ndata:a\n\nid:2\ndata:123456789012345\ndata:1234\n:no\nretry:5\ndata:x\n\ndata:b\n\n";
        assert_eq!(decode(stream), [event("1", "a"), TOO_LONG, event("1", "b")]);
    }

    #[test]
    fn a_line_too_long_is_dropped_with_its_event() {
        for line in ["data:1234567890123456", ":12345678901234567890", "12345678901234567890:"] {
            for end in ["\n", "\r\n", "\r"] {
                let stream = format!("data:a{end}{line}{end}data:b{end}{end}data:c{end}{end}");
                assert_eq!(decode(&stream), [TOO_LONG, event("", "c")], "{stream:?}");
            }
        }
    }

    #[test]
    fn two_events_too_long_are_two_errors() {
        let long = format!("data:{}\n\n", "x".repeat(1000));
        assert_eq!(decode(&(long.clone() + &long + "data:a\n\n")), [TOO_LONG, TOO_LONG, event("", "a")]);
    }

    #[test]
    fn an_endless_line_is_not_held() {
        let mut decoder = Decoder::new().max_event_bytes(LIMIT);
        assert_eq!(decoder.decode(&mut &[b'x'; LIMIT + 1][..]), Some(TOO_LONG));
        for _ in 0..1000 {
            assert_eq!(decoder.decode(&mut &[b'x'; 1000][..]), None);
            assert_eq!(decoder.buffered(), 0);
        }
    }

    #[test]
    fn a_restart_ends_the_skipping() {
        let mut decoder = Decoder::new().max_event_bytes(LIMIT);
        assert_eq!(decoder.decode(&mut &[b'x'; LIMIT + 1][..]), Some(TOO_LONG));
        decoder.restart();
        assert_eq!(decoder.decode(&mut &b"data:a\n\n"[..]), Some(event("", "a")));
    }
}
