//! Writing to the active segment: frames behind frames, as durable as was asked for, and zeros ahead of them.
//!
//! # Written ahead
//!
//! A flush of a file that has grown makes the file system commit its journal, which costs as much again as the data, and
//! with it come the data of whatever else was written to that disk. A flush of blocks that were written before need
//! not. So a group that reaches beyond what was written takes a step of zeros with it, in the same flush, and the
//! groups that follow are written over those. Nothing rests on them: where they are missing the file grows as it
//! would have. They are cut off when the segment is complete, and by every start.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Instant,
};

use tidings_hub::Histogram;

use super::{
    Durability,
    index::{Base, MAX_SEGMENT_LEN},
};

/// The most that is written ahead at a time: enough for a thousand small groups, and little for one flush.
const MAX_STEP: u64 = 256 << 10;
/// What is written ahead at a time, of the length at which a segment is completed; so much less is left of a limit in
/// bytes.
const STEP_FRACTION: u64 = 16;
/// So many groups of its size must fit into a step, or it is left out: large writes pay for their own journal commit.
const GROUPS_PER_STEP: u64 = 4;

/// Why a group could not be made durable.
pub(crate) enum Failure {
    /// Nothing of it is left on the disk.
    Refused(String),
    /// Nobody knows what is on the disk.
    Fatal(String),
}

/// What is counted of the writing of all segments.
#[derive(Debug, Default)]
pub(crate) struct Writes {
    /// How long flushes took that succeeded.
    pub(crate) flush: Histogram,
    /// Bytes of frames.
    pub(crate) bytes: AtomicU64,
}

pub(crate) struct SegmentWriter {
    base: Arc<Base>,
    writes: Arc<Writes>,
    durability: Durability,
    /// Where the frames end.
    end: u32,
    /// The length that is known to be durable.
    synced: u32,
    /// The length of the file: from the frames' end on, zeros.
    len: u32,
    /// The length at which the segment will be completed; nothing is written ahead beyond it.
    full: u64,
    /// What is written ahead at a time; 0 once the disk had no room for it.
    step: u64,
}

impl SegmentWriter {
    /// Goes on behind the frames of a segment, all of which are durable and end where the file does.
    pub(crate) fn new(
        base: Arc<Base>,
        writes: Arc<Writes>,
        end: u32,
        durability: Durability,
        full: u64,
    ) -> Self {
        // What is not flushed for anybody to wait does not profit.
        let step = match durability {
            Durability::Always => (full / STEP_FRACTION).min(MAX_STEP),
            Durability::Interval(_) | Durability::None => 0,
        };
        Self { base, writes, durability, end, synced: end, len: end, full, step }
    }

    pub(crate) fn base(&self) -> &Base {
        &self.base
    }

    /// Where the frames end.
    pub(crate) fn end(&self) -> u32 {
        self.end
    }

    /// The length that is known to be durable.
    pub(crate) fn synced(&self) -> u32 {
        self.synced
    }

    /// The length of the file.
    pub(crate) fn len(&self) -> u32 {
        self.len
    }

    /// Makes the bytes as durable as was asked for, behind what there is.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let Some(end) = u32::try_from(bytes.len())
            .ok()
            .and_then(|count| self.end.checked_add(count))
            .filter(|&end| u64::from(end) <= MAX_SEGMENT_LEN)
        else {
            return Err(Failure::Refused("a new segment is needed but could not be made".into()));
        };
        if let Err(error) = self.base.file.write_all_at(bytes, self.end.into()) {
            return Err(self.take_back(explain(&self.base.name, &error)));
        }
        if end > self.len {
            self.len = end;
            self.write_ahead(end, bytes.len() as u64);
        }
        if self.durability == Durability::Always {
            self.sync().map_err(Failure::Fatal)?;
            self.synced = end;
        }
        self.end = end;
        self.writes.bytes.fetch_add(bytes.len() as u64, Relaxed);
        Ok(())
    }

    /// A part of what was refused may be there, even whole frames: they must not come back after a crash.
    fn take_back(&mut self, what: String) -> Failure {
        let undone = self.base.file.truncate(self.end.into()).and_then(|()| self.base.file.sync());
        match undone {
            Ok(()) => {
                (self.synced, self.len) = (self.end, self.end);
                Failure::Refused(what)
            }
            Err(error) => Failure::Fatal(format!("{what}; and taking back what was written failed: {error}")),
        }
    }

    fn write_ahead(&mut self, end: u32, group: u64) {
        let ahead = (u64::from(end) + self.step).min(self.full);
        if ahead <= u64::from(end) || group * GROUPS_PER_STEP > self.step {
            return;
        }
        let zeros = vec![0; (ahead - u64::from(end)) as usize];
        // A segment is completed long before its positions run out.
        self.len = ahead as u32;
        if let Err(error) = self.base.file.write_all_at(&zeros, end.into()) {
            tracing::debug!(%error, file = self.base.name, "no space was written ahead in this segment");
            self.step = 0;
            // The room that is left is for events.
            if self.base.file.truncate(end.into()).is_ok() {
                self.len = end;
            }
        }
    }

    /// Flushes what is written but not durable.
    pub(crate) fn flush(&mut self) -> Result<(), String> {
        if self.synced < self.end {
            self.sync()?;
            self.synced = self.end;
        }
        Ok(())
    }

    /// Makes all frames durable and the file end with them. It can still be written to.
    pub(crate) fn complete(&mut self) -> Result<(), Failure> {
        self.flush().map_err(Failure::Fatal)?;
        if self.len > self.end {
            let cut = self.base.file.truncate(self.end.into());
            cut.map_err(|error| Failure::Refused(explain(&self.base.name, &error)))?;
            self.sync().map_err(Failure::Fatal)?;
            self.len = self.end;
        }
        Ok(())
    }

    fn sync(&self) -> Result<(), String> {
        let begun = Instant::now();
        self.base.file.sync().map_err(|error| flush_failed(&self.base.name, &error))?;
        self.writes.flush.time(begun.elapsed());
        Ok(())
    }
}

/// A refused write in words for an operator.
fn explain(file: &str, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            format!(
                "no space left to write {file} ({error}); free space, events are accepted again by themselves"
            )
        }
        _ => format!("writing {file}: {error}"),
    }
}

pub(crate) fn flush_failed(file: &str, error: &io::Error) -> String {
    format!(
        "flushing {file} failed ({error}), so what the disk holds is not certain; check the disk, then restart"
    )
}
