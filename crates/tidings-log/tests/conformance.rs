//! What the hub's `Log` contract says, asked of every engine.

#![allow(clippy::unwrap_used, reason = "tests unwrap")]

mod common;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use common::{Engine, Passing, Rig, limit, publication, read_all, selection, topic};
use tidings_hub::{AppendError, Entry, Follower, Lookup, Position, Publication};
use tidings_log::Retention;
use tokio::sync::mpsc::unbounded_channel;

/// Runs each case for each engine.
macro_rules! cases {
    ($($case:ident),* $(,)?) => {
        cases!(@ memory, Engine::Memory, $($case),*);
        cases!(@ disk, Engine::Disk, $($case),*);
        cases!(@ small_disk, Engine::SmallDisk, $($case),*);
        cases!(@ relaxed_disk, Engine::RelaxedDisk, $($case),*);
    };
    (@ $name:ident, $engine:expr, $($case:ident),*) => {
        mod $name {
            use super::*;
            $(#[tokio::test]
            async fn $case() {
                super::$case(Rig::new($engine, Retention::unlimited())).await;
            })*
        }
    };
}

cases!(
    offsets_count_from_zero_and_everything_comes_back,
    an_id_is_accepted_once,
    a_batch_is_one_run_of_offsets,
    the_follower_gets_everything_once_in_order,
    nothing_is_told_before_it_is_readable,
    an_event_of_several_topics_is_read_once,
    a_page_keeps_its_limits,
    ids_are_found,
    the_newest_are_found_across_segments,
    topics_are_listed_by_name,
    a_closed_log_refuses,
    a_dropped_answer_does_not_take_the_event_back,
    an_empty_selection_and_a_cursor_from_the_future_read_nothing,
);

async fn offsets_count_from_zero_and_everything_comes_back(mut rig: Rig) {
    let mut sent = Vec::new();
    for number in 0..200_u64 {
        let full = Publication {
            topics: Box::new([topic(format!("t{}", number % 7)), topic("all")]),
            data: format!("data\n{number}").into(),
            event: (number % 3 == 0).then(|| "kind".into()),
            id: (number % 5 == 0).then(|| format!("id{number}").into()),
            retry: (number % 4 == 0).then_some(number),
            private: number % 2 == 0,
            socket: (number % 6 == 0).then(|| format!("1.{number}").into()),
        };
        let answer = rig.log().append(vec![full.clone()]).await.unwrap();
        assert_eq!((answer[0].position.offset, answer[0].duplicate), (number, false));
        sent.push(full);
    }
    for _ in 0..2 {
        let entries = read_all(&**rig.log(), 0, selection(&["*"])).await;
        let read: Vec<_> = entries.iter().map(|entry| entry.publication.clone()).collect();
        assert_eq!(read, sent);
        assert!(entries.iter().enumerate().all(|(n, entry)| entry.position.offset == n as u64));
        assert_eq!(read_all(&**rig.log(), 0, selection(&["t3"])).await.len(), 28 + 1);
        assert_eq!(read_all(&**rig.log(), 100, selection(&["t*", "t3"])).await.len(), 100);
        let status = rig.log().status();
        assert_eq!((status.oldest, status.next, status.trouble), (0, 200, None));
        assert_eq!((status.oldest_id.as_deref(), status.last_id), (Some("id0"), Some(entries[199].id())));
        if !rig.reopen().await {
            break;
        }
    }
}

async fn an_id_is_accepted_once(mut rig: Rig) {
    let log = rig.log().clone();
    let batch = |data: &str| vec![publication("a", data, Some("x")), publication("a", data, None)];
    let first = log.append(batch("one")).await.unwrap();
    // Within a batch, across batches on their way together, and later.
    let double = log.append(vec![publication("b", "d", Some("y")), publication("b", "d", Some("y"))]);
    let (second, double) = (log.append(batch("two")), double.await.unwrap());
    let second = second.await.unwrap();
    assert_eq!(second[0].position, first[0].position);
    assert!(second[0].duplicate && !second[1].duplicate && double[1].duplicate);
    assert_eq!(double[0].position, double[1].position);
    drop(log);
    rig.reopen().await;
    let log = rig.log();
    let third = log.append(batch("three")).await.unwrap();
    assert!(third[0].duplicate);
    assert_eq!(third[0].position, first[0].position);
    assert_eq!(read_all(&**log, 0, selection(&["*"])).await.len(), 5);
}

async fn a_batch_is_one_run_of_offsets(rig: Rig) {
    let answers: Vec<_> = (0..50)
        .map(|n| {
            let size = n % 5 + 1;
            rig.log().append((0..size).map(|_| publication("a", &format!("{n}"), None)).collect())
        })
        .collect();
    let mut next = 0;
    for answer in answers {
        for appended in answer.await.unwrap() {
            assert_eq!(appended.position.offset, next);
            next += 1;
        }
    }
}

