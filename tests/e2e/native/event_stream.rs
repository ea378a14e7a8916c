//! Streams for clients that listen for events of one type, take certain data for the end, and any lost connection for an
//! error: `useEventStream` of Laravel's npm packages.

use rustix::process::Signal;
use tidings_stream::Item;

use crate::support::{Hub, Listener, item};

const FOR_THEM: &str = "topic=answers&event=update&end=%3C/stream%3E";

#[test]
fn all_events_have_the_type_that_is_asked_for() {
    let hub = Hub::start();
    let mut updates = hub.listen(FOR_THEM);
    let mut plain = hub.listen("topic=answers");
    let first = hub.publish("answers", "Hello");
    let second = hub.request("POST", "/topics/answers?event=word", &[], b"big\nworld").receipt();
    let id = |receipt: &serde_json::Value| receipt["id"].as_str().unwrap().to_owned();
    for (receipt, event, data) in [(&first, "message", "Hello"), (&second, "word", "big\nworld")] {
        assert_eq!(Item::Event(updates.event()), item(&id(receipt), "update", data));
        assert_eq!(Item::Event(plain.event()), item(&id(receipt), event, data));
    }
    // What is replayed, too.
    for query in ["last=2", "last_event_id=earliest"] {
        let mut replay = hub.listen(&format!("{FOR_THEM}&{query}"));
        let types: Vec<_> = (0..2).map(|_| replay.event().event).collect();
        assert_eq!(types, ["update", "update"], "{query}");
    }
}

#[test]
fn what_the_hub_says_itself_keeps_its_name() {
    let hub = Hub::start();
    hub.publish("answers", "x");
    let mut unknown = Listener::open(hub.address, FOR_THEM, "never-heard-of").unwrap();
    let types: Vec<_> = (0..2).map(|_| unknown.event().event).collect();
    assert_eq!(types, ["tidings.reset", "update"]);
}

#[test]
fn a_hub_that_stops_says_that_the_stream_is_over() {
    let mut hub = Hub::start();
    let listeners = [
        hub.listen(FOR_THEM),
        hub.listen("topic=answers&end=done"),
        hub.listen("topic=answers&event=update"),
        hub.listen("topic=answers"),
    ];
    let id = hub.publish("answers", "Hello")["id"].as_str().unwrap().to_owned();
    let listeners = listeners.map(|mut listener| {
        assert_eq!(listener.event().data, "Hello");
        listener
    });
    hub.signal(Signal::TERM);
    // Their last items. The signal has no id: who does come back is sent what was missed.
    let [end, unnamed, fixed, plain] = listeners.map(|listener| listener.rest().pop().unwrap());
    assert!(hub.ended().success());
    assert_eq!(end, item(&id, "update", "</stream>"));
    assert_eq!(unnamed, item(&id, "message", "done"));
    assert!(matches!((fixed, plain), (Item::Retry(_), Item::Retry(_))));
}

#[test]
fn a_stream_with_an_end_is_not_ended_for_its_age() {
    let hub = Hub::configured("[stream]\nlifetime = '1s'");
    let mut updates = hub.listen(FOR_THEM);
    let plain = hub.listen("topic=answers&event=update");
    plain.rest();
    // The others of that age would be over.
    hub.listen("topic=answers").rest();
    hub.publish("answers", "still there");
    assert_eq!(updates.event().data, "still there");
}

#[test]
fn the_end_of_rights_is_said_as_the_client_knows_it() {
    let secret = "backend-secret-0123456789";
    let hub = Hub::configured(&format!(
        "[auth]\nexpiry_notice = '0s'\n[[keys]]\nname = 'backend'\nsecret = '{secret}'\nadmin = true\n\
         publish = ['*']\nsubscribe = ['*']\n[[keys]]\nname = 'reader'\nsecret = '{secret}-2'\nsubscribe = ['*']"
    ));
    let bearer = format!("Bearer {secret}-2");
    let mut connection = hub.connect();
    let headers = [("Authorization", bearer.as_str())];
    connection.send_request("GET", &format!("/events?{FOR_THEM}"), &headers, b"").unwrap();
    let listener = Listener::read(connection).unwrap();
    let bearer = format!("Bearer {secret}");
    let revoked =
        hub.request("POST", "/admin/revoke", &[("Authorization", &bearer)], br#"{"token":"key:reader"}"#);
    assert_eq!(revoked.status(), 204, "{}", revoked.text());
    let events = listener.rest().into_iter().filter_map(|item| match item {
        Item::Event(event) => Some((event.event, event.data)),
        _ => None,
    });
    assert_eq!(
        events.collect::<Vec<_>>(),
        [
            ("tidings.close".to_owned(), r#"{"reason":"revoked"}"#.to_owned()),
            ("update".to_owned(), "</stream>".to_owned()),
        ]
    );
}

#[test]
fn a_type_or_an_end_that_cannot_be_sent_is_refused_in_words() {
    let hub = Hub::start();
    let long = "x".repeat(256);
    for (query, says) in [
        ("event=", "event: it is empty"),
        ("event=a%0Aid:%207", "event: "),
        ("event=tidings.reset", "the hub's own"),
        (&format!("event={long}"), "256 bytes"),
        ("end=", "end: it is empty"),
        ("end=a%0D%0A%0D%0Ab", "end: it has more than one line"),
        (&format!("end={long}"), "256 bytes"),
    ] {
        let problem = hub.get(&format!("/events?topic=a&{query}")).problem(400);
        assert!(problem.contains(says), "{query}: {problem}");
    }
}
