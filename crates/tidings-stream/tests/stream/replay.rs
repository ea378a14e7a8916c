//! The fuzz target's check on a stable toolchain: its corpus, the fixtures, and seeded mutations of both.

use std::fs;

use fastrand::Rng;

use crate::fixtures::{files, streams};
use crate::support::check::check;

const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/decoder");

/// Any seed will do, as long as a failure can be repeated.
const SEED: u64 = 0x7469_6469_6E67_7321;
const MUTATIONS: usize = 5_000;

/// What a mutation inserts: what has a meaning in the format.
const TOKENS: [&[u8]; 16] = [
    b"\n",
    b"\r",
    b"\r\n",
    b"\n\n",
    b"data: ",
    b"data",
    b"event: ",
    b"id: ",
    b"id",
    b"retry: 1",
    b":",
    b" ",
    b"\0",
    b"\xEF\xBB\xBF",
    b"\xE2\x82",
    b"\xFF",
];

#[test]
fn the_corpus_passes() {
    for stream in seeds() {
        check(&stream);
    }
}

#[test]
fn mutations_of_the_corpus_pass() {
    let seeds = seeds();
    let mut random = Rng::with_seed(SEED);
    for _ in 0..MUTATIONS {
        let mut stream = seeds[random.usize(..seeds.len())].clone();
        for _ in 0..random.usize(1..6) {
            mutate(&mut stream, &seeds, &mut random);
        }
        check(&stream);
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let corpus = files(CORPUS, "sse").into_iter().map(|path| fs::read(path).unwrap());
    corpus.chain(streams()).collect()
}

fn mutate(stream: &mut Vec<u8>, seeds: &[Vec<u8>], random: &mut Rng) {
    let at = random.usize(..=stream.len());
    let end = (at + random.usize(..8)).min(stream.len());
    match random.u8(..5) {
        0 => stream.truncate(at),
        1 => drop(stream.drain(at..end)),
        2 => drop(stream.splice(at..at, TOKENS[random.usize(..TOKENS.len())].iter().copied())),
        3 => stream[at..end].fill_with(|| random.u8(..)),
        _ => {
            let other = &seeds[random.usize(..seeds.len())];
            stream.extend_from_slice(&other[random.usize(..=other.len())..]);
        }
    }
}
