//! 2, "Delivery": as in 1.0 (1.5), with topic selectors and `mercure.subscribe`.

use super::{
    client::{Client, hub},
    token::{v0, v0_all},
};

const EVENTS: [(&[&str], bool, &str); 6] = [
    (&["/a/1"], false, "public a"),
    (&["/b/1"], false, "public b"),
    (&["/a/1"], true, "private a"),
    (&["/b/1"], true, "private b"),
    (&["/a/1", "/b/1"], true, "private a and b"),
    (&["/c/1"], true, "private c"),
];

// 2 Delivery: one of its topics is asked for, and it is public or one of its topics is granted. Live and replayed alike.
#[test]
fn an_event_goes_to_who_asks_for_it_and_may_see_it() {
    let cases: [(&str, &[&str], &[&str]); 7] = [
        ("/a/{x}", &[], &["public a"]),
        ("/a/{x}", &["/a/{x}"], &["public a", "private a", "private a and b"]),
        ("/a/{x}", &["/b/1"], &["public a", "private a and b"]),
        ("/a/1", &["*"], &["public a", "private a", "private a and b"]),
        ("/b/1", &["/c/{x}"], &["public b"]),
        (
            "*",
            &["/{x}/1"],
            &["public a", "public b", "private a", "private b", "private a and b", "private c"],
        ),
        ("*", &["/c/1"], &["public a", "public b", "private c"]),
    ];
    let end = "urn:example:the-end";
    let hub = hub();
    let publisher = Client::with(&hub, &v0_all());
    let subscribe = |asked: &str, granted: &[&str], cursor: &[(&str, &str)]| {
        let fields = [&[("topic", asked), ("topic", end)], cursor].concat();
        Client::with(&hub, &v0(&[], granted)).listen(&fields)
    };
    let mut live: Vec<_> = cases.iter().map(|(asked, granted, _)| subscribe(asked, granted, &[])).collect();
    for (topics, private, data) in EVENTS {
        let mut fields: Vec<_> = topics.iter().map(|topic| ("topic", *topic)).collect();
        fields.push(("data", data));
        fields.extend(private.then_some(("private", "on")));
        publisher.published(&fields);
    }
    publisher.published(&[("topic", end), ("data", end)]);
    for (listener, (asked, granted, expected)) in live.iter_mut().zip(cases) {
        let mut replayed = subscribe(asked, granted, &[("lastEventID", "earliest")]);
        for listener in [listener, &mut replayed] {
            assert_eq!(listener.data(expected.len()), expected, "{asked}, granted {granted:?}");
            assert_eq!(listener.event().data, end, "{asked}, granted {granted:?}");
        }
    }
}

// 2 Delivery: an event of several topics comes once.
#[test]
fn an_event_of_several_topics_comes_once() {
    let hub = hub();
    let client = Client::with(&hub, &v0_all());
    let mut listener = client.listen(&[("topic", "a"), ("topic", "b"), ("topic", "{x}")]);
    client.published(&[("topic", "a"), ("topic", "b"), ("data", "1")]);
    client.published(&[("topic", "b"), ("data", "2")]);
    assert_eq!(listener.data(2), ["1", "2"]);
}