async fn the_follower_gets_everything_once_in_order(rig: Rig) {
    let log = rig.log();
    log.append(vec![publication("a", "before", None)]).await.unwrap();
    let (tx, mut rx) = unbounded_channel();
    let from = log.follow(Arc::new(Passing(tx)));
    let answers: Vec<_> =
        (0..100).map(|n| log.append(vec![publication("a", &n.to_string(), None)])).collect();
    for answer in answers {
        answer.await.unwrap();
    }
    // What was committed before the call may still be on its way to the follower, but nothing is left out.
    assert!(from <= 1);
    for offset in from..101 {
        assert_eq!(rx.recv().await.unwrap().position.offset, offset);
    }
    let (tx, mut second) = unbounded_channel();
    let from = log.follow(Arc::new(Passing(tx)));
    log.append(vec![publication("a", "last", None)]).await.unwrap();
    assert_eq!(second.recv().await.unwrap().position.offset, from);
    assert!(rx.recv().await.is_none());
}

async fn nothing_is_told_before_it_is_readable(rig: Rig) {
    let log = rig.log();
    let (tx, mut rx) = unbounded_channel();
    log.follow(Arc::new(Passing(tx)));
    for _ in 0..50 {
        let answer = log.append(vec![publication("a", "x", None)]);
        let told = rx.recv().await.unwrap();
        let page = log.read(told.position.offset, selection(&["a"]), limit(1, 100)).await.unwrap();
        assert_eq!(page.entries, vec![told]);
        answer.await.unwrap();
    }
}

async fn an_event_of_several_topics_is_read_once(rig: Rig) {
    let topics = ["a", "b", "a", "c"].map(topic);
    let event = Publication { topics: topics.into(), ..Publication::new(topic("a"), "x") };
    rig.log().append(vec![event.clone(), publication("b", "y", None), event]).await.unwrap();
    for (names, expected) in
        [(&["a"][..], 2), (&["a", "b", "c"], 3), (&["*"], 3), (&["a*", "c"], 2), (&["d"], 0)]
    {
        assert_eq!(read_all(&**rig.log(), 0, selection(names)).await.len(), expected, "{names:?}");
    }
    let topics = rig.log().topics(selection(&["*"]), None, 10).await.unwrap();
    assert_eq!(topics.iter().map(|summary| summary.events).collect::<Vec<_>>(), [2, 3, 2]);
}

async fn a_page_keeps_its_limits(rig: Rig) {
    let log = rig.log();
    for size in [10, 500, 10, 10, 10] {
        log.append(vec![publication("a", &"x".repeat(size), None)]).await.unwrap();
    }
    for names in [&["a"][..], &["*"], &["a*"], &["a", "b"]] {
        let page = log.read(0, selection(names), limit(2, 10_000)).await.unwrap();
        assert_eq!((page.entries.len(), page.next, page.gap), (2, 2, false));
        let large = log.read(1, selection(names), limit(9, 100)).await.unwrap();
        assert_eq!((large.entries.len(), large.next), (1, 2), "a large entry comes alone");
    }
    let page = log.read(0, selection(&["other"]), limit(2, 100)).await.unwrap();
    assert_eq!((page.entries.len(), page.next), (0, 5));
}

async fn ids_are_found(mut rig: Rig) {
    let first = rig
        .log()
        .append(vec![publication("a", "x", Some("mine")), publication("a", "y", None)])
        .await
        .unwrap();
    for number in 0..100 {
        rig.log().append(vec![publication("b", "fill", Some(&format!("id-{number}")))]).await.unwrap();
    }
    for _ in 0..2 {
        let log = rig.log();
        let find = async |id: &str| log.find(id.to_owned()).await.unwrap();
        assert_eq!(find("mine").await, Lookup::After(1));
        assert_eq!(find("id-42").await, Lookup::After(45));
        assert_eq!(find(&first[1].position.to_string()).await, Lookup::After(2));
        let epoch = first[0].position.epoch;
        for unknown in [
            "other".to_owned(),
            String::new(),
            Position { epoch, offset: 102 }.to_string(),
            Position { epoch: tidings_hub::Epoch::random(), offset: 0 }.to_string(),
        ] {
            assert_eq!(find(&unknown).await, Lookup::Unknown, "{unknown}");
        }
        if !rig.reopen().await {
            break;
        }
    }
}

async fn the_newest_are_found_across_segments(rig: Rig) {
    let log = rig.log();
    assert_eq!(log.newest(selection(&["*"]), 5).await.unwrap(), 0);
    for number in 0..300 {
        let name = if number % 100 == 7 { "rare" } else { "common" };
        log.append(vec![publication(name, "some data", None)]).await.unwrap();
    }
    for (names, count, expected) in [
        (&["rare"][..], 1, 207),
        (&["rare"], 2, 107),
        (&["rare"], 9, 7),
        (&["ra*"], 2, 107),
        (&["rare", "other"], 3, 7),
        (&["*"], 10, 290),
        (&["*"], 1000, 0),
        (&["other"], 1, 300),
        (&["rare"], 0, 300),
    ] {
        assert_eq!(log.newest(selection(names), count).await.unwrap(), expected, "{names:?} {count}");
    }
}

