//! Presence: what is announced, and what the three addresses say.

use std::time::Duration;

use serde_json::{Value, json, value::RawValue};
use tidings_auth::{Dialect, Mint};

use super::{
    super::{MercureSettings, Presence},
    support::{Answer, Front, Stream, both, closed, mint_v1, says, token_of, v0, v1},
};

const SUBSCRIPTIONS: &str = "/.well-known/mercure/subscriptions";
/// What a watcher of everything is allowed, in either dialect.
const ALL_V1: &str = "/.well-known/mercure/subscriptions/:type/:match/:subscriber";
const ALL_V0: &str = "/.well-known/mercure/subscriptions{/topic}{/subscriber}";

fn quick() -> (Front, Presence) {
    Front::with_presence(closed(), Duration::ZERO)
}

async fn document(stream: &mut Stream) -> Value {
    serde_json::from_str(&stream.data().await).unwrap()
}

/// One who watches, and has seen its own coming.
async fn watch_v1(front: &Front) -> Stream {
    let mut stream = front.subscribe(&v1(&[], &[ALL_V1]), &format!("match_urlpattern={ALL_V1}")).await;
    assert_eq!(document(&mut stream).await["match"], ALL_V1);
    stream
}

async fn watch_v0(front: &Front) -> Stream {
    let query = "topic=/.well-known/mercure/subscriptions%7B/topic%7D%7B/subscriber%7D";
    let mut stream = front.subscribe(&v0(&[], &[ALL_V0]), query).await;
    assert_eq!(document(&mut stream).await["topic"], ALL_V0);
    stream
}

