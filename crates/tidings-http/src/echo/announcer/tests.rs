use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use tidings_hub::{
    Appended, BoxFuture, Follower, Log, LogStatus, Lookup, Page, ReadError, ReadLimit, Selection, Settings,
    Topic, TopicSummary,
};
use tidings_log::{Memory, Retention};

use super::*;

/// A log that refuses so many batches, and then takes them.
#[derive(Debug)]
struct Away(Memory, AtomicUsize);

impl Log for Away {
    fn append(&self, batch: Vec<Publication>) -> BoxFuture<Result<Vec<Appended>, AppendError>> {
        match self.1.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)) {
            Ok(_) => Box::pin(async { Err(AppendError::Unavailable("the disk is full".to_owned())) }),
            Err(_) => self.0.append(batch),
        }
    }

    fn follow(&self, follower: Arc<dyn Follower>) -> u64 {
        self.0.follow(follower)
    }

    fn read(
        &self,
        from: u64,
        selection: Arc<Selection>,
        limit: ReadLimit,
    ) -> BoxFuture<Result<Page, ReadError>> {
        self.0.read(from, selection, limit)
    }

    fn find(&self, id: String) -> BoxFuture<Result<Lookup, ReadError>> {
        self.0.find(id)
    }

    fn newest(&self, selection: Arc<Selection>, count: usize) -> BoxFuture<Result<u64, ReadError>> {
        self.0.newest(selection, count)
    }

    fn topics(
        &self,
        selection: Arc<Selection>,
        after: Option<Topic>,
        limit: usize,
    ) -> BoxFuture<Result<Vec<TopicSummary>, ReadError>> {
        self.0.topics(selection, after, limit)
    }

    fn status(&self) -> LogStatus {
        self.0.status()
    }

    fn close(&self) -> BoxFuture<()> {
        self.0.close()
    }
}

fn event(topic: &str) -> Publication {
    Publication::new(Topic::new(topic).unwrap(), "x")
}

async fn kept(hub: &Hub) -> Vec<(String, u64)> {
    let topics = hub.log().topics(Arc::new(Selection::all()), None, 9).await.unwrap();
    topics.into_iter().map(|kept| (kept.topic.to_string(), kept.events)).collect()
}

#[tokio::test]
async fn what_the_log_cannot_take_now_it_gets_later_and_once() {
    let log = Away(Memory::new(Retention::default()).unwrap(), AtomicUsize::new(2));
    let hub = Hub::start(Arc::new(log), Settings::default()).unwrap();
    deliver(&hub, vec![event("a"), event("b"), event("a")]).await;
    assert_eq!(kept(&hub).await, [("a".to_owned(), 2), ("b".to_owned(), 1)]);
}

#[tokio::test]
async fn what_it_never_takes_is_given_up_and_takes_nothing_along() {
    let hub = Hub::start(Arc::new(Memory::new(Retention::default()).unwrap()), Settings::default()).unwrap();
    let impossible = Publication { event: Some("a\nb".into()), ..event("a") };
    deliver(&hub, vec![event("a"), impossible, event("b")]).await;
    assert_eq!(kept(&hub).await, [("a".to_owned(), 1), ("b".to_owned(), 1)]);
    hub.log().close().await;
    deliver(&hub, vec![event("c")]).await;
}
