//! The log in memory: the same meaning as the one on disk, but nothing survives the program.

mod history;

use std::{
    io,
    sync::{Arc, RwLock},
    time::Duration,
};

use tidings_hub::{
    AppendError, Appended, BoxFuture, Epoch, Follower, Log, LogFigures, LogStatus, Lookup, Page, Publication,
    ReadError, ReadLimit, Selection, Topic, TopicSummary,
};

use self::history::History;
use crate::{
    clock::Clock,
    queue::Answer,
    retention::Retention,
    sync::{read, write},
    writer::{Committed, Store, Writer},
};

/// The most bytes of events that wait for the writer; appending more fails at once.
const QUEUE_BYTES: usize = 256 << 20;
/// How often retention by age is looked at when nothing is published.
const TICK: Duration = Duration::from_secs(1);

/// A log that is kept in memory and gone with the program. Every life of it is a new epoch.
#[derive(Debug)]
pub struct Memory {
    history: Arc<RwLock<History>>,
    writer: Writer,
}

impl Memory {
    /// An empty log.
    ///
    /// # Errors
    /// When the system refuses the writer's thread.
    pub fn new(retention: Retention) -> io::Result<Self> {
        Self::with_clock(retention, Clock::system())
    }

    /// An empty log that takes the time from `clock`.
    ///
    /// # Errors
    /// When the system refuses the writer's thread.
    pub fn with_clock(retention: Retention, clock: Clock) -> io::Result<Self> {
        let history = Arc::new(RwLock::new(History::new(Epoch::random(), retention, clock)));
        let writer = Writer::start(Keeper(history.clone()), 0, QUEUE_BYTES)?;
        Ok(Self { history, writer })
    }
}

impl Log for Memory {
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
        let history = self.history.clone();
        Box::pin(async move { Ok(read(&history).read(from, &selection, limit)) })
    }

    fn find(&self, id: String) -> BoxFuture<Result<Lookup, ReadError>> {
        let history = self.history.clone();
        Box::pin(async move { Ok(read(&history).find(&id)) })
    }

    fn newest(&self, selection: Arc<Selection>, count: usize) -> BoxFuture<Result<u64, ReadError>> {
        let history = self.history.clone();
        Box::pin(async move { Ok(read(&history).newest(&selection, count)) })
    }

    fn topics(
        &self,
        selection: Arc<Selection>,
        after: Option<Topic>,
        limit: usize,
    ) -> BoxFuture<Result<Vec<TopicSummary>, ReadError>> {
        let history = self.history.clone();
        Box::pin(async move { Ok(read(&history).topics(&selection, after.as_ref(), limit)) })
    }

    fn status(&self) -> LogStatus {
        LogStatus { trouble: self.writer.trouble(), ..read(&self.history).status() }
    }

    fn figures(&self) -> LogFigures {
        LogFigures { batch: self.writer.batch(), ..LogFigures::default() }
    }

    fn close(&self) -> BoxFuture<()> {
        self.writer.close()
    }
}

/// The writer's side.
struct Keeper(Arc<RwLock<History>>);

impl Store for Keeper {
    fn commit(&mut self, group: Vec<Vec<Publication>>) -> Committed {
        let mut history = write(&self.0);
        let mut entries = Vec::new();
        let answers: Vec<Answer> =
            group.into_iter().map(|batch| Ok(history.append(batch, &mut entries))).collect();
        history.trim();
        Committed { answers, entries }
    }

    fn settle(&mut self) {}

    fn tick(&mut self) {
        let mut history = write(&self.0);
        history.let_go_by_topic();
        history.trim();
    }

    fn tick_every(&self) -> Duration {
        TICK
    }

    fn finish(&mut self) {}
}
