//! The log on disk in a real directory.

#![allow(clippy::unwrap_used, reason = "tests unwrap")]

mod common;

use std::{fs, sync::Arc};

use common::{limit, publication, read_all, selection};
use tidings_hub::{Log, Lookup};
use tidings_log::{Disk, DiskSettings, Durability, OpenError};

#[tokio::test]
async fn a_second_open_is_refused_and_says_who_has_it() {
    let dir = tempfile::tempdir().unwrap();
    let log = Disk::open(DiskSettings::new(dir.path())).unwrap();
    let error = Disk::open(DiskSettings::new(dir.path())).unwrap_err();
    assert!(matches!(error, OpenError::InUse { pid: Some(pid), .. } if pid == std::process::id()));
    let text = error.to_string();
    assert!(text.contains("another tidings process uses") && text.contains("(pid "), "{text}");
    // Closing gives it free, also while the closed log is still held to be read.
    log.append(vec![publication("a", "x", None)]).await.unwrap();
    log.close().await;
    let again = Disk::open(DiskSettings::new(dir.path())).unwrap();
    assert_eq!(read_all(&again, 0, selection(&["a"])).await.len(), 1);
    assert_eq!(read_all(&log, 0, selection(&["a"])).await.len(), 1);
}

#[tokio::test]
async fn a_log_that_was_dropped_without_closing_goes_on_where_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let mut epoch = None;
    for round in 0..3_u64 {
        let log = Disk::open(DiskSettings::new(dir.path().join("made/on/the/way"))).unwrap();
        assert_eq!(log.report().entries, round);
        assert_eq!(*epoch.get_or_insert(log.status().epoch), log.status().epoch);
        let waiting = log.append(vec![publication("a", "x", Some(&format!("id{round}")))]);
        drop(log);
        assert_eq!(waiting.await.unwrap()[0].position.offset, round);
    }
}

#[tokio::test]
async fn a_log_without_full_durability_begins_an_epoch_unless_it_was_closed() {
    let dir = tempfile::tempdir().unwrap();
    let settings = DiskSettings { durability: Durability::None, ..DiskSettings::new(dir.path()) };
    let log = Disk::open(settings.clone()).unwrap();
    let first = log.append(vec![publication("a", "x", None)]).await.unwrap()[0].position;
    log.close().await;
    drop(log);
    let log = Disk::open(settings.clone()).unwrap();
    assert_eq!(log.status().epoch, first.epoch, "it was closed");
    drop(log);
    // As a crash leaves it.
    fs::write(dir.path().join("unsynced"), "").unwrap();
    let log = Disk::open(DiskSettings { durability: Durability::Always, ..settings }).unwrap();
    assert!(log.report().new_epoch && log.status().epoch != first.epoch);
    assert_eq!(log.find(first.to_string()).await.unwrap(), Lookup::After(1), "what is left resolves");
    let lost = tidings_hub::Position { offset: 1, ..first };
    log.append(vec![publication("a", "y", None)]).await.unwrap();
    assert_eq!(
        log.find(lost.to_string()).await.unwrap(),
        Lookup::Unknown,
        "the same offset in the older life"
    );
    let entries = read_all(&log, 0, selection(&["*"])).await;
    assert_eq!((entries[0].position, entries[1].position.epoch), (first, log.status().epoch));
    assert!(!dir.path().join("unsynced").exists());
}

#[tokio::test]
async fn many_publishers_and_readers_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let settings =
        DiskSettings { segment_bytes: Some(20_000), cache_bytes: 2000, ..DiskSettings::new(dir.path()) };
    let log: Arc<dyn Log> = Arc::new(Disk::open(settings).unwrap());
    let publishers = (0..8).map(|number| {
        let log = log.clone();
        tokio::spawn(async move {
            for n in 0..100 {
                let one = publication(&format!("t{number}"), &n.to_string(), Some(&format!("{number}/{n}")));
                log.append(vec![one]).await.unwrap();
            }
        })
    });
    let publishers: Vec<_> = publishers.collect();
    let reader = {
        let log = log.clone();
        tokio::spawn(async move {
            let mut at = 0;
            while at < 800 {
                let page = log.read(at, selection(&["*"]), limit(50, 100_000)).await.unwrap();
                for entry in &page.entries {
                    assert_eq!(entry.position.offset, at);
                    at += 1;
                }
                assert_eq!(page.next, at);
                tokio::task::yield_now().await;
            }
        })
    };
    for task in publishers {
        task.await.unwrap();
    }
    reader.await.unwrap();
    for number in 0..8 {
        let of_one = read_all(&*log, 0, selection(&[&format!("t{number}")])).await;
        let data: Vec<_> = of_one.iter().map(|entry| entry.publication.data.clone()).collect();
        assert_eq!(data, (0..100).map(|n| n.to_string()).collect::<Vec<_>>());
    }
}
