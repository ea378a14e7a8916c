//! 2, "Subscriptions": active subscriptions in 0.x, as JSON-LD.

use serde_json::{Value, json};

use super::{
    client::{Client, SUBSCRIPTIONS, configured, segment},
    token::{Token, v0, v0_all},
};
use crate::support::{Hub, Listener};

const ON: &str = "subscriptions = true";
const CONTEXT: &str = "https://mercure.rocks/";

/// A selector's segment in an address: as in a form, a space is `+`.
fn encoded(selector: &str) -> String {
    segment(selector).replace("%20", "+")
}

/// Who is told of the subscriptions with this selector.
fn watcher(hub: &Hub, selector: &str) -> Listener {
    let template = format!("{SUBSCRIPTIONS}/{}/{{subscriber}}", encoded(selector));
    Client::with(hub, &v0_all()).listen(&[("topic", &template)])
}

/// The next event of a watcher, whose document must look as one of 0.x.
fn told(watcher: &mut Listener) -> Value {
    let event = watcher.event();
    // 2 Subscriptions: no event name.
    assert_eq!(event.event, "message", "{event:?}");
    let document: Value = serde_json::from_str(&event.data).unwrap();
    assert_eq!(document["@context"], CONTEXT);
    assert_eq!(document["type"], "Subscription");
    let (topic, subscriber) = (document["topic"].as_str().unwrap(), document["subscriber"].as_str().unwrap());
    assert!(subscriber.starts_with("urn:uuid:"), "{subscriber}");
    assert_eq!(document["id"], format!("{SUBSCRIPTIONS}/{}/{}", encoded(topic), segment(subscriber)));
    document
}

// 2 Subscriptions: events are private updates without a name, whose topic is the id; the documents of events have the
// context and no `lastEventID`.
#[test]
fn who_subscribes_and_leaves_is_announced() {
    let hub = configured(ON, "");
    for selector in ["https://example.com/foo", "/books/{id}", "a b", "*"] {
        let mut watcher = watcher(&hub, selector);
        let subscriber = Client::with(&hub, &v0(&[], &["x"])).listen(&[("topic", selector)]);
        let joined = told(&mut watcher);
        let mut keys: Vec<_> = joined.as_object().unwrap().keys().map(String::as_str).collect();
        keys.sort_unstable();
        assert_eq!(keys, ["@context", "active", "id", "subscriber", "topic", "type"]);
        assert_eq!((&joined["topic"], &joined["active"]), (&json!(selector), &json!(true)));
        let id = joined["id"].as_str().unwrap();
        let mut replayed =
            Client::with(&hub, &v0_all()).listen(&[("topic", id), ("lastEventID", "earliest")]);
        assert_eq!(replayed.event().data.parse::<Value>().unwrap(), joined);
        drop(subscriber);
        let mut left = joined.clone();
        left["active"] = json!(false);
        assert_eq!(told(&mut watcher), left);
    }
}

// 2 Subscriptions: they are private.
#[test]
fn only_who_may_hears_of_it() {
    let hub = configured(ON, "[anonymous]\nsubscribe = ['*']");
    let mut anonymous = Client::of(&hub).listen(&[("topic", "*")]);
    let mut watcher = watcher(&hub, "a");
    drop(Client::of(&hub).listen(&[("topic", "a")]));
    told(&mut watcher);
    Client::with(&hub, &v0_all()).published(&[("topic", "b"), ("data", "public")]);
    assert_eq!(anonymous.event().data, "public");
}

// 2 Subscriptions: `payload` is `mercure.payload`.
#[test]
fn the_payload_is_that_of_the_token() {
    let hub = configured(ON, "");
    let mut watcher = watcher(&hub, "a");
    let payload = json!({ "user": "Ada", "groups": [1, 2] });
    let token = Token::v0(json!({ "subscribe": ["b"], "payload": payload })).signed();
    let _subscriber = Client::with(&hub, &token).listen(&[("topic", "a")]);
    assert_eq!(told(&mut watcher)["payload"], payload);
}

