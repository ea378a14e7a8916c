//! Writing events and comments.
//!
//! This is on the hub's hot path: one scan over the data, and one copy of it into the caller's buffer. Values that
//! could inject lines into the stream are refused, never escaped, because the format has no escapes.

use bytes::BytesMut;
use memchr::{memchr2, memchr2_iter, memchr3};
use thiserror::Error;

/// One event, borrowed for encoding. A field that is `None` is not written.
///
/// What browsers make of it: without `data` nothing is fired, but `id` still moves the last event id and `retry` still
/// sets the reconnection time; with empty data an event with empty data is fired; without `event`, or with an empty
/// one, its type is `message`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The event id, which a client sends back as `Last-Event-ID` when it reconnects. Empty: forget the id.
    /// Must pass [`check_id`].
    pub id: Option<&'a str>,
    /// The event type. Must pass [`check_event_type`].
    pub event: Option<&'a str>,
    /// The reconnection time in milliseconds.
    pub retry: Option<u64>,
    /// The data, of any content. CR, LF and CRLF each start a new line, and a client reads each as LF.
    pub data: Option<&'a str>,
}

impl Frame<'_> {
    /// The exact number of bytes that [`encode`](Self::encode) appends. Scans the data for line ends.
    pub fn encoded_len(&self) -> usize {
        self.single_line_len() + self.data.map_or(0, |data| line_ends_growth(data.as_bytes()))
    }

    /// Appends the event to `out`: `id`, `event`, `retry`, one `data` line per line of data, and the blank line that
    /// dispatches it. Lines end with LF. A frame in which every field is `None` is a blank line, which does nothing.
    ///
    /// # Errors
    /// If [`check_id`] or [`check_event_type`] refuses its field; nothing has been written then.
    pub fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        self.id.map_or(Ok(()), check_id)?;
        self.event.map_or(Ok(()), check_event_type)?;
        // Enough unless the data has several lines; then the buffer grows as it must, which costs less than a second
        // scan of all data would.
        out.reserve(self.single_line_len());
        if let Some(id) = self.id {
            put_line(out, b"id: ", id.as_bytes());
        }
        if let Some(event) = self.event {
            put_line(out, b"event: ", event.as_bytes());
        }
        if let Some(retry) = self.retry {
            put_line(out, b"retry: ", retry.to_string().as_bytes());
        }
        if let Some(data) = self.data {
            put_data(out, data.as_bytes());
        }
        out.extend_from_slice(b"\n");
        Ok(())
    }

    /// The encoded length, were all data on one line.
    fn single_line_len(&self) -> usize {
        let line = |name: &str, value: usize| name.len() + ": \n".len() + value;
        self.id.map_or(0, |id| line("id", id.len()))
            + self.event.map_or(0, |event| line("event", event.len()))
            + self.retry.map_or(0, |retry| line("retry", decimal_len(retry)))
            + self.data.map_or(0, |data| line("data", data.len()))
            + 1
    }
}

/// Appends `:text` and a line end, without a blank line: heartbeats and remarks that no browser shows.
///
/// It may stand between two events or inside one. The text is written as it is, with no space before it.
///
/// # Errors
/// If [`check_comment`] refuses the text; nothing has been written then.
pub fn encode_comment(text: &str, out: &mut BytesMut) -> Result<(), EncodeError> {
    check_comment(text)?;
    out.reserve(text.len() + ":\n".len());
    put_line(out, b":", text.as_bytes());
    Ok(())
}

/// Whether `event` can be sent as an event type: anything without a line end, the empty string included.
///
/// # Errors
/// [`EncodeError::LineEnd`].
pub fn check_event_type(event: &str) -> Result<(), EncodeError> {
    refuse_line_end("event type", event)
}

/// Whether `id` can be sent as an event id: anything without a line end and without U+0000, which would make clients
/// ignore the id. The empty string is valid and makes clients forget the last id.
///
/// # Errors
/// [`EncodeError::LineEnd`] or [`EncodeError::NulInId`], whichever comes first.
pub fn check_id(id: &str) -> Result<(), EncodeError> {
    match memchr3(b'\n', b'\r', 0, id.as_bytes()) {
        None => Ok(()),
        Some(at) if id.as_bytes()[at] == 0 => Err(EncodeError::NulInId { at }),
        Some(at) => Err(EncodeError::LineEnd { field: "id", at }),
    }
}

/// Whether `text` can be sent as a comment: anything without a line end.
///
/// # Errors
/// [`EncodeError::LineEnd`].
pub fn check_comment(text: &str) -> Result<(), EncodeError> {
    refuse_line_end("comment", text)
}

