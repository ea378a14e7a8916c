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