// 1.8
#[tokio::test]
async fn a_subscription_of_1_0_is_announced_when_it_begins_and_ends() {
    let (front, _presence) = quick();
    let mut watcher = watch_v1(&front).await;
    let payload = Some(RawValue::from_string(r#"{"name":"Ann"}"#.to_owned()).unwrap());
    let token = token_of(&Mint { payload, ..mint_v1(&[], &["https://example.com/a"]) });
    let query = "match=https://example.com/a&match_urlpattern=/books/:id";
    let stream = front.subscribe(&token, query).await;
    let event = watcher.until("\n\n").await;
    assert!(event.contains("event: mercure\n"), "{event}");
    let data = event.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
    let first: Value = serde_json::from_str(data).unwrap();
    let subscriber = first["subscriber"].as_str().unwrap().to_owned();
    assert!(subscriber.starts_with("urn:uuid:"), "{subscriber}");
    let encoded = subscriber.replace(':', "%3A");
    let exact = format!("{SUBSCRIPTIONS}/exact/https%3A%2F%2Fexample.com%2Fa/{encoded}");
    let document_of = |active: bool| {
        json!({
            "id": exact, "type": "subscription", "subscriber": subscriber, "match": "https://example.com/a",
            "match_type": "exact", "active": active, "payload": {"name": "Ann"},
        })
    };
    assert_eq!(first, document_of(true));
    let second = document(&mut watcher).await;
    assert_eq!(second["id"], format!("{SUBSCRIPTIONS}/urlpattern/%2Fbooks%2F%3Aid/{encoded}"));
    assert_eq!(second["match_type"], "urlpattern");
    assert_eq!(second.get("payload"), None);
    drop(stream);
    assert_eq!(document(&mut watcher).await, document_of(false));
    assert_eq!(document(&mut watcher).await["active"], false);
}

// 2 Subscriptions
#[tokio::test]
async fn a_subscription_of_0_x_is_announced_in_its_own_form() {
    let (front, _presence) = quick();
    let mut watcher = watch_v0(&front).await;
    let payload = Some(RawValue::from_string("[1]".to_owned()).unwrap());
    let token = token_of(&Mint { payload, ..says(Dialect::V0, &[], &["x"]) });
    let stream = front.subscribe(&token, "topic=a/b").await;
    let event = watcher.until("\n\n").await;
    assert!(!event.contains("event:"), "{event}");
    let data = event.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
    let came: Value = serde_json::from_str(data).unwrap();
    let subscriber = came["subscriber"].as_str().unwrap();
    let document_of = |active: bool| {
        json!({
            "@context": "https://mercure.rocks/", "type": "Subscription", "topic": "a/b", "active": active,
            "id": format!("{SUBSCRIPTIONS}/a%2Fb/{}", subscriber.replace(':', "%3A")),
            "subscriber": subscriber, "payload": [1],
        })
    };
    assert_eq!(came, document_of(true));
    drop(stream);
    assert_eq!(document(&mut watcher).await, document_of(false));
}

// 1.8: announcements are private
#[tokio::test]
async fn who_may_not_see_them_gets_no_announcements() {
    let (front, presence) = quick();
    let mut nosy = front.subscribe(&v1(&["*"], &["elsewhere"]), "match=*").await;
    front.subscribe(&v1(&[], &[]), "match=a").await;
    presence.settled().await;
    front.publish(&v1(&["*"], &[]), "topic=a&data=public").await;
    assert_eq!(nosy.data().await, "public");
}

// 1.8, 2 Subscriptions
#[tokio::test]
async fn the_collections_hold_what_is_active() {
    let (front, _presence) = quick();
    let (_a, _b) = (
        front.subscribe(&v1(&[], &[]), "match=b&match=a&match_urlpattern=a").await,
        front.subscribe(&v0(&[], &[]), "topic=a").await,
    );
    let gone = front.subscribe(&v1(&[], &[]), "match=c").await;
    drop(gone);
    // Five have come, of which one has left.
    wait_for(|| front.hub.log().status().next == 6).await;
    let last = front.hub.log().status().last_id.unwrap();

    let token = v1(&[], &["*"]);
    let answer = front.get_as(&token, "/subscriptions").await;
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("etag"), format!("\"{last}\""));
    assert_eq!(
        answer.header("link"),
        format!(
            "</.well-known/mercure>; rel=\"mercure\"; last-event-id=\"{last}\"; type=\"mercure\"; \
             content-type=\"application/json\""
        )
    );
    let collection = answer.json().await;
    assert_eq!((&collection["id"], &collection["type"]), (&json!(SUBSCRIPTIONS), &json!("subscriptions")));
    let members = collection["subscriptions"].as_array().unwrap();
    let members: Vec<_> = members.iter().map(|one| (&one["match_type"], &one["match"])).collect();
    assert_eq!(
        members,
        [(&json!("exact"), &json!("a")), (&json!("exact"), &json!("b")), (&json!("urlpattern"), &json!("a"))]
    );

    let of_matcher = front.get_as(&token, "/subscriptions/exact/a").await.json().await;
    assert_eq!(of_matcher["id"], format!("{SUBSCRIPTIONS}/exact/a"));
    let [one] = &of_matcher["subscriptions"].as_array().unwrap()[..] else { panic!("{of_matcher}") };
    let rest = one["id"].as_str().unwrap().strip_prefix("/.well-known/mercure").unwrap();
    assert_eq!(front.get_as(&token, rest).await.json().await, *one);
    let nobody = front.get_as(&token, "/subscriptions/exact/nothing").await.json().await;
    assert_eq!(nobody["subscriptions"], json!([]));

    let token = v0(&[], &["*"]);
    let answer = front.get_as(&token, "/subscriptions").await;
    assert_eq!(answer.header("content-type"), "application/ld+json");
    assert_eq!(answer.header("etag"), last);
    let collection = answer.json().await;
    assert_eq!(collection["@context"], "https://mercure.rocks/");
    assert_eq!(collection["type"], "Subscriptions");
    assert_eq!(collection["lastEventID"], json!(last));
    let [one] = &collection["subscriptions"].as_array().unwrap()[..] else { panic!("{collection}") };
    assert_eq!((&one["topic"], one.get("@context")), (&json!("a"), None));
    let rest = one["id"].as_str().unwrap().strip_prefix("/.well-known/mercure").unwrap();
    let alone = front.get_as(&token, rest).await.json().await;
    assert_eq!(alone["lastEventID"], json!(last));
    assert_eq!(alone["subscriber"], one["subscriber"]);
}

// 1.8, 2 Subscriptions: before anything was published
#[tokio::test]
async fn a_hub_without_events_says_earliest() {
    let (front, _presence) = quick();
    assert_eq!(front.get_as(&v1(&[], &["*"]), "/subscriptions").await.header("etag"), "\"earliest\"");
    assert_eq!(front.get_as(&v0(&[], &["*"]), "/subscriptions").await.header("etag"), "earliest");
}

// 1.8, 2 Subscriptions: If-None-Match
#[tokio::test]
async fn what_has_not_changed_is_not_sent_again() {
    let (front, presence) = quick();
    let _stream = front.subscribe(&v1(&[], &[]), "match=a").await;
    presence.settled().await;
    for token in [v1(&[], &["*"]), v0(&[], &["*"])] {
        let authorization = format!("Bearer {token}");
        let tag = front.get_as(&token, "/subscriptions").await.header("etag").to_owned();
        let ask = async |tag: &str| {
            let headers = [("authorization", &*authorization), ("if-none-match", tag)];
            front.send("GET", SUBSCRIPTIONS, &headers, "").await
        };
        let same = ask(&tag).await;
        assert_eq!((same.status(), same.header("etag")), (304, &*tag));
        assert_eq!(ask("\"other\"").await.status(), 200);
        let headers = [("authorization", &*authorization), ("if-none-match", &*tag)];
        let gone = front.send("GET", &format!("{SUBSCRIPTIONS}/exact/a/nobody"), &headers, "").await;
        assert_eq!(gone.status(), 404);
    }
}

// 1.8: authorization, and the errors
#[tokio::test]
async fn the_addresses_of_1_0_are_guarded() {
    let (front, _presence) = quick();
    let token = v1(&[], &["/.well-known/mercure/subscriptions", "/.well-known/mercure/subscriptions/:a/:b"]);
    assert_eq!(front.get(SUBSCRIPTIONS).await.status(), 401);
    assert_eq!(front.get_as(&format!("{token}x"), "/subscriptions").await.status(), 401);
    for (rest, status) in [
        ("/subscriptions", 200),
        // The query is no part of it.
        ("/subscriptions?x=y", 200),
        ("/subscriptions/exact/a", 200),
        ("/subscriptions/exact/a/b", 403),
        ("/subscriptions/regexp/a", 400),
        ("/subscriptions/exact/%zz", 400),
    ] {
        assert_eq!(front.get_as(&token, rest).await.status(), status, "{rest}");
    }
    let all = v1(&["*"], &["*"]);
    assert_eq!(front.get_as(&all, "/subscriptions/exact/a/urn%3Auuid%3A1").await.status(), 404);
    assert_eq!(front.send("DELETE", SUBSCRIPTIONS, &[], "").await.status(), 405);
    assert_eq!(front.get_as(&v1(&["*"], &[]), "/subscriptions").await.status(), 403);
}

// 2 Subscriptions: authorization
#[tokio::test]
async fn the_addresses_of_0_x_are_guarded() {
    let (front, _presence) = quick();
    let token =
        v0(&[], &["/.well-known/mercure/subscriptions{?page}", "/.well-known/mercure/subscriptions{/topic}"]);
    for (rest, status) in [
        ("/subscriptions", 200),
        ("/subscriptions?page=1", 200),
        ("/subscriptions?x=1", 401),
        ("/subscriptions/a", 200),
        ("/subscriptions/a/b", 401),
    ] {
        assert_eq!(front.get_as(&token, rest).await.status(), status, "{rest}");
    }
    assert_eq!(front.get(&format!("{SUBSCRIPTIONS}/a")).await.status(), 401);
    assert_eq!(front.get_as(&v0(&[], &["*"]), "/subscriptions/a/b").await.status(), 404);
}

// 2 Subscriptions: what is refused is logged, by proxies as well
#[tokio::test]
async fn a_token_in_the_query_is_in_no_answer() {
    let hub = |presence| MercureSettings { presence, query_token: true, ..both() };
    let (front, _presence) = Front::with_presence_and(closed(), Duration::ZERO, hub);
    let page = "/.well-known/mercure/subscriptions{?page}";
    let token = v0(&[], &[page]);
    for (rest, status) in [
        ("?page=1&authorization=", 200),
        ("/a?authorization=", 401),
        ("?x=1&access_token=y&authorization=", 401),
    ] {
        let answer = front.get(&format!("{SUBSCRIPTIONS}{rest}{token}")).await;
        assert_eq!(answer.status(), status, "{rest}");
        let challenge = answer.challenge().to_owned();
        let text = answer.text().await;
        for part in token.split('.') {
            assert!(!challenge.contains(part) && !text.contains(part), "{challenge} {text}");
        }
        assert!(text.contains("/subscriptions"), "{text}");
    }
}

// 1.1: the feature is off by default
#[tokio::test]
async fn without_presence_there_is_nothing() {
    let front = Front::new(closed(), both());
    assert_eq!(front.get_as(&v1(&[], &["*"]), "/subscriptions").await.status(), 404);
    let _stream = front.subscribe(&v1(&[], &[]), "match=a").await;
    assert_eq!(front.hub.log().status().last_id, None);
}

// 1.8: the topic of an announcement is a topic like others
#[tokio::test]
async fn a_matcher_that_is_too_long_to_announce_is_refused() {
    let (front, _presence) = quick();
    let long = "%20".repeat(1400);
    for query in [format!("match={long}"), format!("match={}", "a".repeat(4096))] {
        assert_eq!(front.get_as(&v1(&[], &[]), &format!("?{query}")).await.status(), 400);
    }
    let query = format!("?match={}", "a".repeat(3900));
    assert_eq!(front.get_as(&v1(&[], &[]), &query).await.status(), 200);
}

// 2 Subscribe: of 0.x's thousand topics
#[tokio::test]
async fn a_hundred_matchers_are_announced_and_no_more() {
    let topics = |count| (0..count).map(|n| format!("topic=a{n}")).collect::<Vec<_>>().join("&");
    let (front, _presence) = quick();
    for (count, status) in [(100, 200), (101, 400)] {
        let answer = front.get_as(&v0(&[], &[]), &format!("?{}", topics(count))).await;
        assert_eq!(answer.status(), status, "{count}");
    }
    let front = Front::new(closed(), both());
    assert_eq!(front.get_as(&v0(&[], &[]), &format!("?{}", topics(101))).await.status(), 200);
}

// 1.8: no forgeries
#[tokio::test]
async fn nobody_publishes_an_announcement() {
    let (front, _presence) = quick();
    let form = format!("topic={SUBSCRIPTIONS}/exact/a/urn:uuid:1&private=on");
    assert_eq!(front.publish(&v1(&["*"], &[]), &form).await.status(), 400);
    assert_eq!(front.publish(&v0(&["*"], &[]), &form).await.status(), 403);
}

// A stream that is only asked about, or not accepted, is nobody's.
#[tokio::test]
async fn only_streams_are_announced() {
    let (front, presence) = quick();
    let authorization = format!("Bearer {}", v1(&[], &[]));
    let headers = [("authorization", &*authorization)];
    let head = front.send("HEAD", "/.well-known/mercure?match=a", &headers, "").await;
    assert_eq!(head.status(), 200);
    front.hub.drain(Duration::ZERO);
    let late: Answer = front.send("GET", "/.well-known/mercure?match=a", &headers, "").await;
    assert_eq!(late.status(), 200);
    presence.settled().await;
    assert_eq!(front.hub.log().status().last_id, None);
}

// 5.11: a reconnect is not a leave and a join
#[tokio::test]
async fn who_is_back_in_time_has_never_left() {
    let (front, presence) = Front::with_presence(closed(), Duration::from_secs(3600));
    let mut watcher = watch_v1(&front).await;
    let token = token_of(&Mint { user: Some("ann".to_owned()), ..mint_v1(&[], &[]) });
    let stream = front.subscribe(&token, "match=a").await;
    let came = document(&mut watcher).await;
    drop(stream);
    wait_for(|| presence.is_waiting()).await;
    let again = front.subscribe(&token, "match=a").await;
    let list = front.get_as(&v1(&[], &["*"]), "/subscriptions/exact/a").await.json().await;
    assert_eq!(list["subscriptions"], json!([came]));
    let _other = front.subscribe(&token, "match=b").await;
    assert_eq!(document(&mut watcher).await["match"], "b");
    // When the hub stops, nobody is waited for.
    drop(again);
    wait_for(|| presence.is_waiting()).await;
    presence.settled().await;
    let left = document(&mut watcher).await;
    assert_eq!((&left["subscriber"], &left["active"]), (&came["subscriber"], &json!(false)));
}

/// Waits until the hub's own threads have come so far.
async fn wait_for(condition: impl Fn() -> bool) {
    for _ in 0..1000 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it did not come true in ten seconds");
}
