//! Every limit is answered, and what is counted goes back to where it was.

use tidings_hub::{
    AppendError, Hub, InvalidPublication, Lengths, Publication, PublishError, Selection, Selector, Settings,
    Start, SubscribeError, Subscription, UriTemplate, UrlBase, UrlPattern,
};

use crate::support::{
    data, hub, publication, publish_numbers, read_until, selection, settings, subscription, topic, until,
};

async fn nobody_is_left(hub: &Hub) {
    until("everybody has left", || hub.stats().subscribers == 0).await;
    let stats = hub.stats();
    assert_eq!(stats.subscribers_behind, 0);
    assert_eq!(stats.subscribed, stats.ended.iter().map(|(_, count)| count).sum::<u64>());
    let topics = hub.topics(Selection::all(), None, usize::MAX).await.unwrap();
    assert!(topics.iter().all(|topic| topic.subscribers == 0), "{topics:?}");
}

#[tokio::test]
async fn a_full_hub_says_so_and_has_room_again() {
    let hub = hub(Settings { max_subscribers: 2, ..settings(2) });
    let first = hub.subscribe(subscription(&["t"], Start::Live)).await.unwrap();
    let _second = hub.subscribe(subscription(&["t"], Start::Live)).await.unwrap();
    let third = hub.subscribe(subscription(&["t"], Start::Live)).await;
    assert_eq!(third.err(), Some(SubscribeError::Full));
    drop(first);
    until("room", || hub.stats().subscribers == 1).await;
    hub.subscribe(subscription(&["t"], Start::Live)).await.unwrap();
}

#[tokio::test]
async fn a_subscription_asks_for_something_and_not_for_too_much() {
    let hub = hub(Settings { max_selectors: 3, ..settings(1) });
    let nothing = hub.subscribe(subscription(&[], Start::Live)).await;
    assert_eq!(nothing.err(), Some(SubscribeError::Empty));
    let four = hub.subscribe(subscription(&["a", "b", "c*", "d*"], Start::Live)).await;
    assert_eq!(four.err(), Some(SubscribeError::TooManySelectors { asked: 4, limit: 3 }));
    hub.subscribe(subscription(&["a", "b", "b", "c*"], Start::Live)).await.unwrap();
    nobody_is_left(&hub).await;
}

#[tokio::test]
async fn patterns_and_lengths_can_be_limited_further() {
    let lengths = Lengths { topic: 5, event: 2, id: 3 };
    let hub = hub(Settings { max_patterns: 1, lengths, ..settings(1) });
    let two = hub.subscribe(subscription(&["a", "b*", "c*"], Start::Live)).await;
    assert_eq!(two.err(), Some(SubscribeError::TooManyPatterns { asked: 2, limit: 1 }));
    let fits = Publication { id: Some("123".into()), event: Some("ev".into()), ..publication("topic", "x") };
    hub.publish(fits.clone()).await.unwrap();
    for (bad, what) in [
        (publication("topics", "x"), "topic"),
        (Publication { event: Some("eve".into()), ..fits.clone() }, "event"),
        (Publication { id: Some("1234".into()), ..fits }, "id"),
    ] {
        let refused = hub.publish(bad).await.unwrap_err().to_string();
        assert!(refused.contains(&format!("limits.{what}_length")), "{refused}");
    }
    // The hub writes there what others named.
    hub.publish(publication("tidings/echo/1.2", "x")).await.unwrap();
    let stats = hub.stats();
    assert!(stats.refused_lengths.iter().all(|(_, count)| *count == 1));
    assert_eq!(stats.refused_patterns, 1);
}

#[tokio::test]
async fn a_batch_with_one_bad_publication_is_refused_whole() {
    let hub = hub(settings(1));
    let bad = Publication { id: Some("".into()), ..publication("t", "bad") };
    let refused = hub.publish_all(vec![publication("t", "good"), bad]).await;
    assert_eq!(refused, Err(PublishError::Invalid { index: 1, reason: InvalidPublication::EmptyId }));
    assert_eq!((hub.log().status().next, hub.stats().published), (0, 0));
    assert_eq!(hub.publish_all(Vec::new()).await, Ok(Vec::new()));
    hub.log().close().await;
    let closed = hub.publish(publication("t", "late")).await;
    assert_eq!(closed, Err(PublishError::Log(AppendError::Closed)));
}

