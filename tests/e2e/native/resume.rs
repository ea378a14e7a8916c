//! Where a subscription begins: cursors in their spellings, `earliest`, `last=N`, and what is said when history is gone.

use serde_json::{Value, json};
use tidings_stream::{Event, Item};

use crate::support::{Hub, Listener, wait_for, wait_until};

/// Publishes these data to the topic `a`; answers the ids.
fn publish(hub: &Hub, data: impl IntoIterator<Item = u32>) -> Vec<String> {
    let publish = |data: u32| hub.publish("a", data.to_string())["id"].as_str().unwrap().to_owned();
    data.into_iter().map(publish).collect()
}

fn reset(event: &Event) -> Value {
    assert_eq!(event.event, "tidings.reset");
    serde_json::from_str(&event.data).unwrap()
}

#[test]
fn a_cursor_has_five_spellings_and_a_header_wins() {
    let hub = Hub::start();
    let ids = publish(&hub, 0..4);
    for name in ["last_event_id", "lastEventId", "lastEventID", "Last-Event-ID"] {
        assert_eq!(hub.listen(&format!("topic=a&{name}={}", ids[1])).data(2), ["2", "3"], "{name}");
    }
    let with_header = |query: &str, header: &str| Listener::open(hub.address, query, header).unwrap();
    assert_eq!(with_header("topic=a", &ids[2]).data(1), ["3"]);
    let old_url = format!("topic=a&last_event_id={}", ids[0]);
    assert_eq!(with_header(&old_url, &ids[2]).data(1), ["3"]);
    assert_eq!(with_header("topic=a&last=3", &ids[2]).data(1), ["3"]);
    // An empty header is none, as browsers have it.
    let mut connection = hub.connect();
    connection.send_request("GET", &format!("/events?{old_url}"), &[("Last-Event-ID", "")], b"").unwrap();
    assert_eq!(Listener::read(connection).unwrap().data(3), ["1", "2", "3"]);
}

#[test]
fn earliest_is_all_that_is_kept_and_last_the_newest_of_these_topics() {
    let hub = Hub::start();
    publish(&hub, 0..3);
    for data in 100..110 {
        hub.publish("b", data.to_string());
    }
    publish(&hub, 3..6);
    assert_eq!(hub.listen("topic=a&last_event_id=earliest").data(6), ["0", "1", "2", "3", "4", "5"]);
    assert_eq!(Listener::open(hub.address, "topic=a", "earliest").unwrap().data(1), ["0"]);
    assert_eq!(hub.listen("topic=a&last=4").data(4), ["2", "3", "4", "5"]);
    assert_eq!(hub.listen("pattern=*&last=4").data(4), ["109", "3", "4", "5"]);
    assert_eq!(hub.listen("topic=a&last=100").data(6).len(), 6);
    for query in ["topic=a&last=0", "topic=a", "topic=a&last_event_id=", "topic=nothing&last=5"] {
        let mut listener = hub.listen(query);
        hub.publish("a", "new");
        hub.publish("nothing", "new");
        assert_eq!(listener.event().data, "new", "{query}");
    }
}

/// All topics have one order, so any event is a place in it for every subscription.
#[test]
fn a_cursor_is_good_for_other_topics_than_its_own() {
    let hub = Hub::start();
    publish(&hub, 0..2);
    let cursor = hub.publish("b", "b")["id"].as_str().unwrap().to_owned();
    publish(&hub, 2..4);
    assert_eq!(Listener::open(hub.address, "topic=a", &cursor).unwrap().data(2), ["2", "3"]);
}

#[test]
fn an_unknown_cursor_is_said_and_then_all_that_is_kept_follows() {
    let hub = Hub::start();
    // Also where nothing is kept.
    let event = Listener::open(hub.address, "topic=a", "gone").unwrap().event();
    assert_eq!(reset(&event), json!({ "reason": "unknown", "oldest": null }));
    let ids = publish(&hub, 0..3);
    let (epoch, _) = ids[0].split_once('-').unwrap();
    for cursor in ["never-published", "0000000000000-1", &format!("{epoch}-99"), "latest", "你好", "a b"] {
        let mut listener = Listener::open(hub.address, "topic=a", cursor).unwrap();
        let event = listener.event();
        assert_eq!(reset(&event), json!({ "reason": "unknown", "oldest": ids[0] }), "{cursor}");
        assert_eq!(event.id, "", "a control event must not move the cursor");
        assert_eq!(listener.data(3), ["0", "1", "2"], "{cursor}");
        hub.publish("b", "not asked for");
    }
    assert!(hub.metric("tidings_resets_total{reason=\"unknown\"}") >= 7.0);
}

