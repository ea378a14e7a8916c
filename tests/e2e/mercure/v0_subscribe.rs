//! 2, "Subscribe": subscribing in 0.x.

use super::{
    client::{Client, PATH, configured, form, hub, selected},
    token::{v0, v0_all},
};
use crate::support::Listener;

/// What 0.x answers about the cursor.
fn answered(listener: &Listener) -> Option<&str> {
    assert_eq!(listener.head.header("mercure-last-event-id"), None, "the header of 1.0");
    listener.head.header("last-event-id")
}

// 2 Subscribe: GET with `topic`, which may repeat.
#[test]
fn topics_are_subscribed_to() {
    let hub = hub();
    let client = Client::with(&hub, &v0_all());
    let subscription = [("topic", "a"), ("topic", "/b/{id}"), ("topic", "a")];
    assert_eq!(selected(&client, &subscription, &["a", "/b/1", "c"]), ["a", "/b/1"]);
    // `+` is a space, and other parameters are nobody's.
    let mut listener = client.subscribe_raw("GET", "topic=a+b&_=1&Topic=c", b"").unwrap();
    client.published(&[("topic", "a b"), ("data", "x")]);
    assert_eq!(listener.event().data, "x");
}

// 2 Subscribe: HEAD, too.
#[test]
fn head_has_the_headers_and_no_stream() {
    let hub = hub();
    let client = Client::with(&hub, &v0_all());
    let answer = client.request("HEAD", &format!("{PATH}?topic=a"), b"");
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    assert_eq!(Client::of(&hub).request("HEAD", &format!("{PATH}?topic=a"), b"").status(), 401);
}

// 2 Subscribe: 1 to 1000 topics.
#[test]
fn a_thousand_topics_are_subscribed_to() {
    let hub = hub();
    let client = Client::with(&hub, &v0_all());
    let topics: Vec<String> = (0..=1000).map(|number| format!("t{number}")).collect();
    let fields: Vec<_> = topics.iter().map(|topic| ("topic", topic.as_str())).collect();
    let mut listener = client.listen(&fields[..1000]);
    for topic in ["t0", "t1000", "t999"] {
        client.published(&[("topic", topic), ("data", topic)]);
    }
    assert_eq!(listener.data(2), ["t0", "t999"]);
    let answer = client.refused(&fields);
    assert_eq!(answer.status(), 400);
    let text = answer.text().replace("\\\"", "\"");
    assert!(text.contains("Too many \"topic\" parameters."), "{text}");
}

// 2 Subscribe: the token is checked first; bad, or none where nobody is anonymous → 401 `Unauthorized`.
#[test]
fn who_has_no_good_token_is_unauthorized() {
    let closed = hub();
    let open = configured("", "[anonymous]\nsubscribe = ['*']");
    let bad = v0_all().replace('.', "x.");
    let refused = [Client::of(&closed), Client::with(&closed, &bad), Client::with(&open, &bad)];
    for client in refused {
        let answer = client.refused(&[("topic", "a")]);
        assert_eq!(answer.status(), 401);
        assert!(answer.text().starts_with("Unauthorized"), "{}", answer.text());
    }
    let mut listener = Client::of(&open).listen(&[("topic", "a")]);
    Client::with(&open, &v0_all()).published(&[("topic", "a"), ("data", "x")]);
    assert_eq!(listener.event().data, "x");
}

// 2 Subscribe: then no topic → 400 `Missing "topic" parameter.`. On a hub of 0.x alone: without any parameter nothing
// tells the dialect.
#[test]
fn a_subscription_without_a_topic_is_refused() {
    let hub = configured("dialects = ['0.x']", "");
    let answer = Client::with(&hub, &v0_all()).refused(&[("lastEventID", "x")]);
    assert_eq!(answer.status(), 400);
    let text = answer.text().replace("\\\"", "\"");
    assert!(text.contains("Missing \"topic\" parameter."), "{text}");
    assert_eq!(Client::of(&hub).refused(&[]).status(), 401);
}

