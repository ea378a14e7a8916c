//! A group of batches on its way to the disk: offsets assigned, doubles found, bytes laid out, nothing shown yet.

use std::{collections::HashMap, ops::Range, sync::Arc};

use tidings_hub::{AppendError, Appended, Entry, Epoch, Position, Publication};

use super::{
    record::{self, Key},
    segment::{FRAME_HEAD, FrameHead, MAX_FRAME_BODY},
};
use crate::queue::Answer;

/// A frame is closed when it has this many bytes. Frames are what recovery takes or cuts as one.
const FRAME_TARGET: usize = 64 << 10;
/// The most bytes of one batch; it fits a frame even if that is almost full already.
pub(crate) const MAX_BATCH: usize = MAX_FRAME_BODY - FRAME_TARGET;

/// Where a draft goes.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) epoch: Epoch,
    /// The offset of its first entry.
    pub(crate) first: u64,
    /// The position in the segment of its first byte.
    pub(crate) position: u32,
    /// The length of the segment that is durable.
    pub(crate) synced: u32,
    pub(crate) key: Key,
    pub(crate) time: u64,
}

/// Which of the kept entries has an id.
pub(crate) type IdLookup<'a> = dyn Fn(&str) -> Result<Option<Position>, AppendError> + 'a;

pub(crate) struct Draft {
    place: Place,
    pub(crate) bytes: Vec<u8>,
    pub(crate) entries: Vec<Arc<Entry>>,
    /// The position in the segment of each entry.
    pub(crate) positions: Vec<u32>,
    pub(crate) answers: Vec<Answer>,
    ids: HashMap<Box<str>, Position>,
    /// Where the open frame begins in `bytes`, and its first entry in `entries`.
    frame: Option<Range<usize>>,
}

impl Draft {
    pub(crate) fn new(place: Place) -> Self {
        Self {
            place,
            bytes: Vec::new(),
            entries: Vec::new(),
            positions: Vec::new(),
            answers: Vec::new(),
            ids: HashMap::new(),
            frame: None,
        }
    }

    /// Adds a batch with its answer, or only the answer when it cannot be stored.
    pub(crate) fn add(&mut self, batch: Vec<Publication>, lookup: &IdLookup<'_>) {
        let (bytes, entries, frame) = (self.bytes.len(), self.entries.len(), self.frame.clone());
        let answer = self.try_add(batch, lookup);
        if answer.is_err() {
            for entry in self.entries.drain(entries..) {
                if let Some(id) = &entry.publication.id {
                    self.ids.remove(id);
                }
            }
            self.positions.truncate(entries);
            self.bytes.truncate(bytes);
            self.frame = frame;
        } else if self.frame.as_ref().is_some_and(|frame| self.bytes.len() - frame.start > FRAME_TARGET) {
            self.close_frame();
        }
        self.answers.push(answer);
    }

    fn try_add(&mut self, batch: Vec<Publication>, lookup: &IdLookup<'_>) -> Answer {
        let too_large = || {
            AppendError::TooLarge(format!(
                "at most {} MiB can be stored at a time; publish it in parts",
                MAX_BATCH >> 20
            ))
        };
        if batch.iter().map(|publication| publication.data.len()).sum::<usize>() > MAX_BATCH {
            return Err(too_large());
        }
        let start = self.bytes.len();
        let mut appended = Vec::with_capacity(batch.len());
        for publication in batch {
            if let Some(id) = &publication.id {
                let known = match self.ids.get(id) {
                    Some(&position) => Some(position),
                    None => lookup(id)?,
                };
                if let Some(position) = known {
                    appended.push(Appended { position, duplicate: true });
                    continue;
                }
            }
            if self.frame.is_none() {
                self.frame = Some(self.bytes.len()..self.entries.len());
                self.bytes.extend_from_slice(&[0; FRAME_HEAD]);
            }
            let position =
                Position { epoch: self.place.epoch, offset: self.place.first + self.entries.len() as u64 };
            if let Some(id) = &publication.id {
                self.ids.insert(id.clone(), position);
            }
            // Groups are far smaller than the 31 bits that positions have (see `appender`).
            self.positions.push(self.place.position + self.bytes.len() as u32);
            let entry = Arc::new(Entry { position, time: self.place.time, publication });
            self.entries.push(entry.clone());
            record::encode(&entry, self.place.key, &mut self.bytes).map_err(|_| too_large())?;
            if self.bytes.len() - start > MAX_BATCH {
                return Err(too_large());
            }
            appended.push(Appended { position, duplicate: false });
        }
        Ok(appended)
    }

    fn close_frame(&mut self) {
        let Some(Range { start, end: first }) = self.frame.take() else { return };
        let count = (self.entries.len() - first) as u32;
        let offset = self.place.first + first as u64;
        FrameHead::seal(&mut self.bytes[start..], offset, count, self.place.synced, self.place.key);
    }

    /// Makes the bytes complete.
    pub(crate) fn finish(&mut self) {
        self.close_frame();
    }

    /// The entries could not be stored: so is everybody told whose answer rests on one of them.
    pub(crate) fn fail(&mut self, error: &AppendError) {
        for answer in &mut self.answers {
            let rests_on_it = |answer: &Answer| {
                answer.iter().flatten().any(|appended| appended.position.offset >= self.place.first)
            };
            if rests_on_it(answer) {
                *answer = Err(error.clone());
            }
        }
        self.entries.clear();
    }
}
