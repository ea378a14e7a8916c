//! Subscribing: methods, parameters, the answer, the cursor.

use std::time::{Duration, SystemTime};

use tidings_auth::{Dialect, Dialects, Mint};
use tidings_hub::Unknown;

use super::{
    super::MercureSettings,
    support::{Front, PATH, both, closed, mint_v1, says, token_of, v0, v1, with_anonymous},
};

fn open() -> Front {
    Front::new(tidings_auth::Settings::default(), both())
}

// 1.1
#[tokio::test]
async fn four_methods_and_no_others() {
    let front = open();
    for (method, query, status) in [
        ("GET", "?match=a", 200),
        ("HEAD", "?match=a", 200),
        ("QUERY", "?match=a", 200),
        ("POST", "", 400),
        ("PUT", "", 405),
        ("DELETE", "?match=a", 405),
        ("OPTIONS", "", 405),
    ] {
        let answer = front.send(method, &format!("{PATH}{query}"), &[], "").await;
        assert_eq!(answer.status(), status, "{method}");
        let allowed = if status == 405 { "GET, HEAD, QUERY, POST" } else { "" };
        assert_eq!(answer.header("allow"), allowed, "{method}");
    }
}

// 1.3, 2 Subscribe
#[tokio::test]
async fn a_stream_begins_with_a_comment_and_says_what_it_is() {
    let front = open();
    for query in ["match=a", "topic=a"] {
        let answer = front.get(&format!("{PATH}?{query}")).await;
        for (name, value) in [
            ("content-type", "text/event-stream"),
            ("x-accel-buffering", "no"),
            ("x-frame-options", "DENY"),
            ("x-content-type-options", "nosniff"),
            ("content-security-policy", "default-src 'self'"),
            ("mercure-last-event-id", ""),
            ("last-event-id", ""),
        ] {
            assert_eq!(answer.header(name), value, "{query} {name}");
        }
        assert!(answer.header("cache-control").starts_with("no-cache"));
        assert_eq!(answer.stream().until("\n").await, ":\n");
    }
}

// 1.3, 2 Subscribe
#[tokio::test]
async fn a_head_is_answered_like_a_get_and_is_no_subscriber() {
    let front = open();
    for (query, name) in
        [("match=a&last_event_id=x", "mercure-last-event-id"), ("topic=a&lastEventID=x", "last-event-id")]
    {
        let answer = front.send("HEAD", &format!("{PATH}?{query}"), &[], "").await;
        assert_eq!(answer.header("content-type"), "text/event-stream");
        assert_eq!(answer.header(name), "earliest");
        assert_eq!(answer.text().await, "");
    }
    assert_eq!(front.hub.stats().subscribers, 0);
}

// 1.3, 1.4
#[tokio::test]
async fn an_event_is_framed_with_all_it_has() {
    let front = open();
    let mut stream = front.get(&format!("{PATH}?match=a&match=b")).await.stream();
    let form = "topic=x&topic=b&type=t&retry=5&id=i&data=one%0D%0Atwo%0Dthree%0Afour";
    assert_eq!(front.post(form).await.text().await, "i");
    let text = stream.until("data: four\n\n").await;
    for line in ["event: t", "retry: 5", "id: i", "data: one", "data: two", "data: three", "data: four"] {
        assert!(text.lines().any(|one| one == line), "{line} is not in {text}");
    }
    front.post("topic=a&id=j").await;
    let text = stream.until("\n\n").await;
    assert!(text.lines().any(|line| line == "data: " || line == "data:"), "{text}");
}

// 1.3
#[tokio::test]
async fn matchers_are_alternatives() {
    let front = open();
    let query = "match=a&match_exact=b&match_urlpattern=/books/:id";
    let mut stream = front.get(&format!("{PATH}?{query}")).await.stream();
    for (topic, data) in
        [("a", "1"), ("c", "no"), ("b", "2"), ("/books/1/2", "no"), ("/books/1", "3"), ("/books/:id", "4")]
    {
        front.post(&format!("topic={topic}&data={data}")).await;
    }
    for expected in ["1", "2", "3", "4"] {
        assert_eq!(stream.data().await, expected);
    }
}

// 1.3
#[tokio::test]
async fn a_query_has_its_parameters_in_the_body_too() {
    let front = open();
    let answer = front.send("QUERY", &format!("{PATH}?match=a"), &[], "match=b&last_event_id=x").await;
    assert_eq!(answer.header("mercure-last-event-id"), "earliest");
    let mut stream = answer.stream();
    for topic in ["a", "b"] {
        front.post(&format!("topic={topic}&data={topic}")).await;
        assert_eq!(stream.data().await, topic);
    }
    // A body of another method is none of it.
    let answer = front.send("GET", &format!("{PATH}?match=a"), &[], "match_regexp=b").await;
    assert_eq!(answer.status(), 200);
}

