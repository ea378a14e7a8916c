//! `GET /topics` and `GET /topics/{topic}`: what is alive.

use serde_json::{Value, json};

use crate::support::{Hub, wait_until};

fn names(listing: &Value) -> Vec<&str> {
    listing["topics"].as_array().unwrap().iter().map(|topic| topic["topic"].as_str().unwrap()).collect()
}

#[test]
fn topics_are_listed_by_name_with_their_counts() {
    let hub = Hub::start();
    assert_eq!(hub.get("/topics").json(), json!({ "topics": [], "more": false }));
    hub.publish("b", "1");
    let newest = hub.publish("b", "2");
    hub.request("POST", "/topics/a?id=own", &[], b"3").receipt();
    let _listener = hub.listen("topic=heard&topic=b&pattern=a*");
    wait_until("the subscription is counted", || hub.get("/topics/heard").status() == 200);
    let expected = json!({
        "topics": [
            { "topic": "a", "subscribers": 1, "events": 1, "last_id": "own" },
            { "topic": "b", "subscribers": 1, "events": 2, "last_id": newest["id"] },
            { "topic": "heard", "subscribers": 1, "events": 0, "last_id": null },
        ],
        "more": false,
    });
    assert_eq!(hub.get("/topics").json(), expected);
    assert_eq!(hub.get("/topics/b").json(), expected["topics"][1]);
    assert_eq!(names(&hub.get("/topics?pattern=*e*").json()), ["heard"]);
    let detail = hub.get("/topics/none").problem(404);
    assert!(detail.contains("none"), "{detail}");
}

#[test]
fn long_lists_come_in_pages() {
    let hub = Hub::start();
    let all: Vec<String> = (0..250).map(|n| format!("topic {n:03}")).collect();
    let line = |topic: &String| json!({ "topic": topic }).to_string() + "\n";
    let body: String = all.iter().map(line).collect();
    hub.request("POST", "/publish", &[("Content-Type", "application/x-ndjson")], body.as_bytes()).receipts();
    let mut listed: Vec<String> = Vec::new();
    let mut pages = Vec::new();
    loop {
        let after = match listed.last() {
            Some(last) => {
                format!("?after={}", form_urlencoded::byte_serialize(last.as_bytes()).collect::<String>())
            }
            None => String::new(),
        };
        let page = hub.get(&format!("/topics{after}")).json();
        pages.push(names(&page).len());
        listed.extend(names(&page).iter().map(ToString::to_string));
        if page["more"] == false {
            break;
        }
    }
    assert_eq!(pages, [100, 100, 50]);
    assert_eq!(listed, all);
    assert_eq!(names(&hub.get("/topics?limit=2&after=topic%20100").json()), ["topic 101", "topic 102"]);
    assert_eq!(names(&hub.get("/topics?limit=1000").json()).len(), 250);
    for wrong in ["?limit=x", "?limt=5", "?after=", "?pattern="] {
        let detail = hub.get(&format!("/topics{wrong}")).problem(400);
        assert!(!detail.is_empty());
    }
}

#[test]
fn a_topic_may_have_slashes_and_any_language() {
    let hub = Hub::start();
    for (path, topic) in [
        ("a/b/c", "a/b/c"),
        ("%E4%BD%A0%E5%A5%BD/%E4%B8%96%E7%95%8C", "你好/世界"),
        ("a%2Fb%20c%3F%23", "a/b c?#"),
        ("https%3A%2F%2Fexample.com%2Fbooks%2F1", "https://example.com/books/1"),
        ("a+b", "a+b"),
        ("..%2f..", "../.."),
        ("100%25", "100%"),
        ("end/", "end/"),
    ] {
        let query: String = form_urlencoded::byte_serialize(topic.as_bytes()).collect();
        let mut listener = hub.listen(&format!("topic={query}"));
        hub.publish(path, topic);
        assert_eq!(listener.event().data, topic);
        assert_eq!(hub.get(&format!("/topics/{path}")).json()["topic"], topic);
    }
    // No UTF-8.
    hub.request("POST", "/topics/%ff", &[], b"x").problem(400);
    hub.get("/topics/%ff").problem(400);
}
