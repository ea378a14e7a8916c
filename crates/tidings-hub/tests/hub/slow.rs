//! A subscriber is a cursor and a socket: who is slow owns no queue, and is read forward from the log in bounded memory.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tidings_hub::{EndReason, Hub, Settings, Start};

use crate::{
    chaos::{Chaos, ChaosLog},
    support::{
        data, hub, memory, numbers, publication, publish_numbers, read_to_end, read_until, settings, soon,
        subscription, until,
    },
    transport::Transport,
};

/// Limits so small that a few events fill them.
fn small(shards: usize) -> Settings {
    let mut settings = Settings { subscriber_bytes: 500, page_bytes: 400, ..settings(shards) };
    settings.shard.recent_events = 4;
    settings
}

/// Waits until the hub has come to rest with everybody it serves where it can get no further.
async fn delivered_stands_still(hub: &Hub) -> u64 {
    let (mut last, mut same) = (hub.stats(), 0);
    until("the hub rests", || {
        let now = hub.stats();
        same = if now == last { same + 1 } else { 0 };
        last = now;
        same > 50
    })
    .await;
    last.delivered_bytes
}

/// Whatever is published, a subscriber who does not read holds what fits its connection, a page and an event.
#[tokio::test]
async fn one_who_does_not_read_holds_a_page_and_not_the_history() {
    for start in [Start::Live, Start::Earliest] {
        let settings = small(1);
        let hub = hub(settings.clone());
        publish_numbers(&hub, "t", 0..100).await;
        let mut stream = hub.subscribe(subscription(&["t"], start.clone())).await.unwrap();
        for round in 1..20 {
            publish_numbers(&hub, "t", 100 * round..100 * (round + 1)).await;
        }
        // What was delivered is in the stream or with the subscriber; nothing has been read.
        let held = delivered_stands_still(&hub).await;
        // A page of numbers is `page_bytes` of data at most, and each has an id and the fields' names around it.
        let (entry, page) = (45, hub.settings().page_bytes as u64);
        assert!(held <= settings.subscriber_bytes as u64 + page * entry + entry, "{start:?} holds {held}");
        assert_eq!(hub.stats().subscribers_behind, 1);
        let all = data(&read_until(&mut stream, "data: 1999\n\n").await);
        let first = if start == Start::Live { 100 } else { 0 };
        assert_eq!(all, numbers(first..2000));
        until("up to date", || hub.stats().subscribers_behind == 0).await;
        // From here on it is sent what comes, without another read.
        let reads = hub.stats().replay_reads;
        assert!(reads > 0);
        publish_numbers(&hub, "t", 2000..2001).await;
        read_until(&mut stream, "data: 2000\n\n").await;
        assert_eq!(hub.stats().replay_reads, reads);
    }
}

/// The page that is held is bounded in data, whatever the number of events in it.
#[tokio::test]
async fn a_page_holds_one_large_event_alone() {
    let hub = hub(small(1));
    let mut stream = hub.subscribe(subscription(&["t"], Start::Live)).await.unwrap();
    let large = Bytes::from("x".repeat(100_000));
    for _ in 0..10 {
        hub.publish(publication("t", large.clone())).await.unwrap();
    }
    let held = delivered_stands_still(&hub).await;
    assert!(held < 101_000, "holds {held}");
    hub.publish(publication("t", "end")).await.unwrap();
    let all = data(&read_until(&mut stream, "data: end\n\n").await);
    assert_eq!(all.len(), 11);
    assert!(all[..10].iter().all(|one| *one == large));
}

/// One who is slow costs the others nothing, and gets the same.
#[tokio::test]
async fn the_slow_do_not_hold_up_the_quick() {
    let hub = hub(small(1));
    let mut slow = hub.subscribe(subscription(&["t"], Start::Live)).await.unwrap();
    let mut quick = hub.subscribe(subscription(&["t"], Start::Live)).await.unwrap();
    for number in 0..200 {
        publish_numbers(&hub, "t", number..number + 1).await;
        assert!(read_until(&mut quick, &format!("data: {number}\n\n")).await.len() < 100);
    }
    assert_eq!(data(&read_until(&mut slow, "data: 199\n\n").await), numbers(0..200));
}

/// Overtaken by retention: the stream says so once, and goes on with what is left.
#[tokio::test]
async fn one_who_is_overtaken_is_told_once() {
    for start in [Start::Live, Start::Earliest, Start::Newest(5)] {
        let hub = Hub::start(memory(Some(50)), small(1)).unwrap();
        let mut stream = hub.subscribe(subscription(&["t"], start.clone())).await.unwrap();
        // Once it has its first bytes it is there, and what comes is for it.
        read_until(&mut stream, ":\n").await;
        for number in 0..1000 {
            publish_numbers(&hub, "t", number..number + 1).await;
        }
        let all = data(&read_until(&mut stream, "data: 999\n\n").await);
        let reset = all.iter().position(|one| one == "tidings.reset").unwrap();
        assert_eq!(all[..reset], numbers(0..reset as u64), "{start:?}");
        assert_eq!(all[reset + 1..], numbers(950..1000), "{start:?}");
        assert_eq!(hub.stats().resets_expired, 1);
    }
}

