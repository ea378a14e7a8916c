//! The log on disk: a directory of append-only segments, the embedded default.
//!
//! # What holds
//!
//! - With [`Durability::Always`], an event is flushed to the disk before anybody is told of it: neither the publisher
//!   that is answered nor any subscriber ever knows an event that a crash or a loss of power takes back.
//! - A batch is stored whole or not at all, also across a crash.
//! - A write that the disk refuses (it is full) fails its publishers only, and is tried again with the next. A flush
//!   that fails stops the log for good, because the system may then have dropped what it was to write: reading goes on,
//!   appending does not. Events whose publishers were told so may or may not be there after the restart.
//! - A torn end, left by a crash within a write, is cut off at the next start and reported. Damage anywhere else is an
//!   error that names the file; nothing is dropped silently.
//! - A log that may have lost what it had shown (run without full durability and not closed) begins a new epoch.
//!
//! # The files
//!
//! All numbers are little-endian. Checksums are CRC-32C; "keyed" ones begin with the segment's 16-byte key, a random
//! secret, so that neither bytes of another segment nor bytes made up by a publisher pass for this segment's.
//!
//! - `lock`: locked while a program uses the log; its text is that program's process number.
//! - `unsynced`: there from the opening to the closing of a log with a durability other than "always".
//! - `<first offset, 20 digits>.log`: a segment; the newest is written to, the others are complete.
//! - `<first offset, 20 digits>.idx`: the sidecar of a complete segment, made again when it is missing or damaged.
//! - `*.tmp`: being written; removed at the next start.
//!
//! Segment head (the lives are the log's epochs with the offset that each began at, so that old ids still resolve):
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `TIDSEG\r\n` |
//! | 4 | version, 1 |
//! | 4 | number of earlier lives, n ≤ 256 |
//! | 8 | epoch |
//! | 8 | first offset of the segment |
//! | 8 | first offset of the epoch |
//! | 16 | key |
//! | 16 n | earlier lives: epoch, first offset |
//! | 4 | checksum of all before |
//!
//! Then frames; and behind them, in the segment that is written to, zeros: space written ahead (`segment_writer.rs`), on
//! which nothing rests. A frame holds whole batches, and is taken or cut as one:
//!
//! | bytes | what |
//! |---|---|
//! | 4 | `FRM\xf5` |
//! | 4 | bytes of the records, ≤ 64 MiB |
//! | 8 | offset of the first record |
//! | 4 | number of records |
//! | 4 | length of the segment known to be durable when the frame was written |
//! | 4 | keyed checksum of the records |
//! | 4 | keyed checksum of the 28 bytes before |
//! | … | the records |
//!
//! Record:
//!
//! | bytes | what |
//! |---|---|
//! | 4 | length of what follows the checksum |
//! | 4 | keyed checksum of the record's offset (8 bytes) and what follows |
//! | 8 | time, ms since the Unix epoch |
//! | 1 | flags: 1 private, 2 has an id, 4 has an event type, 8 has a retry, 16 has a socket id |
//! | 1 | number of topics |
//! | … | topics, each: 2 bytes of length, the name |
//! | … | id, event type, socket id, if any, each: 1 byte of length, the text |
//! | 8 | retry, if any |
//! | … | the data |
//!
//! Sidecar: `TIDIDX\r\n`, version (4), key (16), first offset (8), length of the segment (4), time of the first entry
//! (8), the numbers of entries, topics, topics of entries, and ids (4 each), whether entries have several topics (1);
//! then for each entry its position (4; the highest bit says that it has an id), for each its time after the first (4),
//! if there are several the end of each entry's topics (4), the topics of entries by number (4 each), fingerprints of
//! ids with the entry's place (4 and 4), the topics' names sorted (2 bytes of length, the name), checksum (4).
//!
//! # What it costs
//!
//! The index of everything kept is in memory: 16 bytes per entry of one topic (with several: 12, and 8 per topic), 8 more
//! if it has an id of its publisher's, and about 24 bytes per topic and segment. The entries of the active segment, at
//! most a sixteenth of the history, cost about three times that. Measured with `examples/measure.rs` on a busy virtual
//! machine of two cores, a million events of 200 bytes:
//!
//! | | 10 topics | 100,000 topics |
//! |---|---|---|
//! | resident memory after opening, per event | 18.6 bytes | 96.4 bytes |
//! | opening | 0.05 to 0.08 s | 0.4 to 0.8 s |
//! | reading all of it, 1000 at a time | 0.3 s | 0.4 to 0.6 s |
//! | the ten events of one topic | | 0.2 ms |
//!
//! Durable appends (`examples/appends.rs`) cost a flush, which all who wait share. On the same machine, with its disk idle:
//! 5,000 to 7,000 a second from one publisher, 60,000 to 80,000 from 16, 170,000 to 210,000 from 64; with a disk that
//! others write to, a tenth of that. Space written ahead is worth 1.2 to 1.6 times.

