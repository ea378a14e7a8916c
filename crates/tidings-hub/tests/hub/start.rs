//! Where a subscription begins, and what its first bytes are.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tidings_hub::{Hub, Pattern, Publication, ReadLimit, Selection, Settings, Start};
use tidings_log::{Memory, Retention, TopicRule};

use crate::support::{
    data, hub, memory, numbers, publication, publish_numbers, read_until, settings, subscription, topic,
};

/// Publishes the end, and returns the data that came before it.
async fn seen(hub: &Hub, names: &[&str], start: Start) -> Vec<String> {
    let mut stream = hub.subscribe(subscription(names, start)).await.unwrap();
    hub.publish(publication(&names[0].replace('*', ""), "end")).await.unwrap();
    let mut seen = data(&read_until(&mut stream, "data: end\n\n").await);
    assert_eq!(seen.pop().as_deref(), Some("end"));
    seen
}

#[tokio::test]
async fn the_first_bytes_are_a_comment_then_the_greeting_then_the_reset() {
    let hub = hub(settings(1));
    let asked = subscription(&["t"], Start::After("nobody-knows".into()));
    let asked = tidings_hub::Subscription { prelude: Bytes::from_static(b"retry: 7\n\n"), ..asked };
    let mut stream = hub.subscribe(asked).await.unwrap();
    hub.publish(publication("t", "end")).await.unwrap();
    let text = read_until(&mut stream, "data: end\n\n").await;
    let reset = "event: tidings.reset\ndata: {\"oldest\":null,\"reason\":\"unknown\"}\n\n";
    assert!(text.starts_with(&format!(":\nretry: 7\n\n{reset}id: ")), "{text}");
    assert_eq!((hub.stats().resets_unknown, hub.stats().resets_expired), (1, 0));
}

#[tokio::test]
async fn every_start_begins_where_it_says() {
    let hub = hub(settings(2));
    publish_numbers(&hub, "t", 0..10).await;
    let own = Publication { id: Some("mine".into()), ..publication("t", "10") };
    let last = hub.publish(own).await.unwrap();
    publish_numbers(&hub, "t", 11..13).await;
    publish_numbers(&hub, "other", 100..105).await;

    let generated = format!("{}-3", last.position.epoch);
    assert_eq!(seen(&hub, &["silent"], Start::Live).await, numbers(0..0));
    assert_eq!(seen(&hub, &["t"], Start::Newest(0)).await, numbers(0..0));
    assert_eq!(seen(&hub, &["t"], Start::After(generated)).await[..9], numbers(4..13));
    assert_eq!(seen(&hub, &["t"], Start::After("mine".into())).await[..2], numbers(11..13));
    assert_eq!(seen(&hub, &["t*"], Start::Earliest).await[..13], numbers(0..13));
    assert_eq!(seen(&hub, &["other"], Start::Newest(2)).await, numbers(103..105));
    let unknown = seen(&hub, &["other"], Start::After("mine?".into())).await;
    assert_eq!(unknown[..6], [vec!["tidings.reset".to_owned()], numbers(100..105)].concat());
}

/// What retention has taken does not come back from the shards' memory of recent events.
#[tokio::test]
async fn what_is_kept_is_what_the_log_keeps() {
    let hub = Hub::start(memory(Some(3)), settings(1)).unwrap();
    publish_numbers(&hub, "t", 0..10).await;
    let epoch = hub.log().status().epoch;
    let mut all = hub.subscribe(subscription(&["t"], Start::Earliest)).await.unwrap();
    assert_eq!(data(&read_until(&mut all, "data: 9\n\n").await), numbers(7..10));
    let expired = Start::After(format!("{epoch}-1"));
    let mut expired = hub.subscribe(subscription(&["t"], expired)).await.unwrap();
    let seen = data(&read_until(&mut expired, "data: 9\n\n").await);
    assert_eq!(seen, ["tidings.reset", "7", "8", "9"]);
    assert_eq!(hub.stats().resets_expired, 1);
}

/// A topic of which only the newest event is kept has holes wherever one looks. They are no news to one who asks for
/// what is kept, on whichever page of the history they are.
#[tokio::test]
async fn holes_that_retention_has_made_are_no_gaps_to_one_who_asks_for_what_is_kept() {
    let rule = TopicRule { pattern: Pattern::new("last.*").unwrap(), events: Some(1), age: None };
    let log = Memory::new(Retention { topics: vec![rule], ..Retention::unlimited() }).unwrap();
    let mut settings = settings(1);
    settings.shard.page_entries = 2.try_into().unwrap();
    let hub = Hub::start(Arc::new(log), settings).unwrap();
    for round in 0..10 {
        publish_numbers(&hub, "last.a", round..round + 1).await;
        publish_numbers(&hub, "all", 100 + round..101 + round).await;
    }
    let kept: Vec<String> = (100..109).chain([9, 109]).map(|number: u64| number.to_string()).collect();
    assert_eq!(seen(&hub, &["all", "last.*"], Start::Earliest).await, kept);
    let unknown = seen(&hub, &["all", "last.*"], Start::After("nobody-knows".into())).await;
    assert_eq!(unknown.iter().filter(|one| *one == "tidings.reset").count(), 1);
    let epoch = hub.log().status().epoch;
    let after = seen(&hub, &["last.a"], Start::After(format!("{epoch}-1"))).await;
    assert_eq!(after.last().map(String::as_str), Some("9"));
}

