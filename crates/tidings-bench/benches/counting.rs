//! What counting one event costs: finding its marker in the stream, checking its number and recording its latency.
//! Divide the time of an iteration by [`EVENTS`].
//!
//! `cargo bench -p tidings-bench`

#![allow(missing_docs)]

use divan::{Bencher, counter::BytesCount, counter::ItemsCount};
use tidings_bench::{Check, Latencies, Marker, Run, Scanner};

const EVENTS: u32 = 1000;
const SIZE: usize = 200;
/// As a subscriber reads: what a server writes at a time, up to what is read at a time.
const READ: usize = 256 * 1024;
const PUBLISHERS: usize = 16;

fn main() {
    divan::main();
}

fn stream(run: Run) -> Vec<u8> {
    let mut stream = Vec::new();
    for number in 0..EVENTS {
        let publishers = u32::try_from(PUBLISHERS).unwrap_or_default();
        let publisher = u16::try_from(number % publishers).unwrap_or_default();
        let marker = Marker { publisher, sequence: number / publishers, sent: u64::from(number), topic: 0 };
        stream.extend_from_slice(b"id: 4d8f8a9c01-");
        stream.extend_from_slice((100_000 + number).to_string().as_bytes());
        stream.extend_from_slice(b"\ndata: ");
        run.write_data(marker, SIZE, &mut stream);
        stream.extend_from_slice(b"\n\n");
    }
    stream
}

/// All of it, in reads of this many bytes: the smaller ones cut through events.
#[divan::bench(args = [READ, 4096, 240])]
fn count(bencher: Bencher<'_, '_>, read: usize) {
    let run = Run::new(7);
    let stream = stream(run);
    let (mut scanner, mut latencies) = (Scanner::default(), Latencies::default());
    bencher
        .counter(ItemsCount::new(EVENTS))
        .counter(BytesCount::new(stream.len()))
        .with_inputs(|| Check::new(PUBLISHERS, 0, vec![0]))
        .bench_local_values(|mut check| {
            for part in stream.chunks(read) {
                scanner.feed(run, part, |marker| {
                    check.note(0, &marker);
                    latencies.record(5_000_000 + marker.sent * 1000);
                });
            }
            assert_eq!(check.delivered(), u64::from(EVENTS));
        });
}

/// Finding the markers alone.
#[divan::bench]
fn scan(bencher: Bencher<'_, '_>) {
    let run = Run::new(7);
    let stream = stream(run);
    let mut scanner = Scanner::default();
    bencher.counter(ItemsCount::new(EVENTS)).counter(BytesCount::new(stream.len())).bench_local(|| {
        let mut count = 0_u64;
        scanner.feed(run, &stream, |marker| count += u64::from(marker.sequence));
        count
    });
}