mod appender;
mod bytes;
mod draft;
mod fetch;
mod files;
mod index;
mod limits;
mod lock;
mod pool;
mod query;
mod record;
mod recover;
mod scan;
mod segment;
mod segment_writer;
mod select;
mod sidecar;
mod state;
#[cfg(test)]
mod tests;
mod vfs;

use std::{
    io,
    path::PathBuf,
    sync::{Arc, RwLock, atomic::Ordering::Relaxed},
    time::Duration,
};

use tidings_hub::{
    AppendError, Appended, BoxFuture, Follower, Log, LogFigures, LogStatus, Lookup, Page, Publication,
    ReadError, ReadLimit, Selection, Topic, TopicSummary,
};

use self::{
    appender::Appender,
    fetch::Want,
    limits::Limits,
    lock::Lock,
    pool::Pool,
    query::Found,
    state::Shared,
    vfs::{Directory, Vfs},
};
use crate::{
    clock::Clock,
    retention::Retention,
    sync::read,
    writer::{Store as _, Writer},
};

/// When the log flushes to the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Durability {
    /// Before an event is acknowledged or shown. One flush serves everybody who waits for it.
    #[default]
    Always,
    /// At this pause. A loss of power takes what was acknowledged and shown since the last flush; a crash of the
    /// program alone takes nothing, but as they cannot be told apart the log begins a new epoch after either.
    Interval(Duration),
    /// When a segment is complete and when the log is closed. As [`Interval`](Self::Interval) otherwise.
    None,
}

/// How a log on disk is to be run. [`DiskSettings::new`] has the defaults.
#[derive(Clone, Debug)]
pub struct DiskSettings {
    /// The directory, which is made when it is missing. It belongs to the log alone.
    pub dir: PathBuf,
    /// When to flush; [`Durability::Always`] by default.
    pub durability: Durability,
    /// What to keep.
    pub retention: Retention,
    /// The length at which a segment is completed, in bytes, at most 1 GiB. `None`, the default: a sixteenth of what
    /// is to be kept, 64 KiB to 64 MiB (for histories above 64 GiB, a 1024th). Segments are also completed at a
    /// sixteenth of the events (at least 256) and of the age (at least 1 s) to be kept.
    pub segment_bytes: Option<u64>,
    /// The memory for the newest events, which are served without reading files, in bytes; 4 MiB by default.
    pub cache_bytes: usize,
    /// The threads that read files, 2 by default; at least one is used.
    pub readers: usize,
    /// The most bytes of events that wait to be written, 256 MiB by default; appending more fails at once.
    pub queue_bytes: usize,
    /// Where the time comes from.
    pub clock: Clock,
}

impl DiskSettings {
    /// The defaults for a log in this directory.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            durability: Durability::default(),
            retention: Retention::default(),
            segment_bytes: None,
            cache_bytes: 4 << 20,
            readers: 2,
            queue_bytes: 256 << 20,
            clock: Clock::system(),
        }
    }
}

/// Why a log could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another program, or another part of this one, has it open.
    #[error("another tidings process uses {}{}; stop it, or choose another data directory", .dir.display(), .pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default())]
    InUse {
        /// The log's directory.
        dir: PathBuf,
        /// The process that has it, as far as it said so.
        pid: Option<u32>,
    },
    /// A file holds something other than what was written to it.
    #[error(
        "the event log's file {file} is damaged at byte {position}: {reason}; restore the directory from a backup, or move it away to begin with an empty history"
    )]
    Damaged {
        /// The file's name within the log's directory.
        file: String,
        /// Where.
        position: u64,
        /// What is wrong.
        reason: String,
    },
    /// The system refused.
    #[error("the event log could not be opened: {what}")]
    Io {
        /// The file, or what was being done.
        what: String,
        /// The system's reason.
        source: io::Error,
    },
}