// 2 Subscriptions: the three addresses, as application/ld+json; inner documents without context and `lastEventID`.
#[test]
fn subscriptions_are_listed_at_three_addresses() {
    let hub = configured(ON, "");
    let everything = Client::with(&hub, &v0_all());
    let mut watcher = watcher(&hub, "https://example.com/a b");
    let _subscriber = everything.listen(&[("topic", "https://example.com/a b"), ("topic", "other")]);
    let joined = told(&mut watcher);
    let last = everything.published(&[("topic", "x"), ("id", "last")]);
    let mut inner = joined.clone();
    inner.as_object_mut().unwrap().remove("@context");

    let address = format!("{SUBSCRIPTIONS}/https%3A%2F%2Fexample.com%2Fa+b");
    let answer = everything.get(&address);
    assert_eq!(answer.status(), 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/ld+json"));
    assert_eq!(
        answer.json(),
        json!({ "@context": CONTEXT, "id": address, "type": "Subscriptions", "lastEventID": last,
            "subscriptions": [inner] })
    );
    let all = everything.get(SUBSCRIPTIONS).json();
    assert_eq!(
        (&all["id"], &all["type"], &all["lastEventID"]),
        (&json!(SUBSCRIPTIONS), &json!("Subscriptions"), &json!(last))
    );
    let members = all["subscriptions"].as_array().unwrap();
    // The subscriber's two and the watcher's own.
    assert!(members.len() == 3 && members.contains(&inner), "{all}");
    let one = everything.get(joined["id"].as_str().unwrap());
    assert_eq!(one.header("content-type"), Some("application/ld+json"));
    let mut expected = joined.clone();
    expected["lastEventID"] = json!(last);
    assert_eq!(one.json(), expected);
    // A space may be escaped as well.
    assert_eq!(everything.get(&address.replace('+', "%20")).json()["subscriptions"], json!([inner]));
}

// 2 Subscriptions: ETag without quotes; `If-None-Match` with the same text → 304.
#[test]
fn the_entity_tag_has_no_quotes() {
    let hub = configured(ON, "");
    let everything = Client::with(&hub, &v0_all());
    everything.published(&[("topic", "x"), ("id", "last")]);
    let answer = everything.get(SUBSCRIPTIONS);
    assert_eq!(answer.header("etag"), Some("last"));
    assert!(
        answer.header("link").is_some_and(|link| link.contains("last-event-id=\"last\"")),
        "{:?}",
        answer.head
    );
    let with = |tag: &str| everything.clone().header("If-None-Match", tag).get(SUBSCRIPTIONS).status();
    assert_eq!(with("last"), 304);
    assert_eq!(with("\"last\""), 200);
    assert_eq!(with("other"), 200);
}

// 2 Subscriptions: the request URI, its query included, must match `mercure.subscribe`; else 401.
#[test]
fn the_uri_must_be_granted() {
    let hub = configured(ON, "");
    let address = format!("{SUBSCRIPTIONS}/a");
    let granted = |selector: &str| Client::with(&hub, &v0(&[], &[selector]));
    assert_eq!(granted(&address).get(&address).status(), 200);
    assert_eq!(granted(&format!("{SUBSCRIPTIONS}/{{topic}}")).get(&address).status(), 200);
    // With the query.
    assert_eq!(granted(&address).get(&format!("{address}?x=y")).status(), 401);
    assert_eq!(granted(&format!("{address}?x=y")).get(&format!("{address}?x=y")).status(), 200);
    assert_eq!(granted(&address).get(SUBSCRIPTIONS).status(), 401);
    assert_eq!(granted("a").get(&address).status(), 401);
    let publisher = Client::with(&hub, &v0(&["*"], &[]));
    assert_eq!(publisher.get(&address).status(), 401);
    assert_eq!(Client::of(&hub).get(&address).status(), 401);
}

// 2 Subscriptions: an unknown one → 404.
#[test]
fn an_unknown_subscription_is_not_found() {
    let hub = configured(ON, "");
    let everything = Client::with(&hub, &v0_all());
    assert_eq!(everything.get(&format!("{SUBSCRIPTIONS}/a/urn%3Auuid%3Ax")).status(), 404);
    let off = configured("", "");
    assert_eq!(Client::with(&off, &v0_all()).get(SUBSCRIPTIONS).status(), 404);
}
