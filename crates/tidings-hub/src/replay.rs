//! Reading the log for those who are behind: a page at a time, a bounded number of pages at once, and as a rule once for
//! all who want it. Pages are read and encoded on the runtime and come back as mail, so that a crowd that resumes does
//! not hold up those who are live.
//!
//! A crowd that resumes after a restart wants the same pages. What has been read is kept for a moment, bounded in bytes,
//! and serves everybody whose cursor lies within it; who asks for what somebody else is being read, waits for that. As
//! all of them go on at a page's end, they want the same from then on, wherever each began.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};

use tokio::runtime::Handle;

use crate::{
    batch::{Batch, Run},
    log::{Log, Page, ReadError, ReadLimit},
    manner::Eye,
    selector::Selection,
    settings::Settings,
    shard::{Command, Inbox, SubscriberId},
    stats::Stats,
};

/// How long a page is kept: long enough for a crowd, and so short that what retention takes does not come back to those
/// who ask for it later.
const KEPT: Duration = Duration::from_secs(1);
/// Pages that are kept at most: those without an event cost something, too.
const MAX_PAGES: usize = 1024;

/// A page of the log as wire bytes.
#[derive(Debug)]
pub(crate) struct Replay {
    batch: Batch,
    from: u64,
    /// As [`Page::next`].
    pub(crate) next: u64,
    /// As [`Page::gap`]. Such a page is for those alone who asked from where it begins.
    pub(crate) gap: bool,
    /// Where the log ended, and when it was, before the page was read.
    end: u64,
    read_at: Instant,
}

impl Replay {
    /// Whether it tells what was kept when the log ended at `kept_to`, and not what was kept before.
    pub(crate) fn is_of(&self, kept_to: u64) -> bool {
        self.end >= kept_to
    }

    /// Whether it is what such a one wants.
    fn serves(&self, wanted: &Wanted) -> bool {
        let Wanted { cursor, kept_to } = *wanted;
        let is_there = cursor == self.from || !self.gap && (self.from..self.next).contains(&cursor);
        is_there && self.is_of(kept_to) && self.read_at.elapsed() < KEPT
    }

    /// Puts its events from `cursor` on, those below `end` that are for such a one, into a run; returns how many it looked at.
    pub(crate) fn select(&self, cursor: u64, end: u64, eye: &Eye<'_>, run: &mut Run) -> u64 {
        let places = self.batch.place(cursor)..self.batch.place(end);
        for index in places.clone() {
            if eye.sees(&self.batch.entries()[index].publication) {
                self.batch.put(index, eye, run);
            }
        }
        places.len() as u64
    }
}

/// What a read came to, for all who waited for it.
pub(crate) type Outcome = Result<Arc<Replay>, ReadError>;

/// What one who is behind wants.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub(crate) cursor: u64,
    /// As [`Join::kept_to`](crate::shard::Join::kept_to).
    pub(crate) kept_to: u64,
}

/// Who waits for a page.
#[derive(Debug, Clone)]
pub(crate) struct Waiter {
    pub(crate) id: SubscriberId,
    pub(crate) inbox: Arc<Inbox>,
}

impl Waiter {
    fn tell(self, outcome: Outcome) {
        self.inbox.send(Command::Replay(self.id, outcome));
    }
}

/// What is to be read: for whom, from where.
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
    waiting: HashMap<Place, Waiting>,
    /// What is to be read when a read has ended.
    queue: VecDeque<Place>,
    running: usize,
}

/// Those who wait for one page.
#[derive(Debug)]
struct Waiting {
    /// What the first of them wants.
    wanted: Wanted,
    waiters: Vec<Waiter>,
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

    /// The page that is wanted, if it is kept; if not it will be mailed.
    pub(crate) fn ask(
        self: &Arc<Self>,
        selection: &Arc<Selection>,
        wanted: Wanted,
        waiter: Waiter,
    ) -> Option<Arc<Replay>> {
        let mut state = self.lock();
        if let Some(replay) = state.find(selection, &wanted) {
            return Some(replay);
        }
        let place = (selection.clone(), wanted.cursor);
        if let Some(waiting) = state.waiting.get_mut(&place) {
            waiting.waiters.push(waiter);
            return None;
        }
        state.waiting.insert(place.clone(), Waiting { wanted, waiters: vec![waiter] });
        state.queue.push_back(place);
        drop(state);
        self.start();
        None
    }

