//! 1.7: resuming, and what the answer says of it.

use super::{
    client::{Client, configured, form, hub, until_end},
    token::{v1, v1_all},
};
use crate::support::Listener;

/// What 1.0 answers about the cursor.
fn answered(listener: &Listener) -> Option<&str> {
    assert_eq!(listener.head.header("last-event-id"), None, "the header of 0.x");
    listener.head.header("mercure-last-event-id")
}

/// Publishes `a`, `b` and `c` under ids of their own, and answers these.
fn history(client: &Client<'_>) -> Vec<String> {
    ["a", "b", "c"].map(|data| client.published(&[("topic", "t"), ("data", data)])).to_vec()
}

// 1.7 A cursor that is found: everything behind it, and the answer echoes it.
#[test]
fn a_known_cursor_is_echoed_and_resumed_from() {
    let hub = hub();
    let client = Client::with(&hub, &v1_all());
    let ids = history(&client);
    for (id, rest) in ids.iter().zip([&["b", "c"][..], &["c"], &[]]) {
        let by_parameter = client.listen(&[("match", "*"), ("last_event_id", id)]);
        let by_header = client.clone().header("Last-Event-ID", id.as_str()).listen(&[("match", "*")]);
        for mut listener in [by_parameter, by_header] {
            assert_eq!(answered(&listener), Some(id.as_str()));
            assert_eq!(listener.data(rest.len()), rest);
        }
    }
    let mut live = client.listen(&[("match", "*"), ("last_event_id", &ids[2])]);
    assert_eq!(until_end(&client, &mut live), [""; 0]);
}

// 1.7 A publisher's own id is a cursor, whatever it looks like.
#[test]
fn any_id_is_a_cursor() {
    let hub = hub();
    let client = Client::with(&hub, &v1_all());
    let ids = [
        "urn:uuid:5e94c686-2c0b-4f9b-958c-92ccc3bbb4eb",
        "https://example.com/?a=b#c",
        "a b\"%",
        "你好",
        "0",
    ];
    for id in ids {
        client.published(&[("topic", "t"), ("id", id), ("data", id)]);
    }
    for pair in ids.windows(2) {
        let mut listener = client.listen(&[("match", "t"), ("last_event_id", pair[0])]);
        assert_eq!(answered(&listener), Some(pair[0]));
        assert_eq!(listener.event().data, pair[1]);
    }
}

// 1.7, 1.3 A header that is not empty wins over the parameter; an empty one does not.
#[test]
fn the_header_wins_unless_it_is_empty() {
    let hub = hub();
    let client = Client::with(&hub, &v1_all());
    let ids = history(&client);
    let fields = [("match", "t"), ("last_event_id", ids[0].as_str())];
    let listener = client.clone().header("Last-Event-ID", ids[1].as_str()).listen(&fields);
    assert_eq!(answered(&listener), Some(ids[1].as_str()));
    let listener = client.clone().header("Last-Event-ID", "").listen(&fields);
    assert_eq!(answered(&listener), Some(ids[0].as_str()));
}

// 1.3 QUERY: the cursor of the query string wins over that of the body.
#[test]
fn the_query_string_wins_over_the_body() {
    let hub = hub();
    let client = Client::with(&hub, &v1_all());
    let ids = history(&client);
    let body = form(&[("match", "t"), ("last_event_id", &ids[0])]);
    let query = form(&[("last_event_id", &ids[1])]);
    let mut listener = client.subscribe_raw("QUERY", &query, body.as_bytes()).unwrap();
    assert_eq!(answered(&listener), Some(ids[1].as_str()));
    assert_eq!(listener.event().data, "c");
    let mut listener = client.subscribe_raw("QUERY", "", body.as_bytes()).unwrap();
    assert_eq!(answered(&listener), Some(ids[0].as_str()));
    assert_eq!(listener.event().data, "b");
}

// 1.7 `earliest`: everything that is kept and matches.
#[test]
fn earliest_is_everything_that_is_kept() {
    let hub = hub();
    let client = Client::with(&hub, &v1_all());
    // With no history at all, too.
    assert_eq!(answered(&client.listen(&[("match", "t"), ("last_event_id", "earliest")])), Some("earliest"));
    history(&client);
    client.published(&[("topic", "other"), ("data", "other")]);
    let by_header = client.clone().header("Last-Event-ID", "earliest").listen(&[("match", "t")]);
    for mut listener in [client.listen(&[("match", "t"), ("last_event_id", "earliest")]), by_header] {
        assert_eq!(answered(&listener), Some("earliest"));
        assert_eq!(listener.data(3), ["a", "b", "c"]);
    }
}

// 1.3 The header is there iff the request had the header or the parameter, even an empty one, which is `earliest` and
// replays nothing.
#[test]
fn the_answer_speaks_of_the_cursor_iff_there_was_one() {
    let hub = hub();
    let client = Client::with(&hub, &v1_all());
    history(&client);
    assert_eq!(answered(&client.listen(&[("match", "t")])), None);
    let by_header = client.clone().header("Last-Event-ID", "").listen(&[("match", "*")]);
    for mut listener in [client.listen(&[("match", "*"), ("last_event_id", "")]), by_header] {
        assert_eq!(answered(&listener), Some("earliest"));
        assert_eq!(until_end(&client, &mut listener), [""; 0]);
    }
}