// 1.3
#[tokio::test]
async fn the_body_of_a_query_is_a_form_of_a_mebibyte_at_most() {
    let front = open();
    let large = format!("match=a&x={}", "x".repeat(1 << 20));
    assert_eq!(front.send("QUERY", PATH, &[], &large).await.status(), 413);
    let fits = &large[..1 << 20];
    assert_eq!(front.send("QUERY", PATH, &[], fits).await.status(), 200);
    let json = [("content-type", "application/json")];
    assert_eq!(front.send("QUERY", PATH, &json, "{}").await.status(), 415);
}

// 1.3, 2 Subscribe, 0
#[tokio::test]
async fn bad_requests_are_told_so() {
    let front = open();
    let many = |name: &str, count| vec![format!("{name}=a"); count].join("&");
    for query in [
        "",
        "match=a%0Ab",
        "match=a%E2%80%8Bb",
        "match=%ff",
        "Match=a",
        "match=a&match_regexp=b",
        "match_urlpattern=%7Bunclosed",
        &many("match", 101),
        &format!("match={}", "a".repeat(4097)),
        "topic=a&match=b",
        &many("topic", 1001),
        "topic=a%0Ab",
    ] {
        assert_eq!(front.get(&format!("{PATH}?{query}")).await.status(), 400, "{query:.80}");
    }
    for query in ["match=%7Bunclosed", "topic=%7Bunclosed", "match=*", "topic=*", "match_urlpattern=*"] {
        assert_eq!(front.get(&format!("{PATH}?{query}")).await.status(), 200, "{query}");
    }
}

// 0
#[tokio::test]
async fn a_dialect_that_is_off_is_named() {
    for (dialects, query, says) in [
        (Dialects { v1: true, v0: false }, "topic=a", "add \\\"0.x\\\" to [mercure] dialects"),
        (Dialects { v1: false, v0: true }, "match=a", "add \\\"1.0\\\" to [mercure] dialects"),
    ] {
        let settings = MercureSettings { dialects, ..MercureSettings::default() };
        let front = Front::new(tidings_auth::Settings::default(), settings);
        let answer = front.get(&format!("{PATH}?{query}")).await;
        assert_eq!(answer.status(), 400);
        let text = answer.text().await;
        assert!(text.contains(says), "{text}");
    }
}

// 0
#[tokio::test]
async fn both_dialects_are_spoken_at_once() {
    let front = Front::new(closed(), both());
    let mut new = front.subscribe(&v1(&[], &[]), "match_urlpattern=/books/:id").await;
    let mut old = front.subscribe(&v0(&[], &[]), "topic=/books/%7Bid%7D").await;
    for (token, data) in [(v1(&["*"], &[]), "new"), (v0(&["*"], &[]), "old")] {
        assert_eq!(front.publish(&token, &format!("topic=/books/1&data={data}")).await.status(), 200);
        assert_eq!(new.data().await, data);
        assert_eq!(old.data().await, data);
    }
}

// 1.3, 2 Subscribe: the order of checks
#[tokio::test]
async fn who_may_not_ask_is_not_told_what_is_wrong() {
    let front = Front::new(closed(), both());
    for (query, status) in [
        // 1.0 reads the parameters, then asks for the token, then looks at the matchers.
        ("match_regexp=a", 400),
        ("match_urlpattern=%7Bunclosed", 401),
        ("", 401),
        ("topic=a%0Ab", 401),
    ] {
        assert_eq!(front.get(&format!("{PATH}?{query}")).await.status(), status, "{query}");
    }
    let answer = front.get_as(&v1(&[], &[]), "").await;
    assert_eq!(answer.status(), 400);
    assert_eq!(answer.challenge(), "");
}

// 1.3
#[tokio::test]
async fn a_bad_token_is_never_taken_for_none() {
    let front = Front::new(with_anonymous(&["*"]), both());
    for query in ["match=a", "topic=a"] {
        let address = format!("{PATH}?{query}");
        assert_eq!(front.get(&address).await.status(), 200);
        let bad = format!("Bearer {}x", v1(&[], &["*"]));
        assert_eq!(front.send("GET", &address, &[("authorization", &bad)], "").await.status(), 401);
        let cookies = [("cookie", "__Secure-mercure_access_token=bad; mercureAuthorization=bad")];
        assert_eq!(front.send("GET", &address, &cookies, "").await.status(), 401);
    }
}

#[tokio::test]
async fn nobody_is_let_wait_for_a_topic_that_they_will_never_see() {
    let front = Front::new(with_anonymous(&["public"]), both());
    for (query, status) in [
        ("match=public", 200),
        ("match=secret", 401),
        ("match=public&match=secret", 401),
        ("match_urlpattern=/*", 200),
        ("match=*", 200),
        ("topic=public", 200),
        ("topic=secret", 401),
        ("topic=%7Bany%7D", 200),
    ] {
        assert_eq!(front.get(&format!("{PATH}?{query}")).await.status(), status, "{query}");
    }
    // Those of a token see all that is public.
    assert_eq!(front.get_as(&v1(&[], &[]), "?match=secret").await.status(), 200);
}

