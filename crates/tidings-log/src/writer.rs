//! The writer: the one thread that appends to a log, and the order that everything else relies on.
//!
//! A group is everything that was queued when the writer came for it. For each group, in exactly this order: the
//! engine makes it durable, lets readers see it ([`Store::commit`] does both), the publishers are answered, the
//! follower is told. While a group is being flushed the next one collects, so a flush is shared by all who wait.

use std::{
    fmt, io,
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use tidings_hub::{BoxFuture, Distribution, Entry, Follower, Histogram, Publication, Scale};

use crate::{
    company::{Company, Experience},
    queue::{Answer, Queue, Work},
    sync::lock,
};

/// The part of an engine that the writer thread owns.
pub(crate) trait Store: Send + 'static {
    /// Appends a group of batches: durable first, then readable. One answer per batch, in their order, and the new
    /// entries of all, in theirs.
    fn commit(&mut self, group: Vec<Vec<Publication>>) -> Committed;

    /// What follows on every group, once everybody has been told.
    fn settle(&mut self);

    /// What is due from time to time, traffic or not.
    fn tick(&mut self);

    /// The pause between two ticks.
    fn tick_every(&self) -> Duration;

    /// The last call, when the log is closed.
    fn finish(&mut self);
}

/// What became of a group.
pub(crate) struct Committed {
    pub(crate) answers: Vec<Answer>,
    pub(crate) entries: Vec<Arc<Entry>>,
}

/// Who is told of entries, and from which offset on.
#[derive(Default)]
struct Told {
    follower: Option<Arc<dyn Follower>>,
    next: u64,
}

/// The handle of the writer thread. Dropping it closes the log and waits for the thread.
pub(crate) struct Writer {
    queue: Arc<Queue>,
    told: Arc<Mutex<Told>>,
    /// How many events were committed at a time.
    batch: Arc<Histogram>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread. `next` is the offset of the first entry that will be committed, `bound` the queue's, in
    /// bytes.
    pub(crate) fn start(store: impl Store, next: u64, bound: usize) -> io::Result<Self> {
        let queue = Arc::new(Queue::new(bound));
        let told = Arc::new(Mutex::new(Told { follower: None, next }));
        let batch = Arc::new(Histogram::new(Scale::Number));
        let (its_queue, its_told, its_batch) = (queue.clone(), told.clone(), batch.clone());
        let thread = thread::Builder::new().name("tidings-log".into()).spawn(move || {
            let end = OnEnd(its_queue);
            run(store, &end.0, &its_told, &its_batch);
        })?;
        Ok(Self { queue, told, batch, thread: Some(thread) })
    }

    pub(crate) fn append(&self, batch: Vec<Publication>) -> BoxFuture<Answer> {
        self.queue.push(batch)
    }

    /// Registers the follower. Everything that it will not be told of was committed, hence is readable.
    pub(crate) fn follow(&self, follower: Arc<dyn Follower>) -> u64 {
        let mut told = lock(&self.told);
        told.follower = Some(follower);
        told.next
    }

    pub(crate) fn close(&self) -> BoxFuture<()> {
        self.queue.close()
    }

    /// How many events were committed at a time.
    pub(crate) fn batch(&self) -> Distribution {
        self.batch.read()
    }

    /// Why nothing can be appended any more, if the thread has failed.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.queue.trouble()
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.queue.close());
        // The last handle may be dropped by the follower, on the writer's own thread, which cannot wait for itself.
        if let Some(thread) =
            self.thread.take().filter(|thread| thread.thread().id() != thread::current().id())
        {
            thread.join().ok();
        }
    }
}

/// However the thread ends, nobody is left waiting.
struct OnEnd(Arc<Queue>);

impl Drop for OnEnd {
    fn drop(&mut self) {
        self.0.ended(thread::panicking());
    }
}

fn run(mut store: impl Store, queue: &Queue, told: &Mutex<Told>, batch: &Histogram) {
    let mut tick = Instant::now() + store.tick_every();
    let mut experience = Experience::default();
    let mut company = Company::none(Instant::now());
    loop {
        match queue.take(tick, company) {
            Work::Group(requests) => {
                let bytes = requests.iter().map(|request| request.bytes()).sum();
                let since = requests.first().map(|request| request.since);
                let (group, waiting): (Vec<_>, Vec<_>) =
                    requests.into_iter().map(|request| (request.batch, request.answer)).unzip();
                let (count, begun) = (group.len(), Instant::now());
                let committed = store.commit(group);
                let took = begun.elapsed();
                let queued = queue.done(bytes);
                for (waiting, answer) in waiting.into_iter().zip(committed.answers) {
                    // A publisher that has gone away does not need the answer.
                    waiting.send(answer).ok();
                }
                if !committed.entries.is_empty() {
                    batch.add(committed.entries.len() as u64);
                }
                tell(told, &committed.entries, since.unwrap_or(begun));
                store.settle();
                company = experience.after(count, took, queued, Instant::now());
            }
            Work::Tick => {}
            Work::Close => break,
        }
        if Instant::now() >= tick {
            store.tick();
            tick = Instant::now() + store.tick_every();
        }
    }
    store.finish();
}

/// Tells the follower without holding the lock, so that a new one can register meanwhile: it begins behind these.
fn tell(told: &Mutex<Told>, entries: &[Arc<Entry>], since: Instant) {
    let Some(last) = entries.last() else { return };
    let follower = {
        let mut told = lock(told);
        told.next = last.position.offset + 1;
        told.follower.clone()
    };
    if let Some(follower) = follower {
        follower.committed(entries, since);
    }
}
