//! The log: the durable, ordered history behind the hub, as a trait. Engines live in crates of their own.
//!
//! The one order that the whole system stands on: an engine first makes a batch durable, then lets readers see it,
//! then answers the publishers ([`Log::append`] resolves), then tells the follower. So nothing is delivered that a
//! crash could take back, and no publisher waits for the fan-out.

use std::{fmt, future::Future, num::NonZeroUsize, pin::Pin, sync::Arc, time::Instant};

use crate::{
    histogram::Distribution,
    position::{Epoch, Position},
    publication::Publication,
    selector::Selection,
    topic::Topic,
};

/// A future on the heap, for a trait that is used through `dyn`.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// One event as the log holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where it stands.
    pub position: Position,
    /// When the log accepted it, in milliseconds since the Unix epoch. For retention and people; the order is the
    /// offset's.
    pub time: u64,
    /// What was published.
    pub publication: Publication,
}

impl Entry {
    /// The event's id: the publisher's own, or the position.
    pub fn id(&self) -> String {
        match &self.publication.id {
            Some(id) => id.to_string(),
            None => self.position.to_string(),
        }
    }
}

/// What the log answers for one accepted publication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Where the event stands; for a duplicate, where the first one does.
    pub position: Position,
    /// Whether an event of the same publisher-given id was already there, so that nothing was appended.
    pub duplicate: bool,
}

/// Where reading goes on after a cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// The event is known, or at least its place; reading goes on at this offset, the one behind it.
    After(u64),
    /// The log held the event, and has trimmed it and more behind it.
    Expired,
    /// The log never held such an event, or can no longer tell.
    Unknown,
}

/// How much one [`Log::read`] returns at most. A single entry larger than `bytes` is returned alone.
#[derive(Clone, Copy, Debug)]
pub struct ReadLimit {
    /// Entries.
    pub entries: NonZeroUsize,
    /// Bytes of data, ids and types together.
    pub bytes: usize,
}

/// What one [`Log::read`] found.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The matching entries, by rising offset. May be empty though more follow: `next` tells.
    pub entries: Vec<Arc<Entry>>,
    /// Everything below this offset has been considered; read on from here. It never exceeds the durable end of the
    /// log (then there is nothing more at present) and is above the offset asked for unless that end was reached.
    pub next: u64,
    /// Whether events that may have matched, between the offset asked for and `next`, are no longer kept.
    pub gap: bool,
}

/// A topic that has events in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicSummary {
    /// Its name.
    pub topic: Topic,
    /// How many of its events are kept.
    pub events: u64,
    /// The id of the newest.
    pub last_id: String,
}

/// How a log is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogStatus {
    /// The present epoch.
    pub epoch: Epoch,
    /// The oldest offset kept; equal to `next` when the log is empty.
    pub oldest: u64,
    /// The offset that the next event will get: everything below is durable and readable.
    pub next: u64,
    /// Where the newest event stands, kept or not; `None` before the first.
    pub last: Option<Position>,
    /// The id of the newest event kept, if there is one.
    pub last_id: Option<String>,
    /// The id of the oldest event kept, if there is one.
    pub oldest_id: Option<String>,
    /// When the oldest event kept was accepted, in milliseconds since the Unix epoch.
    pub oldest_time: Option<u64>,
    /// Bytes that the log occupies (on disk, or in memory for an engine without one).
    pub bytes: u64,
    /// Why events cannot be appended at present; `None` when they can.
    pub trouble: Option<String>,
}

/// What a log has done since it was opened.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct LogFigures {
    /// How many events were written at a time, by one flush.
    pub batch: Distribution,
    /// How long flushes took; of an engine without a disk there are none.
    pub flush: Distribution,
    /// Bytes written.
    pub written_bytes: u64,
}

/// Why the log did not accept a batch. Nothing of the batch was or will be seen by anybody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// The log cannot take events now (disk full, backend away); trying again later may help.
    #[error("the event log cannot accept events now: {0}")]
    Unavailable(String),
    /// The log has failed for good, to protect what it has acknowledged; a person must look, then restart.
    #[error("the event log has stopped: {0}")]
    Stopped(String),
    /// The batch is larger than the engine can store as one.
    #[error("the batch is too large for the event log: {0}")]
    TooLarge(String),
    /// The log is closed, because the program is stopping.
    #[error("the event log is closed: the hub is stopping")]
    Closed,
}

/// Why the log could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the event log cannot be read: {0}")]
pub struct ReadError(pub String);

/// Told of every committed entry; how live delivery starts.
pub trait Follower: Send + Sync {
    /// These entries have been committed: consecutive offsets, following directly on those of the call before. The
    /// first of them to come came to the log at `since`. Called on the log's own thread, one call at a time; must not
    /// block.
    fn committed(&self, entries: &[Arc<Entry>], since: Instant);
}

/// A durable, totally ordered history of events.
///
/// Contract, beyond what each method says:
/// - Offsets are consecutive, from 0 in an empty log. They never repeat within an epoch, and an offset that was ever
///   visible never comes to mean another event within its epoch.
/// - No method blocks the caller: waiting happens in the returned futures, which need no particular runtime.
/// - Dropping a returned future abandons the answer, not the work.
pub trait Log: fmt::Debug + Send + Sync + 'static {
    /// Accepts a batch, all or none, in its order and without another's events in between.
    ///
    /// A publication whose publisher-given id is already kept (or comes earlier in the batch, or is on its way) is not
    /// appended again; it is answered, once the first one is durable, with that one's position.
    /// The caller has checked the publications ([`Publication::check`]).
    fn append(&self, batch: Vec<Publication>) -> BoxFuture<Result<Vec<Appended>, AppendError>>;

    /// Registers the follower and returns the offset of the first entry it will be told of: everything below is
    /// readable already. There is one follower; a second registration replaces the first.
    fn follow(&self, follower: Arc<dyn Follower>) -> u64;

    /// The entries from offset `from` on that the selection matches. Entries become readable no later than the
    /// follower is told of them, and never before they are durable.
    fn read(
        &self,
        from: u64,
        selection: Arc<Selection>,
        limit: ReadLimit,
    ) -> BoxFuture<Result<Page, ReadError>>;

    /// Where reading goes on after the event of this id, publisher-given or generated.
    fn find(&self, id: String) -> BoxFuture<Result<Lookup, ReadError>>;

    /// The offset from which the newest `count` entries that the selection matches can be read (fewer if fewer are
    /// kept); with nothing to read, the end of the log.
    fn newest(&self, selection: Arc<Selection>, count: usize) -> BoxFuture<Result<u64, ReadError>>;

    /// The topics that have events and that the selection matches, by name, beginning behind `after`, at most `limit`.
    fn topics(
        &self,
        selection: Arc<Selection>,
        after: Option<Topic>,
        limit: usize,
    ) -> BoxFuture<Result<Vec<TopicSummary>, ReadError>>;

    /// How the log is. Cheap enough to ask for at every request.
    fn status(&self) -> LogStatus;

    /// What the log has done. Cheap enough to ask for every second.
    fn figures(&self) -> LogFigures {
        LogFigures::default()
    }

    /// Flushes what is pending, answers everybody who waits, and refuses further batches.
    fn close(&self) -> BoxFuture<()>;
}
