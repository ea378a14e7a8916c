//! Committed events with their wire bytes: encoded once, shared by every shard and every subscriber.

use std::{
    sync::{Arc, OnceLock},
    time::Instant,
};

use bytes::{Bytes, BytesMut};
use tidings_stream::Frame;

use crate::{
    log::Entry,
    manner::Eye,
    naming::{Named, Naming},
    topic::Topic,
};

/// Wire bytes are cut into chunks of about this many bytes (one event is never split), because a subscriber that has
/// taken a part of a chunk keeps all of it in memory.
const CHUNK_BYTES: usize = 64 * 1024;

/// Consecutive events, by rising offset, with their wire bytes.
#[derive(Debug)]
pub(crate) struct Batch {
    entries: Vec<Arc<Entry>>,
    wire: Wire,
    /// The same under the names of [`Naming::Channel`], made when the first subscriber wants it.
    by_channel: OnceLock<Wire>,
    /// When the first of them to come came to the log.
    since: Instant,
}

impl Batch {
    /// Encodes the entries.
    pub(crate) fn encode(entries: impl Into<Vec<Arc<Entry>>>, since: Instant) -> Self {
        let entries = entries.into();
        let wire = Wire::encode(&entries, &Naming::Own);
        Self { entries, wire, by_channel: OnceLock::new(), since }
    }

    /// The entries, by rising offset.
    pub(crate) fn entries(&self) -> &[Arc<Entry>] {
        &self.entries
    }

    /// Puts the event at `index` into a run for those who look at it with these eyes.
    pub(crate) fn put(&self, index: usize, eye: &Eye<'_>, run: &mut Run) {
        let (entry, naming) = (&self.entries[index], eye.naming);
        match (naming, &*entry.publication.topics) {
            (Naming::Own, _) => run.push(&self.wire, index),
            (Naming::Channel, [_]) => {
                let wire = self.by_channel.get_or_init(|| Wire::encode(&self.entries, naming));
                run.push(wire, index);
            }
            (Naming::Channel, topics) => {
                let names = eye.names(topics, entry.publication.private);
                run.push(&Wire::of(entry, names.map(|topic| naming.name(entry, topic.as_str()))), 0);
            }
            // Not kept: there could be as many names as subscribers.
            (Naming::Fixed(_), topics) => {
                run.push(&Wire::of(entry, topics.first().map(|topic| naming.name(entry, topic.as_str()))), 0);
            }
        }
    }

    /// The index of the first event at or behind this offset.
    pub(crate) fn place(&self, offset: u64) -> usize {
        self.entries.partition_point(|entry| entry.position.offset < offset)
    }

    /// The first entry's offset, or `None` when there are none.
    pub(crate) fn first(&self) -> Option<u64> {
        self.entries.first().map(|entry| entry.position.offset)
    }

    /// The offset behind the last entry, or `None` when there are none.
    pub(crate) fn end(&self) -> Option<u64> {
        self.entries.last().map(|entry| entry.position.offset + 1)
    }

    /// When the first of them to come came to the log.
    pub(crate) fn since(&self) -> Instant {
        self.since
    }

    /// How many wire bytes there are.
    pub(crate) fn bytes(&self) -> usize {
        self.wire.bytes
    }

    /// What it takes in memory, in bytes.
    pub(crate) fn memory(&self) -> usize {
        let data: usize = self.entries.iter().map(|entry| entry.publication.data.len()).sum();
        self.wire.bytes + self.entries.len() * size_of::<Span>() + data
    }
}

/// The wire bytes of events, by rising offset, without what else is known of them.
#[derive(Debug, Default)]
struct Wire {
    spans: Vec<Span>,
    chunks: Vec<Bytes>,
    bytes: usize,
}

/// Where one event's wire bytes are.
#[derive(Clone, Copy, Debug)]
struct Span {
    offset: u64,
    chunk: u32,
    start: usize,
    end: usize,
}

