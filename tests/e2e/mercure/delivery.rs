//! 1.5: who is sent what.

use serde_json::json;

use super::{
    client::{Client, configured, until_end},
    token::{DETAIL, Token, detail, v1, v1_all},
};

/// What is published: its topics, whether it is private, and its data.
const EVENTS: [(&[&str], bool, &str); 7] = [
    (&["a"], false, "public a"),
    (&["b"], false, "public b"),
    (&["a"], true, "private a"),
    (&["b"], true, "private b"),
    (&["a", "b"], true, "private a and b"),
    (&["b", "c"], true, "private b and c"),
    (&["c"], true, "private c"),
];

fn publish(client: &Client<'_>) {
    for (topics, private, data) in EVENTS {
        let mut fields: Vec<_> = topics.iter().map(|topic| ("topic", *topic)).collect();
        fields.push(("data", data));
        fields.extend(private.then_some(("private", "on")));
        client.published(&fields);
    }
}

// 1.5 An event is sent iff one of its topics is asked for, and it is public or one of its topics is granted. The two need
// not be the same topic. Live and replayed alike.
#[test]
fn an_event_goes_to_who_asks_for_it_and_may_see_it() {
    let cases: [(&[&str], &[&str], &[&str]); 9] = [
        (&["a"], &[], &["public a"]),
        (&["a"], &["a"], &["public a", "private a", "private a and b"]),
        // Asked for by a, granted by b.
        (&["a"], &["b"], &["public a", "private a and b"]),
        (&["a"], &["c"], &["public a"]),
        (&["a"], &["*"], &["public a", "private a", "private a and b"]),
        (&["b"], &["c"], &["public b", "private b and c"]),
        (&["a", "b"], &["a"], &["public a", "public b", "private a", "private a and b"]),
        (&["*"], &["c"], &["public a", "public b", "private b and c", "private c"]),
        (&["*"], &["none-of-these"], &["public a", "public b"]),
    ];
    let hub = configured("", "");
    let publisher = Client::with(&hub, &v1_all());
    let subscribe = |asked: &[&'static str], granted: &[&str], cursor: &[(&'static str, &'static str)]| {
        // A token with no right to subscribe to anything private is one for another action.
        let token = match granted {
            [] => v1(&["publish"], &["*"]),
            granted => v1(&["subscribe"], granted),
        };
        let asked = asked.iter().copied().chain(["urn:example:the-end"]).map(|topic| ("match", topic));
        Client::with(&hub, &token).listen(&asked.chain(cursor.iter().copied()).collect::<Vec<_>>())
    };
    let mut live: Vec<_> = cases.iter().map(|(asked, granted, _)| subscribe(asked, granted, &[])).collect();
    publish(&publisher);
    let ends = "urn:example:the-end";
    publisher.published(&[("topic", ends), ("data", ends)]);
    for (listener, (asked, granted, expected)) in live.iter_mut().zip(cases) {
        assert_eq!(listener.data(expected.len()), expected, "{asked:?}, granted {granted:?}");
        assert_eq!(listener.event().data, ends);
        let mut replayed = subscribe(asked, granted, &[("last_event_id", "earliest")]);
        assert_eq!(replayed.data(expected.len()), expected, "{asked:?}, granted {granted:?}, replayed");
        assert_eq!(replayed.event().data, ends);
    }
}

// 1.5 Anonymous subscribers get public events only.
#[test]
fn who_has_no_token_gets_nothing_private() {
    let hub = configured("", "[anonymous]\nsubscribe = ['*']");
    let publisher = Client::with(&hub, &v1_all());
    let mut live = Client::of(&hub).listen(&[("match", "*")]);
    publish(&publisher);
    assert_eq!(until_end(&publisher, &mut live), ["public a", "public b"]);
    let mut replayed = Client::of(&hub).listen(&[("match", "*"), ("last_event_id", "earliest")]);
    assert_eq!(replayed.data(2), ["public a", "public b"]);
}

// 1.5 Replay is judged by the token of today: with more or fewer rights than the one that was there before.
#[test]
fn replay_is_judged_by_the_token_of_the_request() {
    let hub = configured("", "");
    let publisher = Client::with(&hub, &v1_all());
    let before = v1(&["subscribe"], &["a"]);
    let first = publisher.published(&[("topic", "a"), ("private", "on"), ("data", "first")]);
    let mut listener = Client::with(&hub, &before).listen(&[("match", "*"), ("last_event_id", "earliest")]);
    assert_eq!(listener.event().data, "first");
    drop(listener);
    publish(&publisher);
    let fields = [("match", "*"), ("last_event_id", first.as_str())];
    let mut today = Client::with(&hub, &v1(&["subscribe"], &["c"])).listen(&fields);
    assert_eq!(until_end(&publisher, &mut today), ["public a", "public b", "private b and c", "private c"]);
}

// 1.5, 1.6 Grants may be URL patterns, and several details count together; only those with the action `subscribe` do.
#[test]
fn grants_of_all_details_count_for_their_actions() {
    let hub = configured("", "");
    let publisher = Client::with(&hub, &v1_all());
    let token = Token::v1(json!([
        { "type": DETAIL, "actions": ["subscribe"],
          "topics": [{ "match": "https://example.com/b/:id", "match_type": "urlpattern" }] },
        detail(&["subscribe", "publish"], &["a"]),
        detail(&["publish"], &["c"]),
    ]));
    let mut listener = Client::with(&hub, &token.signed()).listen(&[("match", "*")]);
    for topic in ["a", "https://example.com/b/1", "https://example.com/b/1/2", "c"] {
        publisher.published(&[("topic", topic), ("data", topic), ("private", "on")]);
    }
    assert_eq!(until_end(&publisher, &mut listener), ["a", "https://example.com/b/1"]);
}