/// Also when somebody else has just been read what was kept before.
#[tokio::test]
async fn what_a_rule_has_taken_does_not_come_back() {
    let rule = TopicRule { pattern: Pattern::new("last").unwrap(), events: Some(1), age: None };
    let retention = Retention { topics: vec![rule], ..Retention::unlimited() };
    let hub = Hub::start(Arc::new(Memory::new(retention).unwrap()), settings(1)).unwrap();
    for number in 0..20 {
        publish_numbers(&hub, "last", number..number + 1).await;
        let mut stream = hub.subscribe(subscription(&["last"], Start::Earliest)).await.unwrap();
        let end = format!("data: {number}\n\n");
        assert_eq!(data(&read_until(&mut stream, &end).await), numbers(number..number + 1));
    }
}

#[tokio::test]
async fn an_event_of_several_topics_comes_once() {
    let hub = hub(settings(1));
    let both =
        Publication { topics: [topic("a"), topic("b"), topic("a")].into(), ..publication("a", "both") };
    hub.publish(both.clone()).await.unwrap();
    let mut replayed = hub.subscribe(subscription(&["a", "b", "*"], Start::Earliest)).await.unwrap();
    let mut live = hub.subscribe(subscription(&["a", "b", "a*"], Start::Live)).await.unwrap();
    // Once it has its first bytes it is live.
    read_until(&mut live, ":\n").await;
    hub.publish(both).await.unwrap();
    hub.publish(publication("a", "end")).await.unwrap();
    assert_eq!(data(&read_until(&mut replayed, "end\n\n").await), ["both", "both", "end"]);
    assert_eq!(data(&read_until(&mut live, "end\n\n").await), ["both", "end"]);
}

#[tokio::test]
async fn an_event_keeps_all_that_was_published_with_it() {
    let hub = hub(settings(1));
    let published = Publication {
        event: Some("order".into()),
        id: Some("o:7/ü".into()),
        retry: Some(1234),
        private: true,
        ..publication("t", "{\"a\": 1,\n \"b\":2}\n")
    };
    let receipt = hub.publish(published.clone()).await.unwrap();
    assert_eq!((receipt.id.as_str(), receipt.duplicate), ("o:7/ü", false));
    let again = hub.publish(published.clone()).await.unwrap();
    assert_eq!((again.position, again.duplicate), (receipt.position, true));
    assert_eq!((hub.stats().published, hub.stats().duplicates), (1, 1));
    let limit = ReadLimit { entries: 9.try_into().unwrap(), bytes: 1000 };
    let page = hub.log().read(0, Arc::new(Selection::all()), limit).await.unwrap();
    assert_eq!(page.entries[0].publication, published);
    let mut stream = hub.subscribe(subscription(&["t"], Start::Earliest)).await.unwrap();
    let wire = ":\nid: o:7/ü\nevent: order\nretry: 1234\ndata: {\"a\": 1,\ndata:  \"b\":2}\ndata: \n\n";
    assert_eq!(read_until(&mut stream, "data: \n\n").await, wire);
}

/// The heartbeat is for silence: whoever gets events gets no comments between them.
#[tokio::test]
async fn heartbeats_come_in_silence_only() {
    let heartbeat = Duration::from_millis(400);
    let hub = hub(Settings { heartbeat, ..settings(1) });
    let mut stream = hub.subscribe(subscription(&["t"], Start::Live)).await.unwrap();
    // The greeting, then two heartbeats, without a blank line: they dispatch nothing.
    assert_eq!(read_until(&mut stream, "\n:\n:\n").await, ":\nid: earliest\n\n:\n:\n");
    let (mut text, mut number) = (String::new(), 0);
    while number < 60 {
        let begun = std::time::Instant::now();
        publish_numbers(&hub, "t", number..number + 1).await;
        let seen = read_until(&mut stream, &format!("data: {number}\n\n")).await;
        // Before the first there was a silence.
        text = if number == 0 { String::new() } else { text + &seen };
        tokio::time::sleep(Duration::from_millis(20)).await;
        // On a machine that stood still there was one, too: begin again.
        number = if begun.elapsed() > heartbeat / 3 { 0 } else { number + 1 };
    }
    assert!(!text.contains(":\n:") && !text.contains("\n:\n"), "{text}");
    assert!(read_until(&mut stream, ":\n").await.ends_with(":\n"));
}