    /// Lets go of pages that are too old to serve anybody.
    pub(crate) fn forget(&self) {
        let mut state = self.lock();
        while state.is_oldest_done() {
            state.drop_oldest();
        }
    }

    /// Starts the reads that there is room for.
    fn start(self: &Arc<Self>) {
        loop {
            let next = self.lock().next(self.reads);
            match next {
                None => return,
                Some(Next::Kept(waiters, replay)) => {
                    waiters.into_iter().for_each(|waiter| waiter.tell(Ok(replay.clone())));
                }
                Some(Next::Read(place)) => self.read(place),
            }
        }
    }

    fn read(self: &Arc<Self>, place: Place) {
        self.stats.replay_reads.fetch_add(1, Relaxed);
        let (selection, from) = place.clone();
        let reading = Reading {
            replays: self.clone(),
            place,
            outcome: Err(ReadError("the read was abandoned".into())),
        };
        let (end, read_at, stats) = (self.log.status().next, Instant::now(), self.stats.clone());
        let page = self.log.read(from, selection, self.limit);
        self.runtime.spawn(async move {
            // Made when the task runs, and dropped after its answer: whoever ends a task that never ran goes on itself.
            let _next = StartNext(reading.replays.clone());
            let reading = reading;
            let page = page.await;
            stats.replay.time(read_at.elapsed());
            reading.end(page.map(|Page { entries, next, gap }| {
                let batch = Batch::encode(entries, read_at);
                Arc::new(Replay { batch, from, next, gap, end, read_at })
            }));
        });
    }

    /// Takes what a read came to: keeps it, and mails it to all who wait.
    fn ended(&self, place: &Place, outcome: &Outcome) {
        let mut state = self.lock();
        state.running -= 1;
        let waiting = state.waiting.remove(place);
        if let Ok(replay) = outcome {
            state.keep(place, replay.clone(), self.bytes);
        }
        drop(state);
        for waiter in waiting.into_iter().flat_map(|waiting| waiting.waiters) {
            waiter.tell(outcome.clone());
        }
    }
}

/// What is to be done next.
enum Next {
    /// To read this.
    Read(Place),
    /// To tell these, for whom it was read meanwhile by others.
    Kept(Vec<Waiter>, Arc<Replay>),
}

impl State {
    /// The kept page that is wanted.
    fn find(&self, selection: &Arc<Selection>, wanted: &Wanted) -> Option<Arc<Replay>> {
        let (_, replay) = self.kept.get(selection)?.range(..=wanted.cursor).next_back()?;
        replay.serves(wanted).then(|| replay.clone())
    }

    fn next(&mut self, reads: usize) -> Option<Next> {
        if self.running >= reads {
            return None;
        }
        let place = self.queue.pop_front()?;
        let wanted = self.waiting.get(&place).map(|waiting| waiting.wanted);
        if let Some(replay) = wanted.and_then(|wanted| self.find(&place.0, &wanted)) {
            let waiters = self.waiting.remove(&place).map_or(Vec::new(), |waiting| waiting.waiters);
            return Some(Next::Kept(waiters, replay));
        }
        self.running += 1;
        Some(Next::Read(place))
    }

    fn keep(&mut self, (selection, from): &Place, replay: Arc<Replay>, bytes: usize) {
        let memory = replay.batch.memory();
        if memory > bytes {
            return;
        }
        self.bytes += memory;
        let pages = self.kept.entry(selection.clone()).or_default();
        match pages.insert(*from, replay) {
            Some(old) => self.bytes -= old.batch.memory(),
            None => self.order.push_back((selection.clone(), *from)),
        }
        while !self.order.is_empty() && (self.bytes > bytes || self.order.len() > MAX_PAGES) {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        let Some((selection, from)) = self.order.pop_front() else { return };
        let Some(pages) = self.kept.get_mut(&selection) else { return };
        self.bytes -= pages.remove(&from).map_or(0, |old| old.batch.memory());
        if pages.is_empty() {
            self.kept.remove(&selection);
        }
    }

    /// Whether the oldest page is too old to serve anybody.
    fn is_oldest_done(&self) -> bool {
        let oldest = self.order.front().and_then(|(selection, from)| self.kept.get(selection)?.get(from));
        oldest.is_some_and(|oldest| oldest.read_at.elapsed() >= KEPT)
    }
}

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

/// Starts what waits for room, when dropped.
struct StartNext(Arc<Replays>);

impl Drop for StartNext {
    fn drop(&mut self) {
        self.0.start();
    }
}