impl Wire {
    /// Encodes the entries, each as subscribers of its first topic get it.
    fn encode(entries: &[Arc<Entry>], naming: &Naming) -> Self {
        let mut wire = Self { spans: Vec::with_capacity(entries.len()), chunks: Vec::new(), bytes: 0 };
        let mut chunk = BytesMut::new();
        for entry in entries {
            let id = entry.id();
            let publication = &entry.publication;
            let named = naming.name(entry, publication.topics.first().map_or("", Topic::as_str));
            let frame = named.frame(Some(&id), publication.retry);
            let len = frame.encoded_len();
            if !chunk.is_empty() && chunk.len() + len > CHUNK_BYTES {
                wire.seal(&mut chunk);
            }
            chunk.reserve(len);
            let start = chunk.len();
            write(entry, &frame, &mut chunk);
            let (offset, index) = (entry.position.offset, wire.chunks.len() as u32);
            wire.spans.push(Span { offset, chunk: index, start, end: chunk.len() });
        }
        wire.seal(&mut chunk);
        wire
    }

    /// Encodes one entry under each of these names. Whoever has the last of them has them all: it alone moves the cursor.
    fn of<'e>(entry: &Entry, names: impl IntoIterator<Item = Named<'e>>) -> Self {
        let (id, mut chunk) = (entry.id(), BytesMut::new());
        let mut names = names.into_iter().peekable();
        while let Some(named) = names.next() {
            let id = names.peek().is_none().then_some(id.as_str());
            write(entry, &named.frame(id, entry.publication.retry), &mut chunk);
        }
        let span = Span { offset: entry.position.offset, chunk: 0, start: 0, end: chunk.len() };
        Self { spans: vec![span], bytes: chunk.len(), chunks: vec![chunk.freeze()] }
    }

    fn seal(&mut self, chunk: &mut BytesMut) {
        self.bytes += chunk.len();
        self.chunks.push(chunk.split().freeze());
    }
}

/// Writes an event. The publication was checked at the door and the log keeps bytes as they are, so this does not fail; were
/// it to, the event would be an empty span, seen in the log line and nowhere else.
fn write(entry: &Entry, frame: &Frame<'_>, out: &mut BytesMut) {
    if let Err(error) = frame.encode(out) {
        tracing::error!(%error, position = %entry.position, "a stored event cannot be encoded");
    }
}

/// Wire bytes to be written to one or many subscribers at once: some events of some batches, as few slices as they
/// allow, with the mark at which each event ends.
#[derive(Debug, Default, Clone)]
pub(crate) struct Run {
    slices: Vec<Bytes>,
    marks: Vec<Mark>,
    len: usize,
}

#[derive(Debug, Clone, Copy)]
struct Mark {
    /// How many bytes of the run have gone once this event has.
    end: usize,
    /// The cursor behind this event.
    next: u64,
}

/// What is left of a run when a part of it has been taken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Rest {
    /// The rest of the event that was taken in part; empty between two events.
    pub(crate) partial: Bytes,
    /// Where to go on after the partial event; `None` when not one event was begun.
    pub(crate) next: Option<u64>,
    /// How many events were begun.
    pub(crate) events: usize,
}

impl Run {
    /// Adds the event at `index`, which stands behind all that were added before.
    fn push(&mut self, wire: &Wire, index: usize) {
        let span = wire.spans[index];
        let chunk = &wire.chunks[span.chunk as usize];
        let event = chunk.slice(span.start..span.end);
        self.len += event.len();
        self.marks.push(Mark { end: self.len, next: span.offset + 1 });
        match self.slices.last_mut() {
            // Neighbours in one chunk go out as one slice.
            Some(last) if last.as_ptr_range().end == event.as_ptr() && is_within(chunk, last) => {
                let start = last.as_ptr() as usize - chunk.as_ptr() as usize;
                *last = chunk.slice(start..span.end);
            }
            _ => self.slices.push(event),
        }
    }

    pub(crate) fn clear(&mut self) {
        self.slices.clear();
        self.marks.clear();
        self.len = 0;
    }

