//! Guards the encoder and the decoder: `cargo bench -p tidings-stream`.
//!
//! `-- encode` runs those whose name has it. The figures are for comparing two versions on one machine, in turns.

#![allow(clippy::unwrap_used, reason = "a benchmark")]

use bytes::BytesMut;
use divan::{Bencher, counter::BytesCount};
use tidings_stream::{Decoder, Frame};

/// Bytes of data in an event.
const SIZES: [usize; 2] = [200, 1000];
/// As many as a read from a socket may well bring.
const EVENTS: usize = 64;
/// What a network that cuts everything would bring.
const PIECE: usize = 64;

fn main() {
    divan::main();
}

/// Data as it usually is: JSON without line ends.
fn data(size: usize) -> String {
    format!("{{\"text\":\"{}\"}}", "x".repeat(size - 11))
}

fn frame(data: &str) -> Frame<'_> {
    Frame {
        id: Some("1a2b3c4d5e6f7081-1234567"),
        event: Some("message"),
        data: Some(data),
        ..Frame::default()
    }
}

fn wire(size: usize) -> BytesMut {
    let (data, mut wire) = (data(size), BytesMut::new());
    for _ in 0..EVENTS {
        frame(&data).encode(&mut wire).unwrap();
    }
    wire
}

#[divan::bench(args = SIZES)]
fn encode(bencher: Bencher<'_, '_>, size: usize) {
    let data = data(size);
    let mut out = BytesMut::with_capacity(2 * size);
    bencher.counter(BytesCount::new(size)).bench_local(|| {
        out.clear();
        frame(divan::black_box(&data)).encode(&mut out).unwrap();
        out.len()
    });
}

/// The same with a line end after every 50 bytes, each of which becomes a line of its own.
#[divan::bench(args = SIZES)]
fn encode_lines(bencher: Bencher<'_, '_>, size: usize) {
    let data = format!("{}\n", "x".repeat(49)).repeat(size / 50);
    let mut out = BytesMut::with_capacity(2 * size);
    bencher.counter(BytesCount::new(size)).bench_local(|| {
        out.clear();
        frame(divan::black_box(&data)).encode(&mut out).unwrap();
        out.len()
    });
}

#[divan::bench(args = SIZES)]
fn decode_whole(bencher: Bencher<'_, '_>, size: usize) {
    let wire = wire(size);
    bencher.counter(BytesCount::new(wire.len())).bench_local(|| decode([&wire[..]].into_iter()));
}

#[divan::bench(args = SIZES)]
fn decode_in_pieces(bencher: Bencher<'_, '_>, size: usize) {
    let wire = wire(size);
    bencher.counter(BytesCount::new(wire.len())).bench_local(|| decode(wire.chunks(PIECE)));
}

fn decode<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> usize {
    let (mut decoder, mut items) = (Decoder::new(), 0);
    for mut piece in pieces {
        while let Some(item) = decoder.decode(&mut piece) {
            divan::black_box(item.unwrap());
            items += 1;
        }
    }
    assert_eq!(items, EVENTS);
    items
}
