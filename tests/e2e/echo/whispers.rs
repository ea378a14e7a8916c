//! Whispers: to the others of a channel, from those who have it.

use serde_json::{Value, json};

use super::{Application, Driver, Wave, hub, operators, publish};

const ROOM: &str = "presence-room.1";

#[test]
fn others_hear_a_whisper_and_the_sender_does_not() {
    let application = Application::start(Driver::Redis);
    let hub = hub(&application);
    let (mut a, mut b) = (Wave::open(&hub, "ann"), Wave::open(&hub, "bob"));
    a.joins(&hub, ROOM);
    b.joins(&hub, ROOM);
    assert_eq!(a.heard().0, "presence-room.1.join");
    for (data, heard) in [
        (json!({ "at": 1 }), "{\"at\":1}"),
        (json!("x"), "[\"x\"]"),
        (json!(7), "[7]"),
        (json!([1, 2]), "[1,2]"),
        (Value::Null, "[null]"),
    ] {
        assert_eq!(a.whisper(&hub, ROOM, "typing", data).status(), 204);
        assert_eq!(b.heard(), ("presence-room.1.client-typing".to_owned(), heard.to_owned()));
    }
    publish(&hub, ROOM, "end", "1");
    assert_eq!(a.heard().0, "presence-room.1.end");
    // Nor on a replay, in which the sender is another connection.
    a.whisper(&hub, ROOM, "typing", json!(8));
    publish(&hub, ROOM, "end", "2");
    let a = a.again(&hub).again(&hub);
    let mut a = a.again(&hub);
    assert_eq!(a.heard(), ("presence-room.1.end".to_owned(), "2".to_owned()));
}

#[test]
fn only_members_whisper() {
    let application = Application::start(Driver::Redis);
    let hub = hub(&application);
    let (mut a, b) = (Wave::open(&hub, "ann"), Wave::open(&hub, "bob"));
    a.hears(&hub, "private-orders.7");
    for (channel, status) in [("private-orders.7", 403), (ROOM, 403), ("messages", 403)] {
        b.whisper(&hub, channel, "typing", json!({})).problem(status);
    }
    // One that has left is none either.
    b.joins(&hub, ROOM);
    b.post(&hub, "/wave/unsubscribe", &json!({ "channels": [ROOM] }));
    b.whisper(&hub, ROOM, "typing", json!({})).problem(403);
    publish(&hub, "private-orders.7", "end", "1");
    assert_eq!(a.heard().0, "private-orders.7.end");
}

#[test]
fn whispers_are_small_and_few_and_come_from_the_applications_pages() {
    let application = Application::start(Driver::Redis);
    let hub = super::with(&application, "whisper_rate = '3/s'\nwhisper_size = '100B'\n");
    let a = Wave::open(&hub, "ann");
    a.joins(&hub, ROOM);
    let large = a.whisper(&hub, ROOM, "typing", json!("x".repeat(100)));
    assert!(large.problem(413).contains("whisper_size"));
    a.whisper(&hub, ROOM, "a\nb", json!(1)).problem(400);
    a.whisper(&hub, ROOM, "", json!(1)).problem(400);
    let statuses: Vec<_> = (0..20).map(|n| a.whisper(&hub, ROOM, "typing", json!(n)).status()).collect();
    assert!(statuses.contains(&204) && statuses.contains(&429), "{statuses:?}");
    let metrics = operators(&hub, "/metrics");
    for limit in ["whisper_rate", "whisper_size"] {
        let line = metrics.lines().find(|line| line.contains(&format!("limit=\"{limit}\""))).unwrap();
        assert!(!line.ends_with(" 0"), "{line}");
    }
    let forged = [
        ("Cookie", "session=ann"),
        ("Origin", "https://evil.example"),
        ("X-Socket-Id", &*a.socket),
        ("Content-Type", "application/json"),
    ];
    let body = json!({ "channel_name": ROOM, "event_name": "typing", "data": 1 }).to_string();
    let refused = hub.request("POST", "/wave/whisper", &forged, body.as_bytes());
    assert!(refused.problem(400).contains("evil.example"));
}
