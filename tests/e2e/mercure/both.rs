//! Section 0: both dialects on one hub, told apart for each request; one of them switched off; and an open hub, which
//! looks at no token.

use super::{
    client::{Client, PATH, SUBSCRIPTIONS, configured, hub},
    token::{v0, v0_all, v1, v1_all},
};
use crate::support::{Hub, Listener};

/// The id and data of the next event.
fn next(listener: &mut Listener) -> (String, String) {
    let event = listener.event();
    (event.id, event.data)
}

// 0 A publisher of either dialect reaches the subscribers of both, with the same ids.
#[test]
fn publishers_of_each_dialect_reach_subscribers_of_both() {
    let hub = hub();
    let (new, old) = (Client::with(&hub, &v1_all()), Client::with(&hub, &v0_all()));
    let mut of_new = new.listen(&[("match_urlpattern", "https://example.com/books/:id")]);
    let mut of_old = old.listen(&[("topic", "https://example.com/books/{id}")]);
    for (number, publisher) in [&old, &new, &old].into_iter().enumerate() {
        for private in [&[][..], &[("private", "on")]] {
            let data = number.to_string();
            let fields = [("topic", "https://example.com/books/1"), ("data", data.as_str())];
            let id = publisher.published(&[&fields, private].concat());
            for listener in [&mut of_new, &mut of_old] {
                assert_eq!(next(listener), (id.clone(), data.clone()));
            }
        }
    }
}

// 0 An id of one dialect is a cursor in the other, and each answers in its own header.
#[test]
fn a_cursor_is_one_in_both_dialects() {
    let hub = hub();
    let (new, old) = (Client::with(&hub, &v1_all()), Client::with(&hub, &v0_all()));
    let of_old = old.published(&[("topic", "a"), ("data", "1")]);
    let of_new = new.published(&[("topic", "a"), ("data", "2")]);
    old.published(&[("topic", "a"), ("data", "3")]);
    let mut listener = new.listen(&[("match", "a"), ("last_event_id", &of_old)]);
    assert_eq!(listener.head.header("mercure-last-event-id"), Some(of_old.as_str()));
    assert_eq!(listener.head.header("last-event-id"), None);
    assert_eq!(listener.data(2), ["2", "3"]);
    let mut listener = old.listen(&[("topic", "a"), ("lastEventID", &of_new)]);
    assert_eq!(listener.head.header("last-event-id"), Some(of_new.as_str()));
    assert_eq!(listener.head.header("mercure-last-event-id"), None);
    assert_eq!(listener.data(1), ["3"]);
}

// 0 A token of 1.0 is checked more and is good for both; one of 0.x is for 0.x alone.
#[test]
fn tokens_of_0_x_are_for_0_x() {
    let hub = hub();
    let (new, old) = (Client::with(&hub, &v1_all()), Client::with(&hub, &v0_all()));
    new.listen(&[("topic", "a")]);
    let answer = old.refused(&[("match", "a")]);
    assert_eq!(answer.status(), 401);
    assert!(answer.header("www-authenticate").unwrap().contains("error=\"invalid_token\""));
    // Rights of a 1.0 token on a subscription of 0.x are those of its details.
    let limited = Client::with(&hub, &v1(&["subscribe"], &["granted"]));
    let mut listener = limited.listen(&[("topic", "*")]);
    for topic in ["a", "granted"] {
        new.published(&[("topic", topic), ("private", "on"), ("data", topic)]);
    }
    assert_eq!(listener.event().data, "granted");
}

// 0 The token tells the dialect of a publication: what 1.0 forbids, 0.x may allow.
#[test]
fn the_token_tells_the_dialect_of_a_publication() {
    let hub = hub();
    let (new, old) = (Client::with(&hub, &v1_all()), Client::with(&hub, &v0_all()));
    let fields = [("topic", "a"), ("type", "mercure")];
    assert_eq!(new.publish(&fields).status(), 400);
    old.published(&fields);
    assert_eq!(Client::with(&hub, &v1(&["publish"], &["b"])).publish(&[("topic", "a")]).status(), 403);
    assert_eq!(Client::with(&hub, &v0(&["b"], &[])).publish(&[("topic", "a")]).status(), 401);
}

// 0 A request that mixes the two → 400.
#[test]
fn a_request_that_mixes_both_is_refused() {
    let hub = hub();
    let client = Client::with(&hub, &v1_all());
    for name in ["match", "match_exact", "match_urlpattern"] {
        let answer = client.refused(&[("topic", "a"), (name, "b")]);
        assert_eq!(answer.status(), 400, "{name}");
        assert!(answer.text().contains("topic") && answer.text().contains("match"), "{}", answer.text());
    }
}

