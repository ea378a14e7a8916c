//! A log that does everything its contract allows to make life hard: answers late, sometimes fails to read, tells its
//! follower late and in other pieces than it committed.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    thread,
    time::{Duration, Instant},
};

use fastrand::Rng;
use tidings_hub::{
    AppendError, Appended, BoxFuture, Entry, Follower, Log, LogStatus, Lookup, Page, Publication, ReadError,
    ReadLimit, Selection, Topic, TopicSummary,
};

/// How bad it gets.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Chaos {
    /// The longest delay of an answer.
    pub(crate) delay: Duration,
    /// The longest time by which the follower is told late.
    pub(crate) lag: Duration,
    /// The part of the reads that fail, in 1000.
    pub(crate) failures: u32,
}

#[derive(Debug)]
pub(crate) struct ChaosLog {
    log: Arc<dyn Log>,
    chaos: Chaos,
    rng: Mutex<Rng>,
    /// Reads that have been failed.
    pub(crate) failed: Arc<AtomicUsize>,
}

impl ChaosLog {
    pub(crate) fn new(log: Arc<dyn Log>, chaos: Chaos, seed: u64) -> Self {
        Self { log, chaos, rng: Mutex::new(Rng::with_seed(seed)), failed: Arc::default() }
    }

    /// A random delay, and whether to fail.
    fn draw(&self) -> (Duration, bool) {
        let mut rng = self.rng.lock().unwrap();
        (up_to(&mut rng, self.chaos.delay), rng.u32(..1000) < self.chaos.failures)
    }

    /// The answer, late, or a failure.
    fn answer<T: Send + 'static>(
        &self,
        answer: BoxFuture<Result<T, ReadError>>,
    ) -> BoxFuture<Result<T, ReadError>> {
        let ((delay, fails), failed) = (self.draw(), self.failed.clone());
        Box::pin(async move {
            pause(delay).await;
            if fails {
                failed.fetch_add(1, SeqCst);
                return Err(ReadError("chaos".into()));
            }
            let answer = answer.await;
            // The page is as old as it can be when it arrives.
            pause(delay).await;
            answer
        })
    }
}

/// Half of the times nothing, else anything up to `most`.
fn up_to(rng: &mut Rng, most: Duration) -> Duration {
    match rng.bool() {
        true => Duration::ZERO,
        false => most.mul_f64(rng.f64()),
    }
}

async fn pause(time: Duration) {
    match time.is_zero() {
        true => tokio::task::yield_now().await,
        false => tokio::time::sleep(time).await,
    }
}

impl Log for ChaosLog {
    fn append(&self, batch: Vec<Publication>) -> BoxFuture<Result<Vec<Appended>, AppendError>> {
        let (appended, (delay, _)) = (self.log.append(batch), self.draw());
        Box::pin(async move {
            let appended = appended.await;
            pause(delay).await;
            appended
        })
    }

    fn follow(&self, follower: Arc<dyn Follower>) -> u64 {
        let (told, late) = mpsc::channel();
        let (lag, rng) = (self.chaos.lag, self.rng.lock().unwrap().fork());
        thread::spawn(move || tell_late(&late, &*follower, lag, rng));
        self.log.follow(Arc::new(Late(told)))
    }

    fn read(
        &self,
        from: u64,
        selection: Arc<Selection>,
        limit: ReadLimit,
    ) -> BoxFuture<Result<Page, ReadError>> {
        self.answer(self.log.read(from, selection, limit))
    }

    fn find(&self, id: String) -> BoxFuture<Result<Lookup, ReadError>> {
        self.answer(self.log.find(id))
    }

    fn newest(&self, selection: Arc<Selection>, count: usize) -> BoxFuture<Result<u64, ReadError>> {
        self.answer(self.log.newest(selection, count))
    }

    fn topics(
        &self,
        selection: Arc<Selection>,
        after: Option<Topic>,
        limit: usize,
    ) -> BoxFuture<Result<Vec<TopicSummary>, ReadError>> {
        self.log.topics(selection, after, limit)
    }

    fn status(&self) -> LogStatus {
        self.log.status()
    }

    fn close(&self) -> BoxFuture<()> {
        self.log.close()
    }
}

struct Late(Sender<(Vec<Arc<Entry>>, Instant)>);

impl Follower for Late {
    fn committed(&self, entries: &[Arc<Entry>], since: Instant) {
        // Nobody listens any more once the next follower is there.
        self.0.send((entries.to_vec(), since)).ok();
    }
}

/// Hands on what was committed, late, put together and cut differently, until the log has another follower.
fn tell_late(
    late: &Receiver<(Vec<Arc<Entry>>, Instant)>,
    follower: &dyn Follower,
    lag: Duration,
    mut rng: Rng,
) {
    while let Ok((mut entries, since)) = late.recv() {
        thread::sleep(up_to(&mut rng, lag));
        while let Ok((more, _)) = late.recv_timeout(Duration::ZERO) {
            entries.extend(more);
        }
        let mut rest = &entries[..];
        while !rest.is_empty() {
            let (now, then) = rest.split_at(rng.usize(1..=rest.len()));
            follower.committed(now, since);
            rest = then;
        }
    }
    let ended = late.recv_timeout(Duration::ZERO);
    assert!(matches!(ended, Err(RecvTimeoutError::Disconnected)));
}
