//! Who gets what (section 1.5): live, and again on replay.

use super::support::{API_KEY, Front, Stream, both, closed, v0, v1, with_anonymous};

/// The data of all events up to the last one, which everybody gets.
async fn all(mut stream: Stream) -> String {
    let mut got = String::new();
    loop {
        match stream.data().await {
            end if end == "end" => return got,
            data => got += &data,
        }
    }
}

/// Publishes: 1 public, 2 private, 3 private with an alternate, 4 public elsewhere, 5 private elsewhere.
async fn publish_all(front: &Front) {
    let token = v1(&["*"], &[]);
    for form in [
        "topic=/books/1&data=1",
        "topic=/books/1&data=2&private=on",
        "topic=/books/1&topic=/users/ann&data=3&private",
        "topic=/elsewhere&data=4",
        "topic=/elsewhere&data=5&private=0",
        "topic=/books/end&data=end",
    ] {
        assert_eq!(front.publish(&token, form).await.status(), 200, "{form}");
    }
}

// 1.5, 2 Delivery
#[tokio::test]
async fn what_matches_and_may_be_seen_is_delivered() {
    let front = Front::new(with_anonymous(&["*"]), both());
    let table = [
        (None, "match_urlpattern=/books/:id", "1"),
        (Some(v1(&[], &[])), "match_urlpattern=/books/:id", "1"),
        (Some(v1(&[], &["/books/1"])), "match_urlpattern=/books/:id", "123"),
        (Some(v1(&[], &["/books/:id"])), "match=*", "1234"),
        // What is authorised need not be what is matched.
        (Some(v1(&[], &["/users/ann"])), "match_urlpattern=/books/:id", "13"),
        (Some(v1(&[], &["*"])), "match=*", "12345"),
        (Some(v1(&[], &["*"])), "match=/users/ann&match=/books/end", "3"),
        (Some(v1(&["*"], &[])), "match=*", "14"),
        (None, "topic=/books/%7Bid%7D", "1"),
        (Some(v0(&[], &["/books/1"])), "topic=/books/%7Bid%7D", "123"),
        (Some(v0(&[], &["/users/{name}"])), "topic=/books/%7Bid%7D", "13"),
        (Some(v0(&[], &["*"])), "topic=*", "12345"),
        (Some(v1(&[], &["*"])), "topic=*", "12345"),
    ];
    let mut live = Vec::new();
    for (token, query, _) in &table {
        live.push(match token {
            Some(token) => front.subscribe(token, query).await,
            None => front.get(&format!("/.well-known/mercure?{query}")).await.stream(),
        });
    }
    publish_all(&front).await;
    for ((token, query, expected), stream) in table.iter().zip(live) {
        assert_eq!(all(stream).await, *expected, "live {token:?} {query}");
        let query = format!("{query}&last_event_id=earliest");
        let replayed = match token {
            Some(token) => front.subscribe(token, &query).await,
            None => front.get(&format!("/.well-known/mercure?{query}")).await.stream(),
        };
        assert_eq!(all(replayed).await, *expected, "replay {token:?} {query}");
    }
}

// 1.5: replay goes by the token of today
#[tokio::test]
async fn a_cursor_gives_no_rights() {
    let front = Front::new(closed(), both());
    let id = front.publish(&v1(&["*"], &[]), "topic=/books/0&data=0&private").await.text().await;
    publish_all(&front).await;
    let query = format!("match_urlpattern=/books/:id&last_event_id={id}");
    assert_eq!(all(front.subscribe(&v1(&[], &["*"]), &query).await).await, "123");
    assert_eq!(all(front.subscribe(&v1(&[], &[]), &query).await).await, "1");
}

#[tokio::test]
async fn a_key_sees_what_it_may_and_private_events_too() {
    let front = Front::new(closed(), both());
    let stream = front.subscribe(API_KEY, "match=*").await;
    publish_all(&front).await;
    assert_eq!(all(stream).await, "123");
}