// 1.7 A cursor that is not found → `earliest`. The reference then replays nothing; here everything that is kept comes, so
// that nothing is lost, and a client that compares the header with what it asked for knows.
#[test]
fn an_unknown_cursor_is_answered_earliest_with_everything() {
    let hub = hub();
    let client = Client::with(&hub, &v1_all());
    let empty = client.listen(&[("match", "t"), ("last_event_id", "never-heard-of")]);
    assert_eq!(answered(&empty), Some("earliest"));
    history(&client);
    let mut listener = client.listen(&[("match", "t"), ("last_event_id", "never-heard-of")]);
    assert_eq!(answered(&listener), Some("earliest"));
    assert_eq!(listener.data(3), ["a", "b", "c"]);
}

// 5 (5) An unknown cursor can be configured to be an explicit gap: a `tidings.reset` event, and what is new.
#[test]
fn an_unknown_cursor_can_be_a_reset() {
    let hub = configured("unknown_cursor = 'reset'", "");
    let client = Client::with(&hub, &v1_all());
    let ids = history(&client);
    let mut listener = client.listen(&[("match", "*"), ("last_event_id", "never-heard-of")]);
    assert_eq!(answered(&listener), Some("earliest"));
    let reset = listener.event();
    assert_eq!(reset.event, "tidings.reset");
    assert_eq!(until_end(&client, &mut listener), [""; 0]);
    // A known one is not concerned, nor is `earliest`.
    let mut listener = client.listen(&[("match", "t"), ("last_event_id", &ids[1])]);
    assert_eq!(answered(&listener), Some(ids[1].as_str()));
    assert_eq!(listener.event().data, "c");
    assert_eq!(client.listen(&[("match", "t"), ("last_event_id", "earliest")]).data(3), ["a", "b", "c"]);
}

// 1.7 Only what is authorised is replayed. The id of an event that the subscriber cannot see is a cursor all the same.
#[test]
fn a_cursor_may_be_an_event_that_cannot_be_seen() {
    let hub = hub();
    let client = Client::with(&hub, &v1_all());
    client.published(&[("topic", "t"), ("data", "before")]);
    let private = client.published(&[("topic", "t"), ("private", "on"), ("data", "private")]);
    client.published(&[("topic", "t"), ("private", "on"), ("data", "private, too")]);
    client.published(&[("topic", "t"), ("data", "behind")]);
    let limited = Client::with(&hub, &v1(&["subscribe"], &["none"]));
    let mut listener = limited.listen(&[("match", "t"), ("last_event_id", &private)]);
    assert_eq!(answered(&listener), Some(private.as_str()));
    assert_eq!(listener.event().data, "behind");
}

// 1.7 Ids that are published twice: the earlier counts. Here the second adds nothing.
#[test]
fn of_an_id_that_was_published_twice_the_first_counts() {
    let hub = hub();
    let client = Client::with(&hub, &v1_all());
    for (id, data) in [("1", "a"), ("2", "b"), ("1", "again")] {
        client.published(&[("topic", "t"), ("id", id), ("data", data)]);
    }
    let mut listener = client.listen(&[("match", "*"), ("last_event_id", "1")]);
    assert_eq!(answered(&listener), Some("1"));
    assert_eq!(listener.event().data, "b");
    assert_eq!(until_end(&client, &mut listener), [""; 0]);
}

// 1.7, 5 (5) A cursor is found wherever it is in the history, and after a restart of the hub.
#[test]
fn a_cursor_outlives_the_hub() {
    const EVENTS: usize = 300;
    let mut hub = hub();
    let ids: Vec<String> = {
        let client = Client::with(&hub, &v1_all());
        (0..EVENTS).map(|number| client.published(&[("topic", "t"), ("data", &number.to_string())])).collect()
    };
    hub.kill();
    hub.launch();
    let client = Client::with(&hub, &v1_all());
    for at in [0, EVENTS / 2, EVENTS - 2] {
        let mut listener = client.listen(&[("match", "t"), ("last_event_id", &ids[at])]);
        assert_eq!(answered(&listener), Some(ids[at].as_str()));
        let rest: Vec<String> = (at + 1..EVENTS).map(|number| number.to_string()).collect();
        assert_eq!(listener.data(rest.len()), rest);
    }
}

// 2, "Polyfill trap": the other spellings of the parameter are understood in 1.0, too.
#[test]
fn every_spelling_of_the_parameter_is_understood() {
    let hub = hub();
    let client = Client::with(&hub, &v1_all());
    let ids = history(&client);
    for name in ["last_event_id", "lastEventID", "lastEventId", "Last-Event-ID"] {
        let mut listener = client.listen(&[("match", "t"), (name, &ids[1])]);
        assert_eq!(answered(&listener), Some(ids[1].as_str()), "{name}");
        assert_eq!(listener.event().data, "c");
    }
}
