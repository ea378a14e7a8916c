//! The memory log answers, serves and tells its follower.
use std::{
    num::NonZeroUsize,
    sync::{Arc, mpsc},
};
use tidings_hub::{Entry, Follower, Log, Lookup, Publication, ReadLimit, Selection, Topic};
use tidings_log::{Memory, Retention};

struct Channel(mpsc::Sender<u64>);
impl Follower for Channel {
    fn committed(&self, entries: &[Arc<Entry>]) {
        for entry in entries {
            self.0.send(entry.position.offset).ok();
        }
    }
}

#[tokio::test]
async fn the_memory_log_works() {
    let log = Memory::new(Retention::default()).unwrap();
    let (tx, rx) = mpsc::channel();
    assert_eq!(log.follow(Arc::new(Channel(tx))), 0);
    let mut publication = Publication::new(Topic::new("a").unwrap(), "one");
    publication.id = Some("x".into());
    let first = log.append(vec![publication.clone()]).await.unwrap();
    let again = log.append(vec![publication]).await.unwrap();
    assert!(again[0].duplicate && again[0].position == first[0].position);
    assert_eq!(rx.recv().unwrap(), 0);
    assert_eq!(log.find("x".into()).await.unwrap(), Lookup::After(1));
    let limit = ReadLimit { entries: NonZeroUsize::new(10).unwrap(), bytes: 1000 };
    let page = log.read(0, Arc::new(Selection::all()), limit).await.unwrap();
    assert_eq!((page.entries.len(), page.next, page.gap), (1, 1, false));
    log.close().await;
}