// 2 Subscribe: the cursor is in the header `Last-Event-ID`, else in `lastEventID`; the answer has `Last-Event-ID` when
// it is not empty.
#[test]
fn a_cursor_is_answered_in_the_header_of_0_x() {
    let hub = hub();
    let client = Client::with(&hub, &v0_all());
    let ids = ["1", "2", "3"].map(|data| client.published(&[("topic", "a"), ("data", data)]));
    let by_header = client.clone().header("Last-Event-ID", ids[0].as_str()).listen(&[("topic", "a")]);
    for mut listener in [by_header, client.listen(&[("topic", "a"), ("lastEventID", &ids[0])])] {
        assert_eq!(answered(&listener), Some(ids[0].as_str()));
        assert_eq!(listener.data(2), ["2", "3"]);
    }
    let both = client.clone().header("Last-Event-ID", ids[1].as_str());
    let listener = both.listen(&[("topic", "a"), ("lastEventID", &ids[0])]);
    assert_eq!(answered(&listener), Some(ids[1].as_str()));
    for fields in [&[("topic", "a")][..], &[("topic", "a"), ("lastEventID", "")]] {
        assert_eq!(answered(&client.listen(fields)), None, "{fields:?}");
    }
}

// 2 Subscribe, "Polyfill trap": every spelling of the parameter.
#[test]
fn every_spelling_of_the_parameter_is_understood() {
    let hub = hub();
    let client = Client::with(&hub, &v0_all());
    let ids = ["1", "2"].map(|data| client.published(&[("topic", "a"), ("data", data)]));
    for name in ["lastEventID", "lastEventId", "last_event_id", "Last-Event-ID"] {
        let mut listener = client.listen(&[("topic", "a"), (name, &ids[0])]);
        assert_eq!(answered(&listener), Some(ids[0].as_str()), "{name}");
        assert_eq!(listener.event().data, "2");
    }
}

// 2 Subscribe: `earliest` is everything, and so is a cursor that nobody knows (the reference answered it with nothing, or
// with the newest id that it had walked past).
#[test]
fn earliest_and_unknown_cursors_are_everything() {
    let hub = hub();
    let client = Client::with(&hub, &v0_all());
    for data in ["1", "2"] {
        client.published(&[("topic", "a"), ("data", data)]);
    }
    for cursor in ["earliest", "never-heard-of"] {
        let mut listener = client.listen(&[("topic", "a"), ("lastEventID", cursor)]);
        assert_eq!(answered(&listener), Some("earliest"), "{cursor}");
        assert_eq!(listener.data(2), ["1", "2"]);
    }
    let hub = configured("unknown_cursor = 'reset'", "");
    let client = Client::with(&hub, &v0_all());
    client.published(&[("topic", "a"), ("data", "1")]);
    let mut listener = client.listen(&[("topic", "a"), ("lastEventID", "never-heard-of")]);
    assert_eq!(answered(&listener), Some("earliest"));
    assert_eq!(listener.event().event, "tidings.reset");
    client.published(&[("topic", "a"), ("data", "2")]);
    assert_eq!(listener.event().data, "2");
}

// 2 Subscribe: the same bytes and headers as in 1.0 (1.3).
#[test]
fn a_stream_is_that_of_1_0() {
    let hub = hub();
    let client = Client::with(&hub, &v0_all());
    let mut listener = client.listen(&[("topic", "a")]);
    assert_eq!(listener.head.header("content-type"), Some("text/event-stream"));
    assert!(listener.head.header("cache-control").unwrap().contains("no-cache"));
    assert_eq!(listener.head.header("x-accel-buffering"), Some("no"));
    assert_eq!(listener.bytes_to(":\n"), ":\n");
    let id = client.published(&[("topic", "a"), ("type", "t"), ("retry", "5"), ("data", "x\ny")]);
    assert_eq!(listener.bytes_to("\n\n"), format!("id: {id}\nevent: t\nretry: 5\ndata: x\ndata: y\n\n"));
}

// 2 Subscribe: in 0.x there was no QUERY; here it is understood in both.
#[test]
fn a_query_request_may_have_topics() {
    let hub = hub();
    let client = Client::with(&hub, &v0(&["*"], &["*"]));
    let body = form(&[("topic", "b")]);
    let mut listener = client.subscribe_raw("QUERY", "topic=a", body.as_bytes()).unwrap();
    for topic in ["a", "b"] {
        client.published(&[("topic", topic), ("data", topic)]);
    }
    assert_eq!(listener.data(2), ["a", "b"]);
}
