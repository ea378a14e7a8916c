use std::{
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use tidings_hub::{
    Appended, BoxFuture, Follower, Log, LogStatus, Lookup, Page, ReadError, ReadLimit, Selection, Settings,
    Topic, TopicSummary,
};
use tidings_log::{Memory, Retention};

use super::*;

/// More than any wait of these tests takes on a slow machine.
const BOUND: Duration = Duration::from_secs(60);

/// A log that can be away, and that takes batches of a bounded size only.
#[derive(Debug)]
struct Flaky {
    inner: Memory,
    away: AtomicBool,
    refusals: AtomicUsize,
    largest_batch: usize,
    largest_event: usize,
}

impl Log for Flaky {
    fn append(&self, batch: Vec<Publication>) -> BoxFuture<Result<Vec<Appended>, AppendError>> {
        let error = if self.away.load(SeqCst) {
            self.refusals.fetch_add(1, SeqCst);
            AppendError::Unavailable("the disk is full".to_owned())
        } else if batch.len() > self.largest_batch || batch.iter().any(|p| p.data.len() > self.largest_event)
        {
            AppendError::TooLarge("for a test".to_owned())
        } else {
            return self.inner.append(batch);
        };
        Box::pin(async { Err(error) })
    }

    fn follow(&self, follower: Arc<dyn Follower>) -> u64 {
        self.inner.follow(follower)
    }

    fn read(
        &self,
        from: u64,
        selection: Arc<Selection>,
        limit: ReadLimit,
    ) -> BoxFuture<Result<Page, ReadError>> {
        self.inner.read(from, selection, limit)
    }

    fn find(&self, id: String) -> BoxFuture<Result<Lookup, ReadError>> {
        self.inner.find(id)
    }

    fn newest(&self, selection: Arc<Selection>, count: usize) -> BoxFuture<Result<u64, ReadError>> {
        self.inner.newest(selection, count)
    }

    fn topics(
        &self,
        selection: Arc<Selection>,
        after: Option<Topic>,
        limit: usize,
    ) -> BoxFuture<Result<Vec<TopicSummary>, ReadError>> {
        self.inner.topics(selection, after, limit)
    }

    fn status(&self) -> LogStatus {
        self.inner.status()
    }

    fn close(&self) -> BoxFuture<()> {
        self.inner.close()
    }
}

struct Fixture {
    log: Arc<Flaky>,
    hub: Hub,
    outbox: Arc<Outbox>,
    source: Arc<Tracker>,
}

impl Fixture {
    fn new(limits: Limits) -> Self {
        let log = Arc::new(Flaky {
            inner: Memory::new(Retention::unlimited()).unwrap(),
            away: AtomicBool::new(false),
            refusals: AtomicUsize::new(0),
            largest_batch: 7,
            largest_event: 100,
        });
        Self {
            hub: Hub::start(log.clone(), Settings::default()).unwrap(),
            log,
            outbox: Arc::new(Outbox::new(limits)),
            source: Arc::new(Tracker::new("s".to_owned(), "redis")),
        }
    }

    /// Publishes what is pushed, in the background, until the outbox is closed.
    fn run(&self) -> tokio::task::JoinHandle<()> {
        let (hub, outbox, source) = (self.hub.clone(), self.outbox.clone(), self.source.clone());
        tokio::spawn(async move { outbox.run(&hub, &source).await })
    }

    async fn push(&self, data: impl ToString) {
        let publication = Publication::new(Topic::new("t").unwrap(), data.to_string());
        self.outbox.push(publication, &self.source).await;
    }

    async fn published(&self) -> Vec<String> {
        let limit = ReadLimit { entries: NonZeroUsize::new(100_000).unwrap(), bytes: usize::MAX };
        let page = self.log.read(0, Arc::new(Selection::all()), limit).await.unwrap();
        let data = |data: &[u8]| String::from_utf8(data.to_vec()).unwrap();
        page.entries.iter().map(|entry| data(&entry.publication.data)).collect()
    }

    async fn until(&self, condition: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + BOUND;
        while !condition(self) {
            assert!(Instant::now() < deadline, "{:?}", self.source.status());
            sleep(Duration::from_millis(1)).await;
        }
    }
}

fn numbers(range: std::ops::Range<u32>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}

fn limits(events: usize, when_full: WhenFull) -> Limits {
    Limits { events, bytes: 1 << 20, when_full }
}

#[tokio::test]
async fn batches_that_are_too_large_are_divided_and_stay_in_order() {
    let fixture = Fixture::new(limits(1000, WhenFull::DropOldest));
    for number in 0..100 {
        fixture.push(number).await;
    }
    fixture.push("x".repeat(101)).await;
    fixture.push("last").await;
    fixture.outbox.close();
    fixture.run().await.unwrap();
    let mut expected = numbers(0..100);
    expected.push("last".to_owned());
    assert_eq!(fixture.published().await, expected);
    let status = fixture.source.status();
    assert_eq!((status.events, status.dropped), (101, 1));
}

#[tokio::test]
async fn events_wait_for_a_log_that_is_away() {
    let fixture = Fixture::new(limits(1000, WhenFull::DropOldest));
    fixture.log.away.store(true, SeqCst);
    let running = fixture.run();
    for number in 0..100 {
        fixture.push(number).await;
    }
    fixture.until(|fixture| fixture.log.refusals.load(SeqCst) > 1).await;
    assert_eq!(fixture.source.status().state, crate::SourceState::Retrying);
    assert!(fixture.source.status().detail.unwrap().contains("the disk is full"));
    fixture.log.away.store(false, SeqCst);
    fixture.outbox.close();
    running.await.unwrap();
    assert_eq!(fixture.published().await, numbers(0..100));
    assert_eq!(fixture.source.status().dropped, 0);
    assert_eq!(fixture.source.status().detail, None);
}

#[tokio::test]
async fn when_the_log_is_away_for_too_long_the_oldest_are_dropped_and_counted() {
    let fixture = Fixture::new(limits(10, WhenFull::DropOldest));
    fixture.log.away.store(true, SeqCst);
    let running = fixture.run();
    fixture.push("in hand").await;
    fixture.until(|fixture| fixture.log.refusals.load(SeqCst) > 0).await;
    for number in 0..100 {
        fixture.push(number).await;
    }
    fixture.log.away.store(false, SeqCst);
    fixture.outbox.close();
    running.await.unwrap();
    let mut expected = vec!["in hand".to_owned()];
    expected.extend(numbers(90..100));
    assert_eq!(fixture.published().await, expected);
    assert_eq!(fixture.source.status().dropped, 90);
}

#[tokio::test]
async fn a_sender_that_can_wait_loses_nothing() {
    let fixture = Arc::new(Fixture::new(limits(10, WhenFull::Wait)));
    fixture.log.away.store(true, SeqCst);
    let running = fixture.run();
    let pushing = tokio::spawn({
        let fixture = fixture.clone();
        async move {
            for number in 0..100 {
                fixture.push(number).await;
            }
        }
    });
    fixture.until(|fixture| fixture.log.refusals.load(SeqCst) > 1).await;
    assert!(!pushing.is_finished());
    fixture.log.away.store(false, SeqCst);
    pushing.await.unwrap();
    fixture.outbox.close();
    running.await.unwrap();
    assert_eq!(fixture.published().await, numbers(0..100));
    assert_eq!(fixture.source.status().dropped, 0);
}

#[tokio::test]
async fn nothing_is_settled_while_the_log_is_away() {
    let fixture = Fixture::new(limits(1000, WhenFull::Wait));
    fixture.outbox.settled().await;
    fixture.log.away.store(true, SeqCst);
    let running = fixture.run();
    for number in 0..20 {
        fixture.push(number).await;
    }
    // Refused for good, which settles it as well.
    fixture.push("x".repeat(101)).await;
    fixture.until(|fixture| fixture.log.refusals.load(SeqCst) >= 2).await;
    let mut settled = Box::pin(fixture.outbox.settled());
    assert!(tokio::time::timeout(Duration::from_millis(10), &mut settled).await.is_err());
    fixture.log.away.store(false, SeqCst);
    settled.await;
    assert_eq!(fixture.published().await, numbers(0..20));
    assert_eq!(fixture.source.status().dropped, 1);
    fixture.outbox.close();
    running.await.unwrap();
}

#[tokio::test]
async fn bytes_are_bounded_as_well() {
    let fixture = Fixture::new(Limits { events: 1000, bytes: 50, when_full: WhenFull::Wait });
    fixture.push("x".repeat(40)).await;
    let waiting = tokio::time::timeout(Duration::from_millis(20), fixture.push("y".repeat(40))).await;
    assert!(waiting.is_err(), "80 bytes do not fit into 50");
    fixture.push("z".repeat(10)).await;
    assert_eq!(fixture.outbox.unpublished(), 2);
}

#[tokio::test]
async fn a_closed_log_is_the_end() {
    let fixture = Fixture::new(limits(10, WhenFull::Wait));
    fixture.log.close().await;
    fixture.push("x").await;
    fixture.run().await.unwrap();
    assert_eq!(fixture.outbox.unpublished(), 1);
}
