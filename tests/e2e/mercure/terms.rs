//! 1.3, "End of connection", and 1.6: how long a stream lasts. When exactly it ends is tested where time can be set
//! (`tidings-hub`); here it is that it does, and that nothing is lost by it.

use serde_json::{Value, json};
use tidings_stream::{Event, Item};

use super::{
    client::{Client, configured, hub},
    token::{Token, detail, in_seconds, v1_all},
};
use crate::support::{Hub, Listener, wait_for};

const OPERATOR: &str = "[[keys]]\nname = 'operator'\nsecret = 'the-secret-of-an-operator'\nadmin = true";

fn everything() -> Token {
    Token::v1(json!([detail(&["publish", "subscribe"], &["*"])]))
}

/// Reads to the proper end of a stream, and answers its events.
fn events(listener: Listener) -> Vec<Event> {
    let items = listener.rest().into_iter();
    items.filter_map(|item| if let Item::Event(event) = item { Some(event) } else { None }).collect()
}

/// The reason that a `tidings.close` event gives, and the rest of what it says.
fn close(event: &Event) -> (String, Value) {
    assert_eq!(event.event, "tidings.close", "{event:?}");
    let says: Value = serde_json::from_str(&event.data).unwrap();
    (says["reason"].as_str().unwrap().to_owned(), says)
}

/// Waits until a token is refused: its streams end some moments before it does.
fn becomes_invalid(client: &Client<'_>, subscription: &[(&str, &str)]) {
    let answer = wait_for("the token has expired", || client.subscribe(subscription).err());
    assert_eq!(answer.status(), 401, "{}", answer.text());
}

fn administer(hub: &Hub, what: &str, body: &Value) {
    let operator = Client::with(hub, "the-secret-of-an-operator").header("Content-Type", "application/json");
    let answer = operator.request("POST", &format!("/admin/{what}"), body.to_string().as_bytes());
    assert_eq!(answer.status(), 204, "{}", answer.text());
}

// 1.3 A maximum lifetime, off unless configured (the reference's is 600 s): the stream ends as it should, and whoever
// comes back has lost nothing.
#[test]
fn a_stream_ends_after_its_lifetime_and_is_resumed() {
    let hub = configured("", "[stream]\nlifetime = '1s'");
    let client = Client::with(&hub, &v1_all());
    let mut listener = client.listen(&[("match", "t")]);
    let first = client.published(&[("topic", "t"), ("data", "1")]);
    assert_eq!(listener.event().id, first);
    assert_eq!(events(listener), []);
    client.published(&[("topic", "t"), ("data", "2")]);
    let mut back = client.listen(&[("match", "t"), ("last_event_id", &first)]);
    assert_eq!(back.event().data, "2");
    assert_eq!(events(back), []);
}

// 1.3, 1.6 A stream ends no later than its token's `exp`. Before, a `tidings.close` event tells the client, which comes
// back with a new token and has lost nothing.
#[test]
fn a_stream_ends_with_its_token_and_is_resumed_with_a_new_one() {
    let hub = hub();
    let publisher = Client::with(&hub, &v1_all());
    let token = everything().claim("exp", in_seconds(5)).signed();
    let mut listener = Client::with(&hub, &token).listen(&[("match", "t")]);
    let publish = |data: &str| publisher.published(&[("topic", "t"), ("private", "on"), ("data", data)]);
    let before = publish("0");
    let mut seen = vec![];
    let (reason, says) = loop {
        let event = listener.event();
        match event.event.as_str() {
            "message" => seen.push(event),
            _ => break close(&event),
        }
    };
    assert_eq!(reason, "expiring");
    assert!(says["in_ms"].as_u64().is_some_and(|ms| ms <= 5000), "{says}");
    // What comes now may come on this stream or not.
    publish("1");
    seen.extend(events(listener));
    publish("2");
    let last = seen.last().map_or(&before, |event| &event.id);
    let fields = [("match", "t"), ("last_event_id", last.as_str())];
    becomes_invalid(&Client::with(&hub, &token), &fields);
    let mut back = publisher.listen(&fields);
    assert_eq!(back.head.header("mercure-last-event-id"), Some(last.as_str()));
    let rest = back.data(3 - seen.len().max(1));
    let seen: Vec<String> = seen.into_iter().map(|event| event.data).chain(rest).collect();
    assert_eq!(seen, ["0", "1", "2"]);
}

