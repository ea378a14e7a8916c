//! Reading the log for those who are behind: a page at a time, a bounded number of pages at once, each once for all who
//! want it. Pages are read and encoded on the runtime and come back as mail, so that a crowd that resumes does not hold
//! up those who are live.
//!
//! A crowd that resumes after a restart wants the same pages. Who asks for what somebody else is being read, waits for
//! that; what has been read is kept for a while, bounded in bytes, and serves everybody whose cursor lies within it. As
//! all of them go on at its end, they want the same from then on, wherever each began.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering::Relaxed},
};

use tokio::runtime::Handle;

use crate::{
    batch::{Batch, Run},
    log::{Log, Page, ReadError, ReadLimit},
    selector::Selection,
    settings::Settings,
    shard::{Command, Inbox, SubscriberId},
    stats::Stats,
};

/// A page of the log with its wire bytes.
#[derive(Debug)]
pub(crate) struct Replay {
    batch: Batch,
    from: u64,
    /// As [`Page::next`].
    pub(crate) next: u64,
    /// As [`Page::gap`]. Such a page is for those alone who asked from where it begins.
    pub(crate) gap: bool,
}

impl Replay {
    fn new(from: u64, Page { entries, next, gap }: Page) -> Self {
        Self { batch: Batch::encode(&entries), from, next, gap }
    }

    /// Whether it is what one with this cursor wants.
    fn serves(&self, cursor: u64) -> bool {
        cursor == self.from || !self.gap && (self.from..self.next).contains(&cursor)
    }

    /// Puts its events from `cursor` on, those below `end`, into a run.
    pub(crate) fn select(&self, cursor: u64, end: u64, run: &mut Run) {
        let entries = self.batch.entries();
        let place = |offset| entries.partition_point(|entry| entry.position.offset < offset);
        (place(cursor)..place(end)).for_each(|index| run.push(&self.batch, index));
    }
}

/// What a read came to, for all who waited for it.
pub(crate) type Outcome = Result<Arc<Replay>, ReadError>;

/// Who waits for a page.
#[derive(Debug, Clone)]
pub(crate) struct Waiter {
    pub(crate) id: SubscriberId,
    pub(crate) inbox: Arc<Inbox>,
}

/// What is to be read: from where, for whom.
type Place = (Arc<Selection>, u64);

/// The pages of a hub, those that are kept and those that are being read.
#[derive(Debug)]
pub(crate) struct Replays {
    log: Arc<dyn Log>,
    runtime: Handle,
    stats: Arc<Stats>,
    limit: ReadLimit,
    /// Reads at once.
    reads: usize,
    /// Bytes of kept pages.
    bytes: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    kept: HashMap<Arc<Selection>, BTreeMap<u64, Arc<Replay>>>,
    /// The kept pages, the oldest first.
    order: VecDeque<Place>,
    bytes: usize,
    /// Who waits for what; the pages that are being read are among them.
    waiting: HashMap<Place, Vec<Waiter>>,
    /// What is to be read when a read has ended.
    queue: VecDeque<Place>,
    running: usize,
}

impl Replays {
    pub(crate) fn new(log: Arc<dyn Log>, runtime: Handle, stats: Arc<Stats>, settings: &Settings) -> Self {
        Self {
            log,
            runtime,
            stats,
            limit: ReadLimit { entries: settings.shard.page_entries, bytes: settings.page_bytes },
            reads: settings.shard.reads.get(),
            bytes: settings.shard.replay_bytes,
            state: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that can panic runs under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The page for one with this cursor, if it is kept; if not it will be mailed.
    pub(crate) fn ask(
        self: &Arc<Self>,
        selection: &Arc<Selection>,
        cursor: u64,
        waiter: Waiter,
    ) -> Option<Arc<Replay>> {
        let mut state = self.lock();
        let near = state.kept.get(selection).and_then(|pages| pages.range(..=cursor).next_back());
        if let Some((_, replay)) = near.filter(|(_, replay)| replay.serves(cursor)) {
            return Some(replay.clone());
        }
        let place = (selection.clone(), cursor);
        let waiters = state.waiting.entry(place.clone()).or_default();
        waiters.push(waiter);
        if waiters.len() == 1 {
            state.queue.push_back(place);
            drop(state);
            self.start();
        }
        None
    }

    /// Starts the reads that there is room for.
    fn start(self: &Arc<Self>) {
        loop {
            let next = self.lock().next(self.reads);
            let Some((selection, from)) = next else { return };
            self.stats.replay_reads.fetch_add(1, Relaxed);
            let page = self.log.read(from, selection.clone(), self.limit);
            // Answered even when the read panics or the runtime stops, so that nobody waits for ever.
            let reading = Reading {
                replays: self.clone(),
                place: (selection, from),
                outcome: Err(ReadError("the read was abandoned".into())),
            };
            self.runtime.spawn(async move {
                let page = page.await;
                reading.end(page.map(|page| Arc::new(Replay::new(from, page))));
            });
        }
    }

    /// Takes what a read came to: keeps it, mails it to all who wait, and starts the next.
    fn ended(self: &Arc<Self>, place: &Place, outcome: &Outcome) {
        let mut state = self.lock();
        state.running -= 1;
        let waiters = state.waiting.remove(place).unwrap_or_default();
        if let Ok(replay) = outcome {
            state.keep(place, replay.clone(), self.bytes);
        }
        drop(state);
        for Waiter { id, inbox } in waiters {
            inbox.send(Command::Replay(id, outcome.clone()));
        }
        self.start();
    }
}

impl State {
    /// What is to be read next, if there is room for a read.
    fn next(&mut self, reads: usize) -> Option<Place> {
        let place = (self.running < reads).then(|| self.queue.pop_front())??;
        self.running += 1;
        Some(place)
    }

    fn keep(&mut self, (selection, from): &Place, replay: Arc<Replay>, bytes: usize) {
        if replay.batch.bytes() > bytes {
            return;
        }
        self.bytes += replay.batch.bytes();
        let pages = self.kept.entry(selection.clone()).or_default();
        if let Some(old) = pages.insert(*from, replay) {
            self.bytes -= old.batch.bytes();
        } else {
            self.order.push_back((selection.clone(), *from));
        }
        // Those without an event cost something, too.
        while (self.bytes > bytes || self.order.len() > MAX_PAGES)
            && let Some((selection, from)) = self.order.pop_front()
        {
            let Some(pages) = self.kept.get_mut(&selection) else { continue };
            self.bytes -= pages.remove(&from).map_or(0, |old| old.batch.bytes());
            if pages.is_empty() {
                self.kept.remove(&selection);
            }
        }
    }
}

/// Pages that are kept at most.
const MAX_PAGES: usize = 1024;

/// A read under way, answered when dropped, however it has ended.
struct Reading {
    replays: Arc<Replays>,
    place: Place,
    outcome: Outcome,
}

impl Reading {
    fn end(mut self, outcome: Outcome) {
        self.outcome = outcome;
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.replays.ended(&self.place, &self.outcome);
    }
}
