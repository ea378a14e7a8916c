//! 2, "Publish": publishing in 0.x, where it differs from 1.0.

use serde_json::{Value, json};

use super::{
    client::{Client, configured, hub, until_end},
    token::{Token, v0, v0_all},
};

// 2 Publish: 200, and the body is the id, as text/plain; charset=utf-8.
#[test]
fn the_answer_is_the_id() {
    let hub = hub();
    let client = Client::with(&hub, &v0_all());
    let mut listener = client.listen(&[("topic", "a")]);
    let answer = client.publish(&[("topic", "a"), ("data", "x")]);
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(listener.event().id, answer.text());
    assert_eq!(client.published(&[("topic", "a"), ("id", "mine")]), "mine");
}

// 2 Publish: with `ids = "urn:uuid"` as those of the reference.
#[test]
fn ids_can_be_uuids() {
    let hub = configured("ids = 'urn:uuid'", "");
    let id = Client::with(&hub, &v0_all()).published(&[("topic", "a")]);
    assert!(id.starts_with("urn:uuid:") && id.len() == 45, "{id}");
}

// 2 Publish: topics that contain `/.well-known/mercure` are reserved → 403; what only resolves there is not.
#[test]
fn reserved_topics_are_refused() {
    let hub = hub();
    let client = Client::with(&hub, &v0_all());
    for topic in [
        "/.well-known/mercure",
        "https://example.com/.well-known/mercure/x",
        "/foo/.well-known/mercure/bar",
        "/.well-known/mercureXXX",
    ] {
        assert_eq!(client.publish(&[("topic", topic)]).status(), 403, "{topic}");
        assert_eq!(client.publish(&[("topic", "a"), ("topic", topic)]).status(), 403, "{topic}");
    }
    for topic in ["mercure/x", "/.well-known/%6Dercure", "bar"] {
        client.published(&[("topic", topic)]);
    }
}

// 2 Publish: CR, LF or NUL in `id` or `type` → 400. There is no other rule of characters.
#[test]
fn line_ends_in_id_and_type_are_refused() {
    let hub = hub();
    let client = Client::with(&hub, &v0_all());
    for text in ["a\rb", "a\nb", "a\0b"] {
        for field in ["id", "type"] {
            assert_eq!(client.publish(&[("topic", "a"), (field, text)]).status(), 400, "{field} {text:?}");
        }
    }
    for text in ["a\u{200b}b", "#x", "a\u{ad}b"] {
        assert_eq!(client.published(&[("topic", "a"), ("id", text)]), text);
        client.published(&[("topic", text), ("type", text)]);
    }
}

// 2 Publish: no topic → 400; more than the limit → 400 (the reference's is 1000, an event here has 100 at most).
#[test]
fn topics_are_one_to_a_limit() {
    let hub = hub();
    let client = Client::with(&hub, &v0_all());
    let answer = client.publish(&[("data", "x")]);
    assert_eq!(answer.status(), 400);
    assert!(answer.text().replace("\\\"", "\"").contains("Missing \"topic\" parameter"), "{}", answer.text());
    let topics: Vec<String> = (0..=1000).map(|number| format!("t{number}")).collect();
    let fields: Vec<_> = topics.iter().map(|topic| ("topic", topic.as_str())).collect();
    client.published(&fields[..100]);
    assert_eq!(client.publish(&fields[..101]).status(), 400);
    assert_eq!(client.publish(&fields).status(), 400);
}

// 2 Publish: the type `mercure` is allowed.
#[test]
fn the_type_mercure_is_allowed() {
    let hub = hub();
    let client = Client::with(&hub, &v0_all());
    let mut listener = client.listen(&[("topic", "a")]);
    client.published(&[("topic", "a"), ("type", "mercure")]);
    assert_eq!(listener.event().event, "mercure");
}

// 2 Publish: `private` by its presence.
#[test]
fn private_is_what_has_the_field() {
    let hub = configured("", "[anonymous]\nsubscribe = ['*']");
    let client = Client::with(&hub, &v0_all());
    let (mut all, mut public) =
        (client.listen(&[("topic", "*")]), Client::of(&hub).listen(&[("topic", "*")]));
    for value in ["on", "", "off", "false"] {
        client.published(&[("topic", "a"), ("private", value), ("data", "private")]);
    }
    client.published(&[("topic", "a"), ("data", "public")]);
    assert_eq!(all.data(5), ["private", "private", "private", "private", "public"]);
    assert_eq!(until_end(&client, &mut public), ["public"]);
}

// 2 Publish: a bad `retry` → 400.
#[test]
fn a_retry_is_a_number() {
    let hub = hub();
    let client = Client::with(&hub, &v0_all());
    for retry in ["soon", "-1", "1.5"] {
        assert_eq!(client.publish(&[("topic", "a"), ("retry", retry)]).status(), 400, "{retry}");
    }
    client.published(&[("topic", "a"), ("retry", "5")]);
}

// 2 Publish: not authorized → 401, as the reference's code has it (its specification says 403).
#[test]
fn who_may_not_publish_is_unauthorized() {
    let hub = hub();
    let fields = [("topic", "a")];
    assert_eq!(Client::of(&hub).publish(&fields).status(), 401);
    // No right at all: null, absent, or empty.
    for mercure in [
        json!({ "publish": Value::Null }),
        json!({}),
        json!({ "publish": [] }),
        json!({ "subscribe": ["*"] }),
    ] {
        let client = Client::with(&hub, &Token::v0(mercure.clone()).signed());
        assert_eq!(client.publish(&fields).status(), 401, "{mercure}");
    }
    assert_eq!(Client::with(&hub, &v0(&["b"], &["*"])).publish(&fields).status(), 401);
}

// 2 Publish: every topic must match a selector, public events included; `*` allows all.
#[test]
fn every_topic_must_be_allowed() {
    let hub = hub();
    let client = Client::with(&hub, &v0(&["a", "/b/{id}"], &[]));
    for (topics, status) in [
        (&["a"][..], 200),
        (&["/b/1"], 200),
        (&["a", "/b/1"], 200),
        (&["a", "c"], 401),
        (&["c", "a"], 401),
        (&["c"], 401),
    ] {
        for private in [&[][..], &[("private", "on")]] {
            let fields: Vec<_> =
                topics.iter().map(|topic| ("topic", *topic)).chain(private.iter().copied()).collect();
            assert_eq!(client.publish(&fields).status(), status, "{fields:?}");
        }
    }
    Client::with(&hub, &v0(&["*"], &[])).published(&[("topic", "anything")]);
}

// 2, "What symfony/mercure sends": such a request, as its library builds it.
#[test]
fn what_symfony_sends_is_understood() {
    let hub = hub();
    let client = Client::with(&hub, &v0(&["*"], &[]));
    let mut listener = Client::with(&hub, &v0_all()).listen(&[("topic", "https://example.com/books/{id}")]);
    let body = "topic=https%3A%2F%2Fexample.com%2Fbooks%2F1&topic=https%3A%2F%2Fexample.com%2Fusers%2Fada\
                &data=%7B%22status%22%3A%22OutOfStock%22%7D&private=on\
                &id=urn%3Auuid%3A5e94c686-2c0b-4f9b-958c-92ccc3bbb4eb&type=book&retry=1000";
    let answer = client.post(body.as_bytes());
    assert_eq!(
        (answer.status(), answer.text().as_str()),
        (200, "urn:uuid:5e94c686-2c0b-4f9b-958c-92ccc3bbb4eb")
    );
    let event = listener.event();
    assert_eq!((event.event.as_str(), event.data.as_str()), ("book", "{\"status\":\"OutOfStock\"}"));
}
