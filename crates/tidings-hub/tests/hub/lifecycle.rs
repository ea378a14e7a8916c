//! Beginnings and ends: of subscriptions, of drains, of hubs.

use std::{
    sync::{Arc, atomic::Ordering::SeqCst},
    time::Duration,
};

use bytes::Bytes;
use futures_util::FutureExt as _;
use tidings_hub::{
    EndReason, Hub, Log, Naming, Selection, Settings, Start, SubscribeError, Subscription, come_back,
};

use crate::{
    chaos::{Chaos, ChaosLog},
    support::{
        PATIENCE, data, hub, memory, numbers, publish_numbers, read_to_end, read_until, settings, soon,
        subscription, until,
    },
};

#[tokio::test]
async fn a_drain_tells_everybody_to_come_back_and_accepts_nobody() {
    let hub = hub(Settings { subscriber_bytes: 100, ..settings(3) });
    let mut streams = Vec::new();
    for _ in 0..12 {
        streams.push(hub.subscribe(subscription(&["t"], Start::Live)).await.unwrap());
    }
    // Some are in the midst of an event that does not fit.
    publish_numbers(&hub, "t", 0..20).await;
    assert!(!hub.is_draining());
    hub.drain(Duration::from_millis(1000));
    assert!(hub.is_draining());
    for stream in &mut streams {
        let text = read_to_end(stream).await;
        let (events, retry) = text.rsplit_once("retry: ").unwrap();
        let retry: u64 = retry.strip_suffix("\n\n").unwrap().parse().unwrap();
        assert!((500..=1500).contains(&retry), "{retry}");
        // Whole events and nothing else before it: it resumes behind the last.
        let seen = data(events);
        assert_eq!(seen, numbers(0..seen.len() as u64));
        assert!(events == ":\n" || events.ends_with("\n\n"));
    }
    match hub.subscribe(subscription(&["t"], Start::Earliest)).await {
        Err(SubscribeError::Draining { retry_ms }) => assert!((500..=1500).contains(&retry_ms)),
        other => panic!("{other:?}"),
    }
    publish_numbers(&hub, "t", 20..21).await;
    assert!(hub.stats().ended.contains(&(EndReason::Drained, 12)));
    assert_eq!((hub.stats().subscribers, hub.stats().subscribers_behind), (0, 0));
    assert_eq!(come_back(800, &Naming::Own), ":\nretry: 800\n\n");
    assert_eq!(come_back(800, &Naming::Channel), ":\nevent: general.ping\nretry: 800\ndata: []\n\n");
}

/// Who is told that there is no more has what was acknowledged before.
#[tokio::test]
async fn a_drain_overtakes_nothing_where_nobody_comes_back() {
    for round in 0..30 {
        let hub = hub(Settings { subscriber_bytes: 100, ..settings(2) });
        let farewell = Bytes::from_static(b"data: [end]\n\n");
        let subscription = |start| Subscription { farewell: farewell.clone(), ..subscription(&["t"], start) };
        let mut live = hub.subscribe(subscription(Start::Live)).await.unwrap();
        publish_numbers(&hub, "t", 0..round).await;
        let mut behind = hub.subscribe(subscription(Start::Earliest)).await.unwrap();
        hub.drain(Duration::from_secs(1));
        for stream in [&mut live, &mut behind] {
            let text = read_to_end(stream).await;
            let events = text.strip_suffix("data: [end]\n\n").unwrap();
            assert_eq!(data(events), numbers(0..round), "{text}");
        }
    }
}