    /// The offset of the first event, or `None` when there are none.
    pub(crate) fn first(&self) -> Option<u64> {
        self.marks.first().map(|mark| mark.next - 1)
    }

    /// The offsets of all its events.
    #[cfg(test)]
    pub(crate) fn offsets(&self) -> Vec<u64> {
        self.marks.iter().map(|mark| mark.next - 1).collect()
    }

    pub(crate) fn slices(&self) -> &[Bytes] {
        &self.slices
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn events(&self) -> usize {
        self.marks.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.marks.is_empty()
    }

    /// What is left when the first `taken` bytes have been taken, fewer than all.
    pub(crate) fn rest(&self, taken: usize) -> Rest {
        let whole = self.marks.partition_point(|mark| mark.end <= taken);
        let begun_at = whole.checked_sub(1).map_or(0, |last| self.marks[last].end);
        let events = if taken > begun_at { whole + 1 } else { whole };
        let next = events.checked_sub(1).map(|last| self.marks[last].next);
        let partial = match events > whole {
            true => self.range(taken, self.marks[whole].end),
            false => Bytes::new(),
        };
        Rest { partial, next, events }
    }

    /// Bytes `from..to`, which lie within one event and so within one slice.
    fn range(&self, from: usize, to: usize) -> Bytes {
        let mut start = 0;
        for slice in &self.slices {
            if from < start + slice.len() {
                return slice.slice(from - start..to - start);
            }
            start += slice.len();
        }
        Bytes::new()
    }
}

/// Whether `part` is a slice of `chunk`. Adjacent addresses alone do not say so.
fn is_within(chunk: &Bytes, part: &Bytes) -> bool {
    let (chunk, part) = (chunk.as_ptr_range(), part.as_ptr_range());
    chunk.start <= part.start && part.end <= chunk.end
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Epoch, Position, Publication};
    use proptest::prelude::*;

    fn entries(sizes: &[usize]) -> Vec<Arc<Entry>> {
        let entry = |(offset, size): (usize, &usize)| {
            Arc::new(Entry {
                position: Position { epoch: Epoch::new(1), offset: offset as u64 },
                time: 0,
                publication: Publication::new(Topic::new("t").unwrap(), "x".repeat(*size)),
            })
        };
        sizes.iter().enumerate().map(entry).collect()
    }

    #[test]
    fn neighbours_become_one_slice() {
        let batch = Wire::encode(&entries(&[1, 2, 3, 4]), &Naming::Own);
        let mut run = Run::default();
        for index in [0, 1, 3] {
            run.push(&batch, index);
        }
        assert_eq!((run.slices().len(), run.events()), (2, 3));
        assert!(run.slices()[0].starts_with(b"id: 0000000000001-0\ndata: x\n\nid: 0000000000001-1\n"));
    }

    proptest! {
        #[test]
        fn whatever_part_is_taken_the_rest_completes_it(
            sizes in proptest::collection::vec(prop_oneof![0..300usize, 60_000..70_000usize], 1..12),
            keep in proptest::collection::vec(any::<bool>(), 12),
            cut in 0.0..1.0f64,
        ) {
            let batch = Wire::encode(&entries(&sizes), &Naming::Own);
            let mut run = Run::default();
            let kept: Vec<usize> = (0..sizes.len()).filter(|&index| keep[index]).collect();
            for &index in &kept {
                run.push(&batch, index);
            }
            prop_assume!(!run.is_empty());
            let whole: Vec<u8> = run.slices().concat();
            prop_assert_eq!(whole.len(), run.len());
            let taken = (cut * run.len() as f64) as usize;
            let rest = run.rest(taken);
            // What was taken, and the partial rest, are exactly the first `events` events.
            let mut expected = Run::default();
            for &index in &kept[..rest.events] {
                expected.push(&batch, index);
            }
            prop_assert_eq!([&whole[..taken], &rest.partial[..]].concat(), expected.slices().concat());
            prop_assert_eq!(rest.next, rest.events.checked_sub(1).map(|last| kept[last] as u64 + 1));
        }
    }
}