/// What opening a log found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct OpenReport {
    /// The events kept.
    pub entries: u64,
    /// The segments, the one that is written to included.
    pub segments: usize,
    /// The segments whose index was missing or damaged and has been made again.
    pub rebuilt: Vec<String>,
    /// The torn end that was cut off, if there was one.
    pub cut: Option<Cut>,
    /// Whether a new epoch began: the log was empty, or may have lost events that it had shown.
    pub new_epoch: bool,
}

/// A torn end that was cut off: a write that a crash interrupted, hence nothing that was acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cut {
    /// The file's name within the log's directory.
    pub file: String,
    /// Its length now, in bytes.
    pub position: u64,
    /// The bytes cut off.
    pub bytes: u64,
}

/// The log on disk. See the [module](self) for what it promises. Dropping it closes it and waits for the writer.
///
/// ```
/// use std::{num::NonZeroUsize, sync::Arc};
///
/// use tidings_hub::{Log, Publication, ReadLimit, Selection, Topic};
/// use tidings_log::{Disk, DiskSettings};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// let log = Disk::open(DiskSettings::new(dir.path()))?;
/// log.append(vec![Publication::new(Topic::new("orders")?, "{\"id\":7}")]).await?;
///
/// let limit = ReadLimit { entries: NonZeroUsize::MIN, bytes: 1 << 20 };
/// let page = log.read(0, Arc::new(Selection::all()), limit).await?;
/// assert_eq!(page.entries[0].publication.data, "{\"id\":7}");
/// log.close().await;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Disk {
    // Dropped, hence ended, first: the writer.
    writer: Writer,
    pool: Pool,
    shared: Arc<Shared>,
    report: OpenReport,
}

impl Disk {
    /// Opens the log of a directory, or begins one. Waits for the disk; do not call it on an asynchronous runtime's
    /// threads where that matters.
    ///
    /// # Errors
    /// When another process has the log open, a file is damaged, or the system refuses.
    pub fn open(settings: DiskSettings) -> Result<Self, OpenError> {
        let threads = |source| OpenError::Io { what: "starting its threads".into(), source };
        let (queue_bytes, readers) = (settings.queue_bytes, settings.readers.max(1));
        let (appender, shared, report) = prepare_dir(settings)?;
        let next = read(&shared.state).next();
        let pool = Pool::start(readers).map_err(threads)?;
        let writer = Writer::start(appender, next, queue_bytes).map_err(threads)?;
        Ok(Self { writer, pool, shared, report })
    }

    /// What opening the log found.
    pub fn report(&self) -> &OpenReport {
        &self.report
    }
}

fn prepare_dir(settings: DiskSettings) -> Result<(Appender, Arc<Shared>, OpenReport), OpenError> {
    let shown = settings.dir.display().to_string();
    let vfs = Directory::open(&settings.dir).map_err(|source| OpenError::Io { what: shown, source })?;
    let lock = Lock::take(&settings.dir)?;
    prepare(Arc::new(vfs), settings, Some(lock))
}

/// Everything of an open log but its threads.
fn prepare(
    vfs: Arc<dyn Vfs>,
    settings: DiskSettings,
    lock: Option<Lock>,
) -> Result<(Appender, Arc<Shared>, OpenReport), OpenError> {
    let marks = settings.durability != Durability::Always;
    let recovered = recover::recover(&*vfs, marks, settings.cache_bytes)?;
    let limits = Limits::new(&settings.retention, settings.segment_bytes);
    let shared = Arc::new(Shared {
        state: RwLock::new(recovered.state),
        retention: settings.retention,
        clock: settings.clock,
        writes: Arc::default(),
    });
    let appender = Appender::new(shared.clone(), vfs, settings.durability, limits, lock);
    Ok((appender, shared, recovered.report))
}

/// The writer's work without its thread, for benchmarks: each call commits a group of batches and says how many of them
/// were accepted.
///
/// # Errors
/// As [`Disk::open`].
#[doc(hidden)]
pub fn committer(settings: DiskSettings) -> Result<impl FnMut(Vec<Vec<Publication>>) -> usize, OpenError> {
    let (mut appender, ..) = prepare_dir(settings)?;
    Ok(move |group| {
        let committed = appender.commit(group);
        appender.settle();
        committed.answers.iter().filter(|answer| answer.is_ok()).count()
    })
}

