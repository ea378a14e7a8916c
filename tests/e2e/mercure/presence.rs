//! 1.8: active subscriptions. Not here: those that come back (`reconnections.rs`).

use serde_json::{Value, json};

use super::{
    client::{Client, SUBSCRIPTIONS, configured, hub, segment, until_end},
    token::{DETAIL, Token, detail, v1, v1_all},
};
use crate::support::{Hub, Listener, wait_until};

const ON: &str = "subscriptions = true";
/// Selects the events of all subscriptions of 1.0.
const EVENTS: &str = "/.well-known/mercure/subscriptions/:type/:match/:subscriber";

/// Who is told of those of these matchers.
pub(super) fn watcher(hub: &Hub, matchers: &[&str]) -> Listener {
    let everything = Client::with(hub, &v1_all());
    let patterns: Vec<String> = matchers
        .iter()
        .map(|matcher| format!("{SUBSCRIPTIONS}/:type/{}/:subscriber", segment(matcher)))
        .collect();
    let fields: Vec<_> = patterns.iter().map(|pattern| ("match_urlpattern", pattern.as_str())).collect();
    everything.listen(&fields)
}

/// The next event of a watcher: its topic's document, which must look as one.
pub(super) fn told(watcher: &mut Listener) -> Value {
    let event = watcher.event();
    assert_eq!(event.event, "mercure", "{event:?}");
    let document: Value = serde_json::from_str(&event.data).unwrap();
    assert_eq!(document["type"], "subscription");
    let subscriber = document["subscriber"].as_str().unwrap();
    let uuid = subscriber.strip_prefix("urn:uuid:").unwrap();
    assert!(uuid.len() == 36 && uuid.as_bytes()[14] == b'4', "{subscriber}");
    let id = format!(
        "{SUBSCRIPTIONS}/{}/{}/{}",
        document["match_type"].as_str().unwrap(),
        segment(document["match"].as_str().unwrap()),
        segment(subscriber)
    );
    assert_eq!(document["id"], id);
    document
}

/// What the collection at this address holds.
pub(super) fn listed(client: &Client<'_>, address: &str) -> Vec<Value> {
    let answer = client.get(address);
    assert_eq!(answer.status(), 200, "{address}: {}", answer.text());
    answer.json()["subscriptions"].as_array().unwrap().clone()
}

// 1.8 On connect and on disconnect, for every matcher, an event `mercure` whose document tells of it.
#[test]
fn who_subscribes_and_leaves_is_announced() {
    let hub = configured(ON, "");
    let mut watcher = watcher(&hub, &["https://example.com/a", "/books/:id"]);
    let subscriber = Client::with(&hub, &v1(&["subscribe"], &["a"]))
        .listen(&[("match", "https://example.com/a"), ("match_urlpattern", "/books/:id")]);
    let mut joined = [told(&mut watcher), told(&mut watcher)];
    joined.sort_by_key(|document| document["match_type"].to_string());
    let [exact, pattern] = &joined;
    assert_eq!(exact["match"], "https://example.com/a");
    assert_eq!(exact["match_type"], "exact");
    assert_eq!(pattern["match"], "/books/:id");
    assert_eq!(pattern["match_type"], "urlpattern");
    // One subscriber, one name.
    assert_eq!(exact["subscriber"], pattern["subscriber"]);
    for document in &joined {
        assert_eq!(document["active"], true);
        let mut keys: Vec<_> = document.as_object().unwrap().keys().map(String::as_str).collect();
        keys.sort_unstable();
        // 1.8 `payload` is omitted if there is none.
        assert_eq!(keys, ["active", "id", "match", "match_type", "subscriber", "type"]);
    }
    drop(subscriber);
    let mut left = [told(&mut watcher), told(&mut watcher)];
    left.sort_by_key(|document| document["match_type"].to_string());
    for (mut joined, left) in joined.into_iter().zip(left) {
        joined["active"] = json!(false);
        assert_eq!(left, joined);
    }
}