/// Until its turn comes, a stream goes on.
#[tokio::test]
async fn a_paced_drain_ends_streams_one_after_the_other() {
    // Room for all that is sent: nobody reads before the end.
    let hub = hub(Settings { subscriber_bytes: 64 << 20, ..settings(2) });
    let mut streams = Vec::new();
    for _ in 0..60 {
        streams.push(hub.subscribe(subscription(&["t"], Start::Live)).await.unwrap());
    }
    hub.drain_over(Duration::from_secs(3600), Duration::ZERO);
    assert!(hub.subscribe(subscription(&["t"], Start::Live)).await.is_err());
    let mut published = 0;
    while hub.stats().subscribers > 0 {
        publish_numbers(&hub, "t", published..published + 1).await;
        published += 1;
        tokio::task::yield_now().await;
    }
    let mut seen = Vec::new();
    for stream in &mut streams {
        let events = data(&read_to_end(stream).await);
        assert_eq!(events, numbers(0..events.len() as u64));
        seen.push(events.len());
    }
    seen.sort_unstable();
    seen.dedup();
    assert!(seen.len() > 5, "{seen:?} of {published} events, and then the end");
}

#[tokio::test]
async fn settings_are_exchanged_while_somebody_listens() {
    let hub = hub(Settings { heartbeat: Duration::from_secs(3600), max_subscribers: 1, ..settings(2) });
    let mut stream = hub.subscribe(subscription(&["t"], Start::Live)).await.unwrap();
    assert_eq!(hub.subscribe(subscription(&["t"], Start::Live)).await.unwrap_err(), SubscribeError::Full);
    hub.set(Settings { heartbeat: Duration::from_millis(20), max_subscribers: 2, ..settings(9) });
    assert_eq!(hub.settings().shards.get(), 2);
    let text = read_until(&mut stream, ":\n:\n").await;
    assert!(text.starts_with(":\n"), "{text}");
    hub.subscribe(subscription(&["t"], Start::Live)).await.unwrap();
}

#[tokio::test]
async fn the_longest_drain_is_no_overflow() {
    for window in [Duration::MAX, Duration::from_millis(u64::MAX)] {
        let hub = hub(settings(1));
        let mut stream = hub.subscribe(subscription(&["t"], Start::Live)).await.unwrap();
        hub.drain(window);
        assert!(read_to_end(&mut stream).await.contains("retry: "));
        assert!(hub.subscribe(subscription(&["t"], Start::Live)).await.is_err());
    }
}

/// The future of `subscribe` may be dropped wherever it stands.
#[tokio::test]
async fn an_abandoned_subscribe_leaves_nothing() {
    let delay = Duration::from_millis(5);
    let log: Arc<dyn Log> = Arc::new(ChaosLog::new(memory(None), Chaos { delay, ..Chaos::default() }, 1));
    let hub = Hub::start(log, settings(2)).unwrap();
    publish_numbers(&hub, "t", 0..3).await;
    let starts = [Start::Live, Start::Earliest, Start::Newest(2), Start::After("x".into())];
    for round in 0..40 {
        for start in &starts {
            let subscribing = hub.subscribe(subscription(&["t", "u"], start.clone()));
            match round {
                0 => drop(subscribing),
                1 => drop(subscribing.now_or_never()),
                _ => drop(tokio::time::timeout(Duration::from_micros(round * 200), subscribing).await),
            }
        }
    }
    until("nobody is left", || hub.stats().subscribers == 0).await;
    assert_eq!(hub.stats().subscribers_behind, 0);
    let topics = hub.topics(Selection::all(), None, 9).await.unwrap();
    assert_eq!(
        topics.iter().map(|one| (one.topic.as_str(), one.subscribers)).collect::<Vec<_>>(),
        [("t", 0)]
    );
}