#[tokio::test]
async fn the_topics_that_are_alive_are_counted() {
    let hub = hub(settings(3));
    publish_numbers(&hub, "heard", 0..3).await;
    publish_numbers(&hub, "kept", 0..1).await;
    let mut streams = Vec::new();
    for names in [&["heard"][..], &["heard", "silent"], &["h*"], &["*"], &["heard"]] {
        streams.push(hub.subscribe(subscription(names, Start::Live)).await.unwrap());
    }
    let topics = hub.topics(Selection::all(), None, 10).await.unwrap();
    let counts =
        topics.iter().map(|one| (one.topic.as_str(), one.subscribers, one.events, one.last_id.is_some()));
    let counts: Vec<_> = counts.collect();
    assert_eq!(counts, [("heard", 5, 3, true), ("kept", 1, 1, true), ("silent", 2, 0, false)]);
    let some = hub.topics(selection(&["*t"]), Some(topic("heard")), 1).await.unwrap();
    assert_eq!(some.iter().map(|one| one.topic.as_str()).collect::<Vec<_>>(), ["kept"]);
    drop(streams);
    nobody_is_left(&hub).await;
    assert_eq!(hub.topics(Selection::all(), None, 10).await.unwrap().len(), 2);
}

/// Every one of a crowd gets the event, and the crowd leaves nothing behind.
#[tokio::test]
async fn ten_thousand_get_one_event() {
    const CROWD: u64 = 10_000;
    let hub = hub(settings(2));
    let mut streams = Vec::new();
    for _ in 0..CROWD {
        streams.push(hub.subscribe(subscription(&["t"], Start::Live)).await.unwrap());
    }
    assert_eq!(hub.topics(Selection::all(), None, 1).await.unwrap()[0].subscribers, CROWD);
    hub.publish(publication("t", "hello")).await.unwrap();
    for stream in &mut streams {
        assert_eq!(data(&read_until(stream, "hello\n\n").await), ["hello"]);
    }
    until("counted", || hub.stats().delivered == CROWD).await;
    assert_eq!(hub.stats().subscribers_behind, 0);
    drop(streams);
    nobody_is_left(&hub).await;
}

#[tokio::test]
async fn the_same_selection_in_any_order_is_one() {
    let hub = hub(settings(1));
    let one = Subscription { selection: selection(&["a", "b*"]), ..subscription(&["a"], Start::Live) };
    let other = Subscription { selection: selection(&["b*", "a", "a"]), ..subscription(&["a"], Start::Live) };
    let mut streams = [hub.subscribe(one).await.unwrap(), hub.subscribe(other).await.unwrap()];
    hub.publish(publication("bb", "x")).await.unwrap();
    for stream in &mut streams {
        assert_eq!(data(&read_until(stream, "x\n\n").await), ["x"]);
    }
}

/// Selectors cost what they match with: many that are simple are fine, and a few that are not are too much together.
#[tokio::test]
async fn selectors_that_cost_too_much_together_are_refused() {
    let hub = hub(settings(1));
    let of = |selectors: Vec<Selector>| Subscription::new(selectors.into_iter().collect(), Start::Live);
    let simple = (0..500).map(|number| {
        Selector::Template(UriTemplate::new(format!("https://example.com/users/{number}/{{x}}")).unwrap())
    });
    drop(hub.subscribe(of(simple.collect())).await.unwrap());
    let base = UrlBase::default();
    let costly = (0..100).map(|number| {
        let text = format!("https://example.com/({}q{number})", ".?".repeat(200));
        Selector::Url(UrlPattern::new(text, &base).unwrap())
    });
    let refused = hub.subscribe(of(costly.collect())).await;
    assert_eq!(refused.map(drop), Err(SubscribeError::TooComplex));
    assert_eq!(hub.stats().refused_selectors, 1);
}