// 2, Token: in 0.x, too, if there is an `exp`.
#[test]
fn a_stream_of_0_x_ends_with_its_token() {
    let hub = hub();
    let token = Token::v0(json!({ "subscribe": ["*"] })).claim("exp", in_seconds(3)).signed();
    let mut listener = Client::with(&hub, &token).listen(&[("topic", "t")]);
    assert_eq!(close(&listener.event()).0, "expiring");
    assert_eq!(events(listener), []);
    becomes_invalid(&Client::with(&hub, &token), &[("topic", "t")]);
}

// 1.3 Whichever is sooner: a long token does not outlive the lifetime of streams.
#[test]
fn the_sooner_end_counts() {
    let hub = configured("", "[stream]\nlifetime = '1s'");
    let listener = Client::with(&hub, &v1_all()).listen(&[("match", "t")]);
    assert_eq!(events(listener), []);
    let hub = configured("", "[stream]\nlifetime = '1d'");
    let token = everything().claim("exp", in_seconds(3)).signed();
    let listener = Client::with(&hub, &token).listen(&[("match", "t")]);
    assert_eq!(events(listener).iter().map(|event| close(event).0).collect::<Vec<_>>(), ["expiring"]);
}

// 5 (10) Revocation, which Mercure does not have: the streams of a user or token end at once, in both dialects, and it is
// refused from then on; others are not concerned.
#[test]
fn a_revocation_ends_streams_and_refuses_the_token() {
    let hub = configured("", OPERATOR);
    let alice = everything().claim("sub", "alice").claim("jti", "alice-1").signed();
    let alice_v0 = Token::v0(json!({ "subscribe": ["*"] })).claim("sub", "alice").signed();
    let bob = everything().claim("sub", "bob").claim("jti", "bob-1").signed();
    let bob_again = everything().claim("sub", "bob").claim("jti", "bob-2").signed();
    let match_t = [("match", "t")];
    let listen = |token: &str| Client::with(&hub, token).listen(&match_t);
    let (of_alice, mut of_bob, mut of_bob_again) = (listen(&alice), listen(&bob), listen(&bob_again));
    let of_alice_v0 = Client::with(&hub, &alice_v0).listen(&[("topic", "t")]);

    administer(&hub, "revoke", &json!({ "user": "alice" }));
    for listener in [of_alice, of_alice_v0] {
        let events = events(listener);
        assert_eq!(events.iter().map(|event| close(event).0).collect::<Vec<_>>(), ["revoked"]);
    }
    for token in [&alice, &everything().claim("sub", "alice").signed()] {
        let answer = Client::with(&hub, token).refused(&match_t);
        assert_eq!(answer.status(), 401, "{}", answer.text());
        assert!(answer.header("www-authenticate").unwrap().contains("error=\"invalid_token\""));
    }
    assert_eq!(Client::with(&hub, &alice_v0).refused(&[("topic", "t")]).status(), 401);

    // By a token's id: its other tokens stay good.
    Client::with(&hub, &v1_all()).published(&[("topic", "t"), ("data", "x")]);
    assert_eq!(of_bob.event().data, "x");
    administer(&hub, "revoke", &json!({ "token": "bob-1" }));
    assert_eq!(events(of_bob).iter().map(|event| close(event).0).collect::<Vec<_>>(), ["revoked"]);
    assert_eq!(Client::with(&hub, &bob).refused(&match_t).status(), 401);
    assert_eq!(of_bob_again.event().data, "x");
    listen(&bob_again);

    administer(&hub, "lift", &json!({ "user": "alice" }));
    listen(&alice);
}