/// When the log cannot be read on, the stream ends with the time to come back, and nothing is lost on the way.
#[tokio::test]
async fn a_failed_read_ends_the_stream_and_loses_nothing() {
    let log = ChaosLog::new(memory(None), Chaos { failures: 300, ..Chaos::default() }, 2);
    let failed = log.failed.clone();
    let mut settings = Settings { page_bytes: 10, ..settings(1) };
    settings.shard.recent_events = 0;
    let hub = Hub::start(Arc::new(log), settings).unwrap();
    publish_numbers(&hub, "t", 0..100).await;
    let (mut start, mut seen, mut ends) = (Start::Earliest, Vec::new(), 0);
    while seen.len() < 100 {
        let Ok(mut stream) = hub.subscribe(subscription(&["t"], start.clone())).await else { continue };
        let mut text = String::new();
        while !text.ends_with("data: 99\n\n") {
            match soon("more", stream.next()).await {
                Some(bytes) => text += std::str::from_utf8(&bytes).unwrap(),
                None => break,
            }
        }
        seen.extend(data(&text));
        if let Some(id) = text.rsplit_once("id: ") {
            start = Start::After(id.1.lines().next().unwrap().to_owned());
        }
        if seen.len() < 100 {
            assert!(text.ends_with("retry: 5000\n\n"), "{text}");
            ends += 1;
        }
    }
    assert_eq!(seen, numbers(0..100));
    assert!(failed.load(SeqCst) > 0 && ends > 0);
    until("counted", || hub.stats().subscribers == 0).await;
    assert!(hub.stats().ended.contains(&(EndReason::LogFailed, ends)), "{:?}", hub.stats());
}

#[tokio::test]
async fn a_hub_over_the_same_log_goes_on_where_the_last_one_was() {
    let log = memory(None);
    let old = Hub::start(log.clone(), settings(1)).unwrap();
    publish_numbers(&old, "t", 0..5).await;
    let mut stream = old.subscribe(subscription(&["t"], Start::Earliest)).await.unwrap();
    let text = read_until(&mut stream, "data: 4\n\n").await;
    drop(old);
    assert_eq!(soon("the end", stream.next()).await, None);
    let new = Hub::start(log, settings(2)).unwrap();
    publish_numbers(&new, "t", 5..9).await;
    let id = text.rsplit_once("id: ").unwrap().1.lines().next().unwrap();
    let mut stream = new.subscribe(subscription(&["t"], Start::After(id.into()))).await.unwrap();
    assert_eq!(data(&read_until(&mut stream, "data: 8\n\n").await), numbers(5..9));
}

/// The last clone of a hub takes its threads with it, and what is published to the log afterwards is not held for it.
#[tokio::test]
async fn a_dropped_hub_ends_its_threads_and_streams() {
    let log = memory(None);
    let hub = Hub::start(log.clone(), settings(2)).unwrap();
    let mut streams = Vec::new();
    for _ in 0..4 {
        let mut stream = hub.subscribe(subscription(&["t"], Start::Live)).await.unwrap();
        read_until(&mut stream, "\n\n").await;
        streams.push(stream);
    }
    // The log is held by the test, by the hub and by each of its threads.
    let clone = hub.clone();
    drop(hub);
    assert!(Arc::strong_count(&log) > 1);
    drop(clone);
    for stream in &mut streams {
        assert_eq!(read_to_end(stream).await, "");
    }
    until("the threads let go of the log", || Arc::strong_count(&log) == 1).await;
    log.append(vec![crate::support::publication("t", "nobody hears it")]).await.unwrap();
    drop(streams);
}

/// A runtime that has gone leaves no stream hanging that waits for a page, and a crowd of them is no trouble either.
#[test]
fn without_its_runtime_a_hub_ends_the_streams_that_need_the_log() {
    const CROWD: u64 = 5000;
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let other = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let hub = runtime.block_on(async {
        let mut settings = settings(1);
        settings.shard.recent_events = 0;
        let hub = hub(settings);
        publish_numbers(&hub, "t", 0..CROWD).await;
        hub
    });
    runtime.shutdown_timeout(PATIENCE);
    other.block_on(async {
        let epoch = hub.log().status().epoch;
        let mut streams = Vec::new();
        // Each wants another page.
        for offset in 0..CROWD - 1 {
            let start = Start::After(format!("{epoch}-{offset}"));
            streams.push(hub.subscribe(subscription(&["t"], start)).await.unwrap());
        }
        for mut stream in streams {
            assert_eq!(read_to_end(&mut stream).await, ":\nretry: 5000\n\n");
        }
    });
}