/// Puts bytes through every decoder of the log's files, for fuzzing. Whatever they are, it must return.
#[doc(hidden)]
pub fn fuzz(bytes: &[u8]) {
    if let Ok((head, length)) = segment::Head::decode(bytes) {
        fuzz_frames(&bytes[length..], head.epoch(), head.key);
    }
    // As if they stood in a segment, or were the sidecar of one, whose key and offset they name.
    let key = |at: usize| bytes.get(at..at + 16).and_then(|key| key.try_into().ok()).map(record::Key);
    fuzz_frames(bytes, tidings_hub::Epoch::new(0), record::Key([0; 16]));
    let first = bytes.get(28..36).and_then(|first| first.try_into().ok()).map(u64::from_le_bytes);
    if let (Some(key), Some(first)) = (key(12), first)
        && let Some(parts) = sidecar::decode(bytes, first, key)
    {
        assert_eq!(sidecar::decode(&sidecar::encode(&parts, first, key), first, key), Some(parts));
    }
}

fn fuzz_frames(mut bytes: &[u8], epoch: tidings_hub::Epoch, key: record::Key) {
    while let Some(head) = segment::FrameHead::decode(bytes, key) {
        let body = &bytes[segment::FRAME_HEAD..];
        let Some((body, rest)) = body.split_at_checked(head.body as usize) else { break };
        if head.entries(body, epoch, key).is_none() {
            break;
        }
        bytes = rest;
    }
    drop(record::decode(&mut bytes::Taker(bytes), epoch, 0, key));
}

impl Log for Disk {
    fn append(&self, batch: Vec<Publication>) -> BoxFuture<Result<Vec<Appended>, AppendError>> {
        self.writer.append(batch)
    }

    fn follow(&self, follower: Arc<dyn Follower>) -> u64 {
        self.writer.follow(follower)
    }

    fn read(
        &self,
        from: u64,
        selection: Arc<Selection>,
        limit: ReadLimit,
    ) -> BoxFuture<Result<Page, ReadError>> {
        if query::is_near(&self.shared, from, &selection) {
            let plan = query::plan(&self.shared, from, &selection, limit);
            return match plan.is_here() {
                true => Box::pin(std::future::ready(plan.page())),
                false => self.pool.run(move || plan.page()),
            };
        }
        let shared = self.shared.clone();
        self.pool.run(move || query::plan(&shared, from, &selection, limit).page())
    }

    fn find(&self, id: String) -> BoxFuture<Result<Lookup, ReadError>> {
        match query::find(&self.shared, &id) {
            Found::Known(lookup) => Box::pin(std::future::ready(Ok(lookup))),
            Found::Candidates(candidates) => {
                let in_memory = candidates.iter().all(Want::is_here);
                let verify = move || {
                    let found = query::verify(candidates, &id)?;
                    Ok(found.map_or(Lookup::Unknown, |offset| Lookup::After(offset + 1)))
                };
                match in_memory {
                    true => Box::pin(std::future::ready(verify())),
                    false => self.pool.run(verify),
                }
            }
        }
    }

    fn newest(&self, selection: Arc<Selection>, count: usize) -> BoxFuture<Result<u64, ReadError>> {
        let shared = self.shared.clone();
        self.pool.run(move || Ok(query::newest(&shared, &selection, count)))
    }

    fn topics(
        &self,
        selection: Arc<Selection>,
        after: Option<Topic>,
        limit: usize,
    ) -> BoxFuture<Result<Vec<TopicSummary>, ReadError>> {
        let shared = self.shared.clone();
        self.pool.run(move || query::topics(&shared, &selection, after, limit))
    }

    fn status(&self) -> LogStatus {
        let mut status = read(&self.shared.state).status();
        status.trouble = status.trouble.or_else(|| self.writer.trouble());
        status
    }

    fn figures(&self) -> LogFigures {
        let writes = &self.shared.writes;
        LogFigures {
            batch: self.writer.batch(),
            flush: writes.flush.read(),
            written_bytes: writes.bytes.load(Relaxed),
        }
    }

    fn close(&self) -> BoxFuture<()> {
        self.writer.close()
    }
}