async fn topics_are_listed_by_name(rig: Rig) {
    let log = rig.log();
    for number in 0..60 {
        let id = (number >= 55).then(|| format!("own-{number}"));
        log.append(vec![publication(&format!("t{}", number % 6), "x", id.as_deref())]).await.unwrap();
    }
    let all = log.topics(selection(&["*"]), None, 100).await.unwrap();
    let names: Vec<_> = all.iter().map(|summary| summary.topic.as_str()).collect();
    assert_eq!(names, ["t0", "t1", "t2", "t3", "t4", "t5"]);
    assert!(all.iter().all(|summary| summary.events == 10));
    assert_eq!(all[5].last_id, "own-59");
    assert_eq!(all[0].last_id, Position { epoch: log.status().epoch, offset: 54 }.to_string());
    let some = log.topics(selection(&["t1", "t3", "t5"]), Some(topic("t1")), 1).await.unwrap();
    assert_eq!(some, all[3..4]);
    assert!(log.topics(selection(&["t*"]), Some(topic("t5")), 9).await.unwrap().is_empty());
}

async fn a_closed_log_refuses(rig: Rig) {
    let log = rig.log();
    let waiting: Vec<_> = (0..20).map(|_| log.append(vec![publication("a", "x", None)])).collect();
    log.close().await;
    for answer in waiting {
        answer.await.unwrap();
    }
    assert_eq!(log.append(vec![publication("a", "x", None)]).await, Err(AppendError::Closed));
    log.close().await;
    assert_eq!(read_all(&**log, 0, selection(&["a"])).await.len(), 20);
}

async fn a_dropped_answer_does_not_take_the_event_back(rig: Rig) {
    drop(rig.log().append(vec![publication("a", "x", None)]));
    rig.log().append(vec![publication("a", "y", None)]).await.unwrap();
    assert_eq!(read_all(&**rig.log(), 0, selection(&["a"])).await.len(), 2);
}

async fn an_empty_selection_and_a_cursor_from_the_future_read_nothing(rig: Rig) {
    let log = rig.log();
    log.append(vec![publication("a", "x", None)]).await.unwrap();
    for (from, names) in [(0, &[][..]), (1, &["a"]), (99, &["*"]), (u64::MAX, &["a*"])] {
        let page = log.read(from, selection(names), limit(9, 99)).await.unwrap();
        assert_eq!((page.entries.len(), page.next, page.gap), (0, 1, false), "{from} {names:?}");
    }
}

/// A bound for what happens by itself within a tick or two.
const SOON: Duration = Duration::from_secs(30);

/// Old events go by themselves, also when nothing is published.
#[tokio::test]
async fn age_needs_no_traffic() {
    for engine in [Engine::Memory, Engine::Disk, Engine::SmallDisk] {
        let rig =
            Rig::new(engine, Retention { age: Some(Duration::from_secs(60)), ..Retention::unlimited() });
        let first = rig.log().append(vec![publication("a", "x", Some("own"))]).await.unwrap();
        rig.clock.advance(Duration::from_secs(61));
        tokio::time::timeout(SOON, async {
            while rig.log().status().oldest == 0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await
        .unwrap();
        let status = rig.log().status();
        assert_eq!(
            (status.oldest, status.next, status.oldest_id, status.last_id),
            (1, 1, None, None),
            "{engine:?}"
        );
        // Its place is known, and nothing behind it is gone.
        assert_eq!(rig.log().find(first[0].position.to_string()).await.unwrap(), Lookup::After(1));
        assert_eq!(rig.log().find("own".into()).await.unwrap(), Lookup::Unknown);
        assert!(rig.log().read(0, selection(&["a"]), limit(1, 1)).await.unwrap().gap);
        let again = rig.log().append(vec![publication("a", "x", Some("own"))]).await.unwrap();
        assert!(!again[0].duplicate && again[0].position.offset == 1);
    }
}

/// A follower that breaks takes the writer with it; that is said, not hidden.
#[tokio::test]
async fn a_follower_that_panics_stops_the_log_and_readiness_tells() {
    struct Broken;
    impl Follower for Broken {
        fn committed(&self, _: &[Arc<Entry>], _: Instant) {
            panic!("a follower that breaks, for the test");
        }
    }
    for engine in [Engine::Memory, Engine::Disk] {
        let rig = Rig::new(engine, Retention::unlimited());
        rig.log().follow(Arc::new(Broken));
        rig.log().append(vec![publication("a", "x", None)]).await.unwrap();
        tokio::time::timeout(SOON, async {
            while rig.log().status().trouble.is_none() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await
        .unwrap();
        let refused = rig.log().append(vec![publication("a", "x", None)]).await;
        assert!(matches!(refused, Err(AppendError::Stopped(_))));
        assert_eq!(read_all(&**rig.log(), 0, selection(&["a"])).await.len(), 1);
        rig.log().close().await;
    }
}