/// Why something cannot be written into an event stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// A CR or LF where the format has one line only; written as it is, it would inject fields or events.
    #[error("the {field} has a line end at byte {at}: remove it, only data may have several lines")]
    LineEnd {
        /// What was to be written: `id`, `event type` or `comment`.
        field: &'static str,
        /// The byte offset of the first offending character.
        at: usize,
    },
    /// U+0000 in an id: clients ignore such an id, and could never resume from it.
    #[error("the id has a NUL character at byte {at}: remove it, clients ignore an id that contains one")]
    NulInId {
        /// The byte offset of the first NUL.
        at: usize,
    },
}

fn refuse_line_end(field: &'static str, value: &str) -> Result<(), EncodeError> {
    match memchr2(b'\n', b'\r', value.as_bytes()) {
        None => Ok(()),
        Some(at) => Err(EncodeError::LineEnd { field, at }),
    }
}

fn put_line(out: &mut BytesMut, name: &[u8], value: &[u8]) {
    out.extend_from_slice(name);
    out.extend_from_slice(value);
    out.extend_from_slice(b"\n");
}

/// The space is always written, because a client strips one: so data that begins with a space keeps it.
fn put_data(out: &mut BytesMut, data: &[u8]) {
    let mut rest = data;
    while let Some(at) = memchr2(b'\n', b'\r', rest) {
        put_line(out, b"data: ", &rest[..at]);
        let end = if rest[at..].starts_with(b"\r\n") { 2 } else { 1 };
        rest = &rest[at + end..];
    }
    put_line(out, b"data: ", rest);
}

/// How many bytes longer the data gets by its line ends: CR and LF become `\ndata: `, and so does CRLF as a whole.
fn line_ends_growth(data: &[u8]) -> usize {
    let added = "data: ".len();
    // The LF of a CRLF is the one line end that adds nothing; it is dropped, so it takes a byte away.
    let is_second = |at: usize| data[at] == b'\n' && at > 0 && data[at - 1] == b'\r';
    let (firsts, seconds) = memchr2_iter(b'\n', b'\r', data).fold((0, 0), |(firsts, seconds), at| {
        if is_second(at) { (firsts, seconds + 1) } else { (firsts + 1, seconds) }
    });
    firsts * added - seconds
}

fn decimal_len(number: u64) -> usize {
    number.checked_ilog10().map_or(1, |log| log as usize + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(frame: Frame<'_>) -> BytesMut {
        let mut out = BytesMut::new();
        frame.encode(&mut out).unwrap();
        assert_eq!(out.len(), frame.encoded_len(), "{frame:?}");
        out
    }

    #[test]
    fn each_field_alone_is_a_frame() {
        assert_eq!(encode(Frame { id: Some("1-7"), ..Frame::default() }), "id: 1-7\n\n");
        assert_eq!(encode(Frame { event: Some("e"), ..Frame::default() }), "event: e\n\n");
        assert_eq!(encode(Frame { retry: Some(2500), ..Frame::default() }), "retry: 2500\n\n");
        assert_eq!(encode(Frame { data: Some(""), ..Frame::default() }), "data: \n\n");
        assert_eq!(encode(Frame::default()), "\n");
    }

    #[test]
    fn every_kind_of_line_end_starts_a_data_line() {
        for (data, expected) in [
            ("a\nb", "data: a\ndata: b\n\n"),
            ("a\rb", "data: a\ndata: b\n\n"),
            ("a\r\nb", "data: a\ndata: b\n\n"),
            ("a\n\rb", "data: a\ndata: \ndata: b\n\n"),
            ("\r\n", "data: \ndata: \n\n"),
            ("\r\r\n\n", "data: \ndata: \ndata: \ndata: \n\n"),
        ] {
            assert_eq!(encode(Frame { data: Some(data), ..Frame::default() }), expected, "{data:?}");
        }
    }

    #[test]
    fn the_length_of_every_retry_is_exact() {
        for retry in [0, 1, 9, 10, 99, 100, u64::MAX] {
            encode(Frame { retry: Some(retry), ..Frame::default() });
        }
    }

    #[test]
    fn a_buffer_of_the_encoded_length_is_filled_without_growing() {
        let frame = Frame { id: Some("1-7"), event: None, retry: None, data: Some("a\r\nb\nc") };
        let mut out = BytesMut::with_capacity(frame.encoded_len());
        let start = out.as_ptr();
        frame.encode(&mut out).unwrap();
        assert_eq!(out.as_ptr(), start);
    }

    #[test]
    fn an_error_says_what_to_do() {
        assert_eq!(
            check_event_type("order\nplaced").unwrap_err().to_string(),
            "the event type has a line end at byte 5: remove it, only data may have several lines"
        );
        assert_eq!(
            check_id("\0").unwrap_err().to_string(),
            "the id has a NUL character at byte 0: remove it, clients ignore an id that contains one"
        );
    }
}