// 1.8 The topic has each variable percent-encoded once: everything but unreserved characters.
#[test]
fn the_topic_of_an_event_is_encoded_once() {
    let hub = configured(ON, "");
    let everything = Client::with(&hub, &v1_all());
    for (matcher, encoded) in [
        ("https://example.com/a b", "https%3A%2F%2Fexample.com%2Fa%20b"),
        ("a%20b+c", "a%2520b%2Bc"),
        ("-._~aZ09", "-._~aZ09"),
        ("é*", "%C3%A9%2A"),
        ("{id}?x=y#z", "%7Bid%7D%3Fx%3Dy%23z"),
        ("*", "%2A"),
    ] {
        let mut watcher = watcher(&hub, &[matcher]);
        let _subscriber = everything.listen(&[("match", matcher)]);
        let document = told(&mut watcher);
        assert_eq!(document["match"], matcher);
        let id = document["id"].as_str().unwrap();
        assert!(id.starts_with(&format!("{SUBSCRIPTIONS}/exact/{encoded}/urn%3Auuid%3A")), "{id}");
        // The topic is the id, which is an address, too.
        assert_eq!(everything.get(id).json(), document);
        let mut replayed = everything.listen(&[("match", id), ("last_event_id", "earliest")]);
        assert_eq!(replayed.event().data.parse::<Value>().unwrap(), document);
    }
}

// 1.8 The events are private: whoever has no grant for them gets none.
#[test]
fn only_who_may_hears_of_it() {
    let hub = configured(ON, "[anonymous]\nsubscribe = ['*']");
    let publisher = Client::with(&hub, &v1_all());
    let mut anonymous = Client::of(&hub).listen(&[("match", "*")]);
    let mut limited = Client::with(&hub, &v1(&["subscribe"], &["a"])).listen(&[("match", "*")]);
    let mut watcher = watcher(&hub, &["a"]);
    let _subscriber = Client::of(&hub).listen(&[("match", "a")]);
    assert_eq!(told(&mut watcher)["match"], "a");
    for listener in [&mut anonymous, &mut limited] {
        assert_eq!(until_end(&publisher, listener), [""; 0]);
    }
}

// 1.8 Registered first, then announced: a subscriber can receive its own event.
#[test]
fn a_subscriber_can_hear_of_itself() {
    let hub = configured(ON, "");
    let mut listener = Client::with(&hub, &v1_all()).listen(&[("match_urlpattern", EVENTS)]);
    assert_eq!(told(&mut listener)["match"], EVENTS);
}

// 1.8 Who hears of a subscription finds it listed, and who hears of its end does not.
#[test]
fn the_list_is_as_the_events_say() {
    let hub = configured(ON, "");
    let everything = Client::with(&hub, &v1_all());
    let mut watcher = watcher(&hub, &["a"]);
    for _ in 0..20 {
        let subscriber = everything.listen(&[("match", "a")]);
        let joined = told(&mut watcher);
        let id = joined["id"].as_str().unwrap();
        assert_eq!(everything.get(id).json(), joined);
        drop(subscriber);
        assert_eq!(told(&mut watcher)["id"], id);
        // 1.8: 404 for an unknown subscription.
        assert_eq!(everything.get(id).status(), 404);
        assert_eq!(listed(&everything, &format!("{SUBSCRIPTIONS}/exact/a")), [] as [Value; 0]);
    }
}

// 1.8 Payload: that of the first subscribe detail one of whose matchers matches the subscription's own matcher, taken for
// a topic; a detail that matches and has none means none.
#[test]
fn the_payload_is_that_of_the_first_detail_that_matches() {
    let hub = configured(ON, "");
    let with = |mut detail: Value, payload: Value| {
        detail["payload"] = payload;
        detail
    };
    let pattern = json!({ "type": DETAIL, "actions": ["subscribe"], "payload": [1, null],
        "topics": [{ "match": "/books/:id", "match_type": "urlpattern" }] });
    let token = Token::v1(json!([
        with(detail(&["publish"], &["*"]), json!("of a publisher")),
        with(detail(&["subscribe"], &["a"]), json!({ "user": "Ada", "n": 12_345_678_901_234_567_890_u64 })),
        detail(&["subscribe"], &["b"]),
        pattern,
        with(detail(&["subscribe"], &["*"]), json!("of everything")),
    ]));
    let subscriber = Client::with(&hub, &token.signed());
    for (parameter, matcher, payload) in [
        ("match", "a", json!({ "user": "Ada", "n": 12_345_678_901_234_567_890_u64 })),
        ("match", "b", Value::Null),
        ("match", "/books/1", json!([1, null])),
        ("match", "c", json!("of everything")),
        ("match", "*", json!("of everything")),
        ("match_urlpattern", "/authors/:id", json!("of everything")),
    ] {
        let mut watcher = watcher(&hub, &[matcher]);
        let _subscriber = subscriber.listen(&[(parameter, matcher)]);
        let document = told(&mut watcher);
        assert_eq!(document.get("payload"), Some(&payload).filter(|payload| !payload.is_null()), "{matcher}");
    }
}

