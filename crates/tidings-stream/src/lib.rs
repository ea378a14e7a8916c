//! The `text/event-stream` format of server-sent events: an encoder and an incremental decoder.
//!
//! This crate does no I/O and knows no runtime: [`Frame`] writes one event into a buffer, [`Decoder`] is a state
//! machine fed with bytes in whatever pieces they arrive. Neither panics on any input, and the decoder's memory is
//! bounded ([`Decoder::max_event_bytes`]).
//!
//! The rules are those of the WHATWG HTML standard, section "Server-sent events"
//! (<https://html.spec.whatwg.org/multipage/server-sent-events.html>). Where browsers ignore something that another
//! client may want to see (comments, `retry`, a cursor that moves without an event), the decoder hands it out as an
//! [`Item`] of its own, which the standard allows to clients that are not browsers.
//!
//! ```
//! use bytes::BytesMut;
//! use tidings_stream::{Decoder, Event, Frame, Item};
//!
//! let mut wire = BytesMut::new();
//! let frame = Frame { id: Some("1-7"), event: Some("price"), data: Some("EUR\n1.08"), ..Frame::default() };
//! frame.encode(&mut wire)?;
//! assert_eq!(wire, "id: 1-7\nevent: price\ndata: EUR\ndata: 1.08\n\n");
//!
//! // The network may cut the bytes anywhere.
//! let mut tail = wire.split_off(20);
//! let mut decoder = Decoder::new();
//! assert_eq!(decoder.decode(&mut wire), None);
//! let event = Event { id: "1-7".into(), event: "price".into(), data: "EUR\n1.08".into() };
//! assert_eq!(decoder.decode(&mut tail), Some(Ok(Item::Event(event))));
//! assert_eq!(decoder.last_id(), "1-7");
//! # Ok::<(), tidings_stream::EncodeError>(())
//! ```

mod block;
mod decode;
mod encode;
mod lines;

pub use block::{Event, Item};
pub use decode::{DEFAULT_MAX_EVENT_BYTES, DecodeError, Decoder};
pub use encode::{EncodeError, Frame, check_comment, check_event_type, check_id, encode_comment};

/// The media type of a stream. It needs no `charset`: a stream is always UTF-8 and a parameter changes nothing.
pub const CONTENT_TYPE: &str = "text/event-stream";