#[test]
fn an_expired_cursor_is_said_and_then_all_that_is_kept_follows() {
    let hub = Hub::configured("[history]\nevents = 1000");
    let first = publish(&hub, 0..1).remove(0);
    let line = |n: u32| format!("{{\"topic\":\"a\",\"data\":{n}}}\n");
    let ndjson = [("Content-Type", "application/x-ndjson")];
    let mut newest = 0;
    // Whole segments are let go, so it takes some more than are kept.
    wait_until("the first event is let go", || {
        let body: String = (newest + 1..=newest + 500).map(line).collect();
        hub.request("POST", "/publish", &ndjson, body.as_bytes()).receipts();
        newest += 500;
        let oldest = hub.listen("topic=a&last_event_id=earliest").event();
        oldest.data != "0"
    });
    let (mut listener, oldest) = wait_for("history is not being let go at this moment", || {
        let mut listener = Listener::open(hub.address, "topic=a", &first).unwrap();
        let reset = reset(&listener.event());
        assert_eq!(reset["reason"], "expired");
        let oldest = listener.event();
        // What it names as the oldest may be gone when it comes to be read.
        (reset["oldest"] == oldest.id).then_some((listener, oldest))
    });
    let from: u32 = oldest.data.parse().unwrap();
    assert!(from > 1);
    let expected: Vec<String> = (from + 1..=newest).map(|n| n.to_string()).collect();
    assert_eq!(listener.data(expected.len()), expected);
    assert!(hub.metric("tidings_resets_total{reason=\"expired\"}") >= 1.0);
    // It is live now, and its place is good.
    hub.publish("a", "live");
    assert_eq!(listener.event().data, "live");
}

/// A reader so slow that what it has yet to read is let go is told, and then gets all that is kept.
#[test]
fn who_is_overtaken_by_the_end_of_the_history_is_told() {
    const EVENTS: usize = 600;
    let hub = Hub::configured("[history]\nbytes = '2MiB'");
    let mut slow = hub.listen("topic=a");
    let mut publisher = hub.connect();
    let data = |number: usize| format!("{number} {}", "x".repeat(20_000));
    for number in 0..EVENTS {
        publisher.request("POST", "/topics/a", &[], data(number).as_bytes()).unwrap().receipt();
    }
    let number = |event: &Event| event.data.split(' ').next().unwrap().parse::<usize>().unwrap();
    let mut next = 0;
    let mut resets = 0;
    while next < EVENTS {
        let event = slow.event();
        if event.event == "tidings.reset" {
            let reset = reset(&event);
            assert_eq!(reset["reason"], "expired");
            resets += 1;
            assert!(reset["oldest"].is_string(), "{reset}");
            let oldest = slow.event();
            assert!(number(&oldest) > next, "nothing was missing: {}", number(&oldest));
            next = number(&oldest) + 1;
        } else {
            assert!(event.data == data(next), "{} came in place of {next}", number(&event));
            next += 1;
        }
    }
    assert!(resets > 0, "it was not overtaken");
    hub.publish("a", "live");
    assert_eq!(slow.event().data, "live");
}

/// The seam between replay and live: whoever resumes while it is being published misses nothing and gets nothing twice.
#[test]
fn resuming_in_the_middle_of_publishing_has_no_seam() {
    const EVENTS: u32 = 600;
    const SUBSCRIBERS: usize = 12;
    let hub = Hub::start();
    let first = publish(&hub, 0..1).remove(0);
    let expected: Vec<String> = (1..EVENTS).map(|n| n.to_string()).collect();
    std::thread::scope(|scope| {
        let subscribers: Vec<_> = (0..SUBSCRIBERS)
            .map(|number| {
                let (hub, first, count) = (&hub, &first, expected.len());
                scope.spawn(move || {
                    let begin = number as u32 * EVENTS / SUBSCRIBERS as u32;
                    wait_until("its turn", || hub.stats()["published"].as_u64() > Some(begin.into()));
                    let mut cursor = first.clone();
                    let mut seen = Vec::new();
                    while seen.len() < count {
                        let mut listener = Listener::open(hub.address, "topic=a", &cursor).unwrap();
                        // Some events a connection, so that it comes back at many places.
                        for _ in 0..(count - seen.len()).min(50) {
                            let event = listener.event();
                            cursor = event.id;
                            seen.push(event.data);
                        }
                    }
                    seen
                })
            })
            .collect();
        publish(&hub, 1..EVENTS);
        for subscriber in subscribers {
            assert_eq!(subscriber.join().unwrap(), expected);
        }
    });
}

/// Its stream has begun with a cursor, so that it is told what came while it was away, though it had no event yet.
#[test]
fn who_loses_the_connection_before_the_first_event_misses_nothing() {
    let hub = Hub::start();
    let cursor_of = |listener: &mut Listener| loop {
        match listener.next().unwrap() {
            Some(Item::LastId(id)) => break id,
            other => assert!(matches!(other, Some(Item::Comment(_))), "{other:?}"),
        }
    };
    for (round, query) in ["topic=quiet", "topic=quiet&last=5", "topic=quiet"].into_iter().enumerate() {
        let topic = format!("quiet{round}");
        let query = query.replace("quiet", &topic);
        let cursor = cursor_of(&mut hub.listen(&query));
        hub.publish("other", "x");
        hub.publish(&topic, "missed");
        assert_eq!(Listener::open(hub.address, &query, &cursor).unwrap().event().data, "missed");
    }
    // It says a place, not the id of an event that the subscriber may not know.
    hub.request("POST", "/topics/other?id=secret", &[], b"x").receipt();
    assert!(!cursor_of(&mut hub.listen("topic=a")).contains("secret"));
}