// 1.8 The three addresses, and their documents. Collections hold the active ones only.
#[test]
fn subscriptions_are_listed_at_three_addresses() {
    let hub = configured(ON, "");
    let everything = Client::with(&hub, &v1_all());
    let answer = everything.get(SUBSCRIPTIONS);
    assert_eq!(answer.json(), json!({ "id": SUBSCRIPTIONS, "type": "subscriptions", "subscriptions": [] }));
    let mut watcher = watcher(&hub, &["a", "b", "/c/:id"]);
    let one = everything.listen(&[("match", "a"), ("match", "b")]);
    let other = everything.listen(&[("match", "a"), ("match_urlpattern", "/c/:id")]);
    let documents: Vec<_> = (0..4).map(|_| told(&mut watcher)).collect();

    let of = |matcher: &str| {
        let mut found: Vec<_> =
            documents.iter().filter(|document| document["match"] == matcher).cloned().collect();
        found.sort_by_key(|document| document["id"].to_string());
        found
    };
    let address = format!("{SUBSCRIPTIONS}/exact/a");
    let mut of_a = listed(&everything, &address);
    of_a.sort_by_key(|document| document["id"].to_string());
    assert_eq!(of_a, of("a"));
    assert_eq!(everything.get(&address).json()["id"], address.as_str());
    assert_eq!(everything.get(&address).json()["type"], "subscriptions");
    let address = format!("{SUBSCRIPTIONS}/urlpattern/{}", segment("/c/:id"));
    assert_eq!(listed(&everything, &address), of("/c/:id"));
    // Not the exact topic of the same text.
    assert_eq!(
        listed(&everything, &format!("{SUBSCRIPTIONS}/exact/{}", segment("/c/:id"))),
        [] as [Value; 0]
    );
    // With the watcher's own three.
    let all = listed(&everything, SUBSCRIPTIONS);
    assert_eq!(all.len(), 4 + 3);
    assert!(documents.iter().all(|document| all.contains(document)), "{all:?}");
    for document in &documents {
        assert_eq!(everything.get(document["id"].as_str().unwrap()).json(), *document);
    }
    drop((one, other));
    wait_until("only the watcher is listed", || listed(&everything, SUBSCRIPTIONS).len() == 3);
}

// 1.8 Headers of all three: Content-Type, Link and ETag with the last event's id, or `earliest`; and 304.
#[test]
fn the_documents_have_validators() {
    let hub = configured(ON, "");
    let everything = Client::with(&hub, &v1_all());
    let link = |id: &str| {
        format!(
            "</.well-known/mercure>; rel=\"mercure\"; last-event-id=\"{id}\"; type=\"mercure\"; \
             content-type=\"application/json\""
        )
    };
    let answer = everything.get(SUBSCRIPTIONS);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("link"), Some(link("earliest").as_str()));
    assert_eq!(answer.header("etag"), Some("\"earliest\""));

    let mut watcher = watcher(&hub, &["a"]);
    let subscriber = everything.listen(&[("match", "a")]);
    let own = told(&mut watcher)["id"].as_str().unwrap().to_owned();
    let last = everything.published(&[("topic", "x"), ("id", "a \"quoted\" 100%"), ("data", "x")]);
    let encoded = "a%20%22quoted%22%20100%25";
    for address in [SUBSCRIPTIONS, &format!("{SUBSCRIPTIONS}/exact/a"), &own] {
        let answer = everything.get(address);
        assert_eq!(answer.header("content-type"), Some("application/json"), "{address}");
        assert_eq!(answer.header("link"), Some(link(encoded).as_str()), "{address}");
        let etag = answer.header("etag").unwrap();
        assert_eq!(etag, format!("\"{encoded}\""), "{address}");
        let again = everything.clone().header("If-None-Match", etag).get(address);
        assert_eq!((again.status(), again.header("etag")), (304, Some(etag)), "{address}");
        let other = everything.clone().header("If-None-Match", "\"other\"").get(address);
        assert_eq!(other.status(), 200, "{address}");
    }
    // The cursor of the document goes on where it ends.
    let mut listener =
        everything.listen(&[("match_urlpattern", EVENTS), ("match", "a"), ("last_event_id", &last)]);
    drop(subscriber);
    loop {
        let document = told(&mut listener);
        if document["id"] == own.as_str() {
            assert_eq!(document["active"], false);
            break;
        }
    }
}

