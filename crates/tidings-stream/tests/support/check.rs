//! What must hold of the decoder and the encoder for every sequence of bytes. The fuzz target runs it on what the
//! fuzzer invents, the ordinary tests on the corpus and on seeded mutations of it.

use bytes::BytesMut;
use tidings_stream::{DEFAULT_MAX_EVENT_BYTES, DecodeError, Decoder, Event, Frame, Item, encode_comment};

use super::model;

/// Small enough that short inputs run into them.
const SMALL_LIMITS: [usize; 5] = [0, 1, 7, 24, 100];

/// Panics if the decoder disagrees with the model, depends on how the stream is cut, holds more than its limit, or
/// yields something that the encoder does not bring back.
pub(crate) fn check(stream: &[u8]) {
    let (items, decoder) = decode(stream, DEFAULT_MAX_EVENT_BYTES, Cuts::None);
    let expected = model::read(stream);
    assert_eq!(items, expected.items.into_iter().map(Ok).collect::<Vec<_>>(), "differs from the model");
    assert_eq!(decoder.last_id(), expected.last_id, "last id");
    assert_eq!(decoder.retry(), expected.retry, "reconnection time");

    for limit in SMALL_LIMITS.into_iter().chain([DEFAULT_MAX_EVENT_BYTES]) {
        let (whole, decoder) = decode(stream, limit, Cuts::None);
        for cuts in [Cuts::Every(1), Cuts::Every(3), Cuts::Random] {
            let (cut, cut_decoder) = decode(stream, limit, cuts);
            assert_eq!(cut, whole, "cut differently, limit {limit}, {cuts:?}");
            assert_eq!(cut_decoder.last_id(), decoder.last_id());
            assert_eq!(cut_decoder.retry(), decoder.retry());
        }
    }
    for item in items.into_iter().flatten() {
        round_trip(item);
    }
}

/// Where the stream is cut.
#[derive(Clone, Copy, Debug)]
enum Cuts {
    None,
    Every(usize),
    /// Into pieces of 0 to 15 bytes, the same ones for the same stream.
    Random,
}

fn decode(stream: &[u8], limit: usize, cuts: Cuts) -> (Vec<Result<Item, DecodeError>>, Decoder) {
    let mut decoder = Decoder::new().max_event_bytes(limit);
    let mut items = Vec::new();
    let mut random = stream.iter().fold(1_u64, |hash, byte| hash.wrapping_mul(31) + u64::from(*byte));
    let mut rest = stream;
    while !rest.is_empty() {
        let length = match cuts {
            Cuts::None => rest.len(),
            Cuts::Every(length) => length,
            Cuts::Random => {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (random >> 60) as usize
            }
        };
        let (mut chunk, later) = rest.split_at(length.min(rest.len()));
        while let Some(item) = decoder.decode(&mut chunk) {
            assert!(decoder.buffered() <= limit, "holds {} of {limit} bytes", decoder.buffered());
            items.push(item);
        }
        assert!(chunk.is_empty(), "input left over");
        assert!(decoder.buffered() <= limit, "holds {} of {limit} bytes", decoder.buffered());
        rest = later;
    }
    (items, decoder)
}

/// What the decoder has found can be encoded, and decodes to itself.
fn round_trip(item: Item) {
    let mut wire = BytesMut::new();
    let frame = match &item {
        Item::Event(Event { id, event, data }) => {
            Frame { id: Some(id), event: Some(event), data: Some(data), retry: None }
        }
        Item::Retry(milliseconds) => Frame { retry: Some(*milliseconds), ..Frame::default() },
        // Nothing is a change to a fresh decoder that has no id.
        Item::LastId(id) if id.is_empty() => return,
        Item::LastId(id) => Frame { id: Some(id), ..Frame::default() },
        Item::Comment(text) => {
            encode_comment(text, &mut wire).unwrap();
            Frame::default()
        }
    };
    let before = wire.len();
    frame.encode(&mut wire).unwrap();
    assert_eq!(wire.len() - before, frame.encoded_len());

    let mut decoder = Decoder::new();
    assert_eq!(decoder.decode(&mut wire), Some(Ok(item)));
    assert_eq!(decoder.decode(&mut wire), None);
    assert_eq!(decoder.buffered(), 0);
}