// 1.7, 2 Subscribe
#[tokio::test]
async fn the_answer_says_where_the_stream_begins() {
    let front = open();
    for data in ["1", "2", "3"] {
        front.post(&format!("topic=a&id=id{data}&data={data}")).await;
    }
    for (query, header, name, says, events) in [
        ("match=a", None, "mercure-last-event-id", "", ""),
        ("match=a&last_event_id=id1", None, "mercure-last-event-id", "id1", "23"),
        ("match=a", Some("id2"), "mercure-last-event-id", "id2", "3"),
        ("match=a&last_event_id=id1", Some("id2"), "mercure-last-event-id", "id2", "3"),
        ("match=a&last_event_id=id1", Some(""), "mercure-last-event-id", "id1", "23"),
        ("match=a&last_event_id=", None, "mercure-last-event-id", "earliest", ""),
        ("match=a", Some(""), "mercure-last-event-id", "earliest", ""),
        ("match=a&last_event_id=earliest", None, "mercure-last-event-id", "earliest", "123"),
        ("match=a&last_event_id=gone", None, "mercure-last-event-id", "earliest", "123"),
        ("match=b&last_event_id=id1", None, "mercure-last-event-id", "id1", ""),
        ("topic=a", None, "last-event-id", "", ""),
        ("topic=a&lastEventID=id1", None, "last-event-id", "id1", "23"),
        ("topic=a&lastEventId=id1", None, "last-event-id", "id1", "23"),
        ("topic=a&Last-Event-ID=id1", None, "last-event-id", "id1", "23"),
        ("topic=a&lastEventID=id1", Some("id2"), "last-event-id", "id2", "3"),
        ("topic=a&lastEventID=", None, "last-event-id", "", ""),
        ("topic=a&lastEventID=gone", None, "last-event-id", "earliest", "123"),
    ] {
        let headers: Vec<_> = header.map(|id| ("last-event-id", id)).into_iter().collect();
        let parameter = &query[..5];
        let address = format!("{PATH}?{query}&{parameter}=end");
        let answer = front.send("GET", &address, &headers, "").await;
        assert_eq!(answer.header(name), says, "{query} {header:?}");
        let mut stream = answer.stream();
        front.post("topic=end&data=end").await;
        let mut got = String::new();
        loop {
            match stream.data().await {
                end if end == "end" => break,
                data => got += &data,
            }
        }
        assert_eq!(got, events, "{query} {header:?}");
    }
}

// 5: unknown cursors by configuration
#[tokio::test]
async fn an_unknown_cursor_can_be_answered_with_a_reset() {
    let settings = MercureSettings { unknown_cursor: Unknown::ResetLive, ..both() };
    let front = Front::new(tidings_auth::Settings::default(), settings);
    front.post("topic=a&data=old").await;
    for query in ["match=a&last_event_id=gone", "topic=a&lastEventID=gone"] {
        let mut stream = front.get(&format!("{PATH}?{query}")).await.stream();
        stream.until("event: tidings.reset\n").await;
        front.post("topic=a&data=new").await;
        let text = stream.until("data: new\n").await;
        assert!(!text.contains("data: old"), "{text}");
    }
}

// 1.3: the end of a connection
#[tokio::test]
async fn a_stream_ends_with_its_lifetime() {
    let settings = MercureSettings { lifetime: Some(Duration::from_millis(100)), ..both() };
    let front = Front::new(tidings_auth::Settings::default(), settings);
    for query in ["match=a", "topic=a"] {
        assert!(front.get(&format!("{PATH}?{query}")).await.stream().end().await.starts_with(":\n"));
    }
}

// 1.3, 2 Token: the end of a connection
#[tokio::test]
async fn a_stream_ends_when_its_token_does() {
    let front = Front::new(closed(), both());
    // The hub ends streams a second early, and tells them before.
    let expires = Some(SystemTime::now() + Duration::from_secs(4));
    let new = token_of(&Mint { expires, ..mint_v1(&[], &["*"]) });
    let old = Mint { expires, ..says(Dialect::V0, &[], &["*"]) };
    let mut streams =
        [front.subscribe(&new, "match=a").await, front.subscribe(&token_of(&old), "topic=a").await];
    for stream in &mut streams {
        let text = stream.end().await;
        assert!(text.contains("event: tidings.close\n") && text.contains("expiring"), "{text}");
    }
}

// 1.6: 421
#[tokio::test]
async fn a_request_to_another_address_is_misdirected() {
    let public_urls = vec!["https://public.example".to_owned()];
    let front = Front::new(tidings_auth::Settings::default(), MercureSettings { public_urls, ..both() });
    for (method, address) in [("GET", "?match=a"), ("POST", "")] {
        assert_eq!(front.send(method, &format!("{PATH}{address}"), &[], "").await.status(), 421);
    }
}