// 1.8 Authorization: the token must grant `subscribe` on the path, the query string not included.
#[test]
fn the_path_must_be_granted() {
    let hub = configured(ON, "");
    let address = format!("{SUBSCRIPTIONS}/exact/a");
    let of_path = Client::with(&hub, &v1(&["subscribe"], &[&address]));
    assert_eq!(of_path.get(&address).status(), 200);
    assert_eq!(of_path.get(&format!("{address}?x=y")).status(), 200);
    for other in [SUBSCRIPTIONS, &format!("{SUBSCRIPTIONS}/exact/b"), &format!("{address}/urn%3Auuid%3Ax")] {
        let answer = of_path.get(other);
        assert_eq!(answer.status(), 403, "{other}");
        assert!(answer.header("www-authenticate").unwrap().contains("error=\"insufficient_scope\""));
    }
    let with_query = Client::with(&hub, &v1(&["subscribe"], &[&format!("{address}?x=y")]));
    assert_eq!(with_query.get(&format!("{address}?x=y")).status(), 403);
    let publisher = Client::with(&hub, &v1(&["publish"], &["*"]));
    assert_eq!(publisher.get(&address).status(), 403);
    assert_eq!(Client::of(&hub).get(&address).status(), 401);
    assert_eq!(Client::with(&hub, &v1_all().replace('.', "x.")).get(&address).status(), 401);
    let pattern = json!([{ "type": DETAIL, "actions": ["subscribe"],
        "topics": [{ "match": format!("{SUBSCRIPTIONS}/exact/:match"), "match_type": "urlpattern" }] }]);
    assert_eq!(Client::with(&hub, &Token::v1(pattern).signed()).get(&address).status(), 200);
}

// 1.8 404 unknown subscription, 400 unknown match_type or bad escape.
#[test]
fn wrong_addresses_are_told_apart() {
    let hub = configured(ON, "");
    let everything = Client::with(&hub, &v1_all());
    for (behind, status) in [
        ("/exact/a/urn%3Auuid%3A00000000-0000-4000-8000-000000000000", 404),
        ("/urlpattern/a/x", 404),
        ("/regexp/a", 400),
        ("/regexp/a/x", 400),
        ("/Exact/a", 400),
        ("/exact/%zz", 400),
        ("/exact/%", 400),
        ("/exact/%FF", 400),
        ("/exact/a/%2", 400),
    ] {
        let answer = everything.get(&format!("{SUBSCRIPTIONS}{behind}"));
        assert_eq!(answer.status(), status, "{behind}: {}", answer.text());
    }
}

// 1.8 A matcher too long to be announced, whose topic would be: refused, where subscriptions are on (this hub's limit).
#[test]
fn a_matcher_that_cannot_be_announced_is_refused() {
    let [on, off] = [ON, ""].map(|key| configured(key, ""));
    let long = "/".repeat(2000);
    assert_eq!(Client::with(&on, &v1_all()).refused(&[("match", &long)]).status(), 400);
    Client::with(&off, &v1_all()).listen(&[("match", &long)]);
}

// 1.8 Off unless switched on: nothing is announced.
#[test]
fn nothing_is_announced_where_it_is_off() {
    let hub = hub();
    let everything = Client::with(&hub, &v1_all());
    let mut watcher = everything.listen(&[("match", "*")]);
    drop(everything.listen(&[("match", "a")]));
    assert_eq!(until_end(&everything, &mut watcher), [""; 0]);
}
