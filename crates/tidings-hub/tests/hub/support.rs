//! What all tests use: short ways to make things, and waiting on conditions.

use std::{future::Future, num::NonZeroUsize, sync::Arc, time::Duration};

use bytes::Bytes;
use tidings_hub::{
    Hub, Log, Pattern, Publication, Selection, Selector, Settings, Start, Subscriber, Subscription, Topic,
};
use tidings_log::{Memory, Retention};

/// Nothing that a test waits for takes nearly as long, on the slowest machine; a test that waits longer hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn topic(name: &str) -> Topic {
    Topic::new(name).unwrap()
}

/// A selection of topics; those with a `*` are patterns.
pub(crate) fn selection(names: &[&str]) -> Selection {
    let selector = |name: &&str| match name.contains('*') {
        true => Selector::Pattern(Pattern::new(name).unwrap()),
        false => Selector::Exact(topic(name)),
    };
    names.iter().map(selector).collect()
}

pub(crate) fn publication(name: &str, data: impl Into<Bytes>) -> Publication {
    Publication::new(topic(name), data)
}

pub(crate) fn subscription(names: &[&str], start: Start) -> Subscription {
    Subscription::new(selection(names), start)
}

/// Settings with this many shards, and nothing that happens by itself within a test.
pub(crate) fn settings(shards: usize) -> Settings {
    let shards = NonZeroUsize::new(shards).unwrap();
    Settings { shards, heartbeat: 10 * PATIENCE, stall: 10 * PATIENCE, ..Settings::default() }
}

pub(crate) fn memory(events: Option<u64>) -> Arc<dyn Log> {
    Arc::new(Memory::new(Retention { events, ..Retention::unlimited() }).unwrap())
}

/// A hub over a log in memory that forgets nothing.
pub(crate) fn hub(settings: Settings) -> Hub {
    Hub::start(memory(None), settings).unwrap()
}

/// Publishes `0`, `1`, … to the topic.
pub(crate) async fn publish_numbers(hub: &Hub, name: &str, numbers: std::ops::Range<u64>) {
    let batch = numbers.map(|number| publication(name, number.to_string())).collect();
    hub.publish_all(batch).await.unwrap();
}

/// Waits for the future, not for ever.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("waited in vain: {what}"),
    }
}

/// Waits until the condition holds.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    soon(what, async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

/// Reads until the stream has ended with these bytes, and returns all there were.
pub(crate) async fn read_until(stream: &mut Subscriber, end: &str) -> String {
    let mut text = Vec::new();
    while !text.ends_with(end.as_bytes()) {
        let so_far = String::from_utf8_lossy(&text).into_owned();
        match soon(&format!("{end:?} behind {so_far:?}"), stream.next()).await {
            Some(bytes) => text.extend_from_slice(&bytes),
            None => panic!("the stream ended before {end:?}: {so_far:?}"),
        }
    }
    String::from_utf8(text).unwrap()
}

/// Reads to the end of the stream.
pub(crate) async fn read_to_end(stream: &mut Subscriber) -> String {
    let mut text = Vec::new();
    while let Some(bytes) = soon("the end of the stream", stream.next()).await {
        text.extend_from_slice(&bytes);
    }
    String::from_utf8(text).unwrap()
}

/// The data of the events in a stream, control events by their type.
pub(crate) fn data(stream: &str) -> Vec<String> {
    use tidings_stream::{Decoder, Item};
    let (mut decoder, mut input) = (Decoder::new(), stream.as_bytes());
    let items = std::iter::from_fn(|| decoder.decode(&mut input).map(Result::unwrap));
    items
        .filter_map(|item| match item {
            Item::Event(event) if event.event.starts_with("tidings.") => Some(event.event),
            Item::Event(event) => Some(event.data),
            _ => None,
        })
        .collect()
}

pub(crate) fn numbers(range: std::ops::Range<u64>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}