/// What is published once `subscribe` has returned is delivered or reported as gone, also when retention takes it before
/// the first page has been read; what had gone before is not reported to one who asked for what is kept.
#[tokio::test]
async fn what_is_lost_before_the_first_page_is_reported() {
    let chaos = Chaos { delay: Duration::from_millis(5), ..Chaos::default() };
    let hub = Hub::start(Arc::new(ChaosLog::new(memory(Some(10)), chaos, 3)), small(1)).unwrap();
    let (mut next, mut lost) = (20, 0);
    publish_numbers(&hub, "t", 0..next).await;
    for _ in 0..30 {
        let mut stream = hub.subscribe(subscription(&["t"], Start::Earliest)).await.unwrap();
        let published_since = next;
        next += 30;
        publish_numbers(&hub, "t", published_since..next).await;
        let all = data(&read_until(&mut stream, &format!("data: {}\n\n", next - 1)).await);
        let resets: Vec<_> = all.iter().filter(|one| *one == "tidings.reset").collect();
        let first: u64 = all.iter().find_map(|one| one.parse().ok()).unwrap();
        if first > published_since {
            assert_eq!((all[0].as_str(), resets.len()), ("tidings.reset", 1));
            lost += 1;
        } else {
            assert_ne!(all[0], "tidings.reset");
        }
    }
    assert!(lost > 0);
}

#[tokio::test]
async fn one_who_takes_nothing_is_ended_and_counted() {
    let hub = hub(Settings { stall: Duration::from_millis(200), ..small(1) });
    let mut stream = hub.subscribe(subscription(&["t"], Start::Live)).await.unwrap();
    // In silence nobody stalls: this one must read to the end of the world, however slowly.
    let _silent = hub.subscribe(subscription(&["silent"], Start::Live)).await.unwrap();
    // However long it had nothing to take, and however rare the heartbeats are.
    tokio::time::sleep(Duration::from_millis(500)).await;
    publish_numbers(&hub, "t", 0..100).await;
    until("stalled", || hub.stats().ended.contains(&(EndReason::Stalled, 1))).await;
    assert_eq!((hub.stats().subscribers, hub.stats().subscribers_behind), (1, 0));
    // What it had been given is still there, and it can resume.
    let text = read_to_end(&mut stream).await;
    let seen = text.rfind("\n\n").map_or(":\n", |end| &text[..end + 2]);
    let next = data(seen).len() as u64;
    let id = seen.rsplit("id: ").next().unwrap().lines().next().unwrap();
    let mut stream = hub.subscribe(subscription(&["t"], Start::After(id.into()))).await.unwrap();
    assert_eq!(data(&read_until(&mut stream, "data: 99\n\n").await), numbers(next..100));
}

/// The least limits there are: everything a byte at a time, and no memory of anything.
#[tokio::test]
async fn the_least_limits_still_deliver() {
    let mut settings = Settings { subscriber_bytes: 0, page_bytes: 0, ..settings(1) };
    (settings.shard.recent_events, settings.shard.recent_bytes, settings.shard.inbox_bytes) = (0, 0, 0);
    let hub = hub(settings);
    publish_numbers(&hub, "t", 0..5).await;
    let mut stream = hub.subscribe(subscription(&["t"], Start::Earliest)).await.unwrap();
    publish_numbers(&hub, "t", 5..10).await;
    assert_eq!(data(&read_until(&mut stream, "data: 9\n\n").await), numbers(0..10));
}

/// A shard that is so far behind that its mail is left out reads the log, and everybody still gets all, once.
#[tokio::test]
async fn mail_that_was_left_out_is_read_from_the_log() {
    let mut settings = settings(2);
    settings.shard.inbox_bytes = 1;
    let hub = hub(settings);
    let mut streams = Vec::new();
    for names in [&["t"][..], &["t"], &["*"], &["t", "u"]] {
        streams.push(hub.subscribe(subscription(names, Start::Live)).await.unwrap());
    }
    publish_numbers(&hub, "t", 0..100).await;
    publish_numbers(&hub, "t", 100..200).await;
    for stream in &mut streams {
        assert_eq!(data(&read_until(stream, "data: 199\n\n").await), numbers(0..200));
    }
    // A read at least for each thing that was asked for.
    assert!(hub.stats().replay_reads >= 3);
}

/// A crowd that comes back at once, each at its own place: all get all, and the log is read about once.
#[tokio::test]
async fn a_crowd_is_read_the_same_pages() {
    let mut settings = settings(2);
    settings.shard.page_entries = std::num::NonZeroUsize::new(100).unwrap();
    settings.shard.recent_events = 0;
    let hub = hub(settings);
    publish_numbers(&hub, "t", 0..2000).await;
    let epoch = hub.log().status().epoch;
    let mut crowd = Vec::new();
    for number in 0..80_u64 {
        let transport = Transport::ALL[number as usize % Transport::ALL.len()];
        let asked = subscription(&["t"], Start::After(format!("{epoch}-{}", number % 20)));
        crowd.push((number % 20, transport.subscribe(&hub, asked).await.unwrap()));
    }
    let read = crowd.into_iter().map(|(last, mut stream)| async move {
        let mut text = Vec::new();
        while !text.ends_with(b"data: 1999\n\n") {
            text.extend(soon("more", stream.next()).await.unwrap());
        }
        assert_eq!(data(&String::from_utf8(text).unwrap()), numbers(last + 1..2000));
    });
    futures_util::future::join_all(read).await;
    // Twenty pages, and some for those who asked before the first of them was there.
    let reads = hub.stats().replay_reads;
    assert!((20..100).contains(&reads), "{reads}");
}