// 0 0.x is an operator's switch: off unless configured, with 1.0 as it is.
#[test]
fn a_dialect_that_is_off_is_not_spoken() {
    let new_only = configured("dialects = ['1.0']\nsubscriptions = true", "");
    let (new, old) = (Client::with(&new_only, &v1_all()), Client::with(&new_only, &v0_all()));
    new.published(&[("topic", "a")]);
    new.listen(&[("match", "a")]);
    for client in [&new, &old] {
        let answer = client.refused(&[("topic", "a")]);
        assert_eq!(answer.status(), 400);
        assert!(answer.text().contains("[mercure] dialects"), "{}", answer.text());
    }
    let answer = old.publish(&[("topic", "a")]);
    assert_eq!(answer.status(), 401);
    // The sentence names the switch.
    assert!(answer.text().contains("dialects"), "{}", answer.text());
    assert_eq!(old.get(SUBSCRIPTIONS).status(), 401);

    let old_only = configured("dialects = ['0.x']", "");
    let (new, old) = (Client::with(&old_only, &v1_all()), Client::with(&old_only, &v0_all()));
    old.published(&[("topic", "a")]);
    old.listen(&[("topic", "a")]);
    let answer = old.refused(&[("match", "a")]);
    assert_eq!(answer.status(), 400);
    assert!(answer.text().contains("[mercure] dialects"), "{}", answer.text());
    assert_eq!(new.publish(&[("topic", "a")]).status(), 401);
    assert_eq!(new.refused(&[("topic", "a")]).status(), 401);
}

// 0 The default, with keys: 1.0 alone. With no dialect the address is not there.
#[test]
fn the_default_is_the_safer_dialect() {
    let [default, none] = ["", "dialects = []"].map(|dialects| {
        let configuration = super::client::configuration("", "");
        Hub::configured(&configuration.replace("dialects = ['1.0', '0.x']", dialects))
    });
    Client::with(&default, &v1_all()).listen(&[("match", "a")]);
    assert_eq!(Client::with(&default, &v0_all()).refused(&[("topic", "a")]).status(), 400);
    let client = Client::with(&none, &v1_all());
    assert_eq!(client.refused(&[("match", "a")]).status(), 404);
    assert_eq!(client.publish(&[("topic", "a")]).status(), 404);
}

// The hub's own keys are good in both dialects, too: servers of the application need no tokens.
#[test]
fn a_key_of_the_hub_is_good_in_both() {
    const KEY: &str = "the-secret-of-a-backend";
    let tables = format!("[[keys]]\nname = 'backend'\nsecret = '{KEY}'\npublish = ['a']\nsubscribe = ['a']");
    let hub = configured("", &tables);
    let backend = Client::with(&hub, KEY);
    let mut listeners = [backend.listen(&[("match", "a")]), backend.listen(&[("topic", "a")])];
    let id = backend.published(&[("topic", "a"), ("private", "on"), ("data", "x")]);
    for listener in &mut listeners {
        assert_eq!(next(listener), (id.clone(), "x".to_owned()));
    }
    assert!(matches!(backend.publish(&[("topic", "b")]).status(), 401 | 403));
    assert_eq!(Client::with(&hub, "the-secret-of-nobody-at-all").publish(&[("topic", "a")]).status(), 401);
}

// An open hub speaks both dialects, and asks for no token.
#[test]
fn an_open_hub_asks_for_no_token() {
    let hub = Hub::start();
    let client = Client::of(&hub);
    let mut listeners = [client.listen(&[("match", "a")]), client.listen(&[("topic", "{x}")])];
    let mut native = hub.listen("topic=a");
    for token in [None, Some(v0(&[], &[])), Some("not-a-token".to_owned())] {
        let client = token.map_or(client.clone(), |token| Client::with(&hub, &token));
        let id = client.published(&[("topic", "a"), ("private", "on"), ("data", "x")]);
        for listener in listeners.iter_mut().chain([&mut native]) {
            assert_eq!(next(listener), (id.clone(), "x".to_owned()));
        }
    }
}

// All fronts are one hub: what is published by one is sent to the subscribers of all.
#[test]
fn the_native_front_has_the_same_events() {
    let hub = Hub::start();
    let client = Client::of(&hub);
    let mut of_new = client.listen(&[("match", "a")]);
    let mut of_old = client.listen(&[("topic", "a")]);
    let id = hub.publish("a", "x")["id"].as_str().unwrap().to_owned();
    for listener in [&mut of_new, &mut of_old] {
        assert_eq!(next(listener), (id.clone(), "x".to_owned()));
    }
    let mut behind = client.listen(&[("match", "a"), ("last_event_id", &id)]);
    assert_eq!(behind.head.header("mercure-last-event-id"), Some(id.as_str()));
    hub.publish("a", "y");
    assert_eq!(behind.event().data, "y");
}

// The guard of an open hub is the same on this front: a page on the internet does not reach it.
#[test]
fn an_open_hub_is_for_this_machine() {
    let hub = Hub::start();
    for (name, value) in [("Host", "evil.example"), ("Origin", "https://evil.example")] {
        let client = Client::of(&hub).header(name, value);
        assert_eq!(client.publish(&[("topic", "a")]).status(), 403, "{name}");
        assert_eq!(client.refused(&[("match", "a")]).status(), 403, "{name}");
        assert_eq!(client.get(&format!("{PATH}?topic=a")).status(), 403, "{name}");
    }
}
