//! The streams in `tests/fixtures`, which every implementation of the format shares; the README there tells their form.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tidings_stream::{Decoder, Event, Item};

use crate::feed;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");

/// The paths of all files in `folder` with the extension `extension`, in order.
pub(crate) fn files(folder: impl AsRef<Path>, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|found| found == extension)).collect();
    paths.sort();
    assert!(!paths.is_empty());
    paths
}

/// All streams among the fixtures.
pub(crate) fn streams() -> Vec<Vec<u8>> {
    files(FOLDER, "sse").into_iter().map(|path| fs::read(path).unwrap()).collect()
}

#[test]
fn every_stream_holds_what_is_written_beside_it() {
    for path in files(FOLDER, "sse") {
        let stream = fs::read(&path).unwrap();
        let expected: Vec<Value> = fs::read_to_string(path.with_extension("jsonl"))
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(read(&[&stream]), expected, "{}", path.display());
        assert_eq!(read(&stream.chunks(1).collect::<Vec<_>>()), expected, "{} by bytes", path.display());
        for cut in 0..stream.len() {
            let (head, tail) = stream.split_at(cut);
            assert_eq!(read(&[head, tail]), expected, "{} cut at {cut}", path.display());
        }
    }
}

#[test]
fn every_expectation_has_its_stream() {
    for path in files(FOLDER, "jsonl") {
        assert!(path.with_extension("sse").exists(), "{}", path.display());
    }
}

fn read(pieces: &[&[u8]]) -> Vec<Value> {
    let mut decoder = Decoder::new();
    let mut found = Vec::new();
    for piece in pieces {
        found.extend(feed(&mut decoder, piece).into_iter().map(describe));
    }
    found.push(json!({"end": {"lastEventId": decoder.last_id(), "retry": decoder.retry()}}));
    found
}

fn describe(item: Item) -> Value {
    match item {
        Item::Event(Event { id, event, data }) => json!({"type": event, "data": data, "lastEventId": id}),
        Item::Comment(text) => json!({"comment": text}),
        Item::Retry(milliseconds) => json!({"retry": milliseconds}),
        Item::LastId(id) => json!({"lastEventId": id}),
    }
}
