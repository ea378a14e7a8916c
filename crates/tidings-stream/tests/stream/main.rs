//! The crate as its users see it: the standard's statements one by one, the fixtures that every implementation shares,
//! properties over random streams, and the fuzz target's corpus.

// Clippy knows tests by their attribute, and does not see that the helpers here are only called by tests.
#![allow(clippy::unwrap_used)]

mod fixtures;
mod properties;
mod replay;
mod statements;
#[path = "../support/mod.rs"]
mod support;

use bytes::BytesMut;
use tidings_stream::{Decoder, Event, Frame, Item};

/// Everything in a stream that arrives in one piece. No test that uses this runs into the limit.
fn items(stream: impl AsRef<[u8]>) -> Vec<Item> {
    feed(&mut Decoder::new(), stream)
}

/// Everything that a further piece completes.
fn feed(decoder: &mut Decoder, piece: impl AsRef<[u8]>) -> Vec<Item> {
    let mut piece = piece.as_ref();
    std::iter::from_fn(|| decoder.decode(&mut piece)).map(Result::unwrap).collect()
}

fn event(id: &str, event: &str, data: &str) -> Item {
    Item::Event(Event { id: id.to_owned(), event: event.to_owned(), data: data.to_owned() })
}

/// An event without id and type.
fn message(data: &str) -> Item {
    event("", "message", data)
}

fn encode(frame: Frame<'_>) -> String {
    let mut wire = BytesMut::new();
    frame.encode(&mut wire).unwrap();
    String::from_utf8(wire.to_vec()).unwrap()
}
