//! `GET /events`: the head, the first bytes, and how events stand on the wire.

use serde_json::json;
use tidings_stream::Item;

use crate::support::{Connection, Hub, Listener, item};

/// The headers of a stream, but for the date.
const HEADERS: [(&str, &str); 4] = [
    ("content-type", "text/event-stream"),
    ("cache-control", "no-cache, no-transform"),
    ("x-accel-buffering", "no"),
    ("transfer-encoding", "chunked"),
];

/// Without the date, and without what is said of the connection: a stream that has its own closes it at the end.
fn headers(listener: &Listener) -> Vec<(&str, &str)> {
    let headers = listener.head.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    headers.filter(|header| header.0 != "date" && *header != ("connection", "close")).collect()
}

#[test]
fn head_and_a_comment_come_at_once_and_nothing_else_until_there_is_an_event() {
    let hub = Hub::start();
    for target in ["/events", "/sse", "/events?topic=a"] {
        let mut connection = hub.connect();
        connection.send_request("GET", target, &[], b"").unwrap();
        let mut listener = Listener::read(connection).unwrap();
        assert_eq!(listener.head.line, "HTTP/1.1 200 OK");
        assert_eq!(headers(&listener), HEADERS, "{target}");
        assert!(listener.head.header("date").is_some());
        assert_eq!(listener.bytes_to("\n\n"), ":\nid: earliest\n\n", "{target}");
    }
}

#[test]
fn an_event_stands_on_the_wire_as_the_standard_has_it() {
    let hub = Hub::start();
    let mut listener = hub.listen("topic=a");
    assert_eq!(listener.bytes_to("\n\n"), ":\nid: earliest\n\n");
    let receipt = hub.publish("a", "x");
    let id = receipt["id"].as_str().unwrap();
    assert_eq!(listener.bytes_to("\n\n"), format!("id: {id}\ndata: x\n\n"));
    let target = "/topics/a?event=price&id=p-1&retry=1500";
    hub.request("POST", target, &[], b"EUR\n1.08").receipt();
    assert_eq!(listener.bytes_to("\n\n"), "id: p-1\nevent: price\nretry: 1500\ndata: EUR\ndata: 1.08\n\n");
}

#[test]
fn data_arrives_as_it_was_with_one_kind_of_line_end() {
    let hub = Hub::start();
    let mut listener = hub.listen("topic=a");
    for (sent, arrives) in [
        ("", ""),
        ("\n", "\n"),
        ("\n\n", "\n\n"),
        ("a\nb\n", "a\nb\n"),
        ("a\r\nb\rc\n\rd", "a\nb\nc\n\nd"),
        (" leading and trailing ", " leading and trailing "),
        ("data: x\n\nid: 7\nevent: forged\n\n:", "data: x\n\nid: 7\nevent: forged\n\n:"),
        ("你好,世界 🦀", "你好,世界 🦀"),
        ("\u{feff}bom", "\u{feff}bom"),
        ("nul \0 and \u{b}", "nul \0 and \u{b}"),
        ("\u{2028}\u{85}", "\u{2028}\u{85}"),
        ("{ \"n\": 12345678901234567890, \"e\": {} }", "{ \"n\": 12345678901234567890, \"e\": {} }"),
    ] {
        hub.publish("a", sent);
        assert_eq!(listener.event().data, arrives, "of {sent:?}");
    }
}

#[test]
fn topics_and_patterns_select_and_an_event_of_several_comes_once() {
    let hub = Hub::start();
    let mut one = hub.listen("topic=orders.1");
    let mut several = hub.listen("topic=orders.1&topic=a%20b&topic=%E4%BD%A0/%E5%A5%BD&pattern=stocks.*.eu");
    let mut default = hub.listen("");
    let mut all = hub.listen("pattern=*");
    let publish = |topics: &[&str], data: &str| {
        let body = json!({ "topics": topics, "data": data }).to_string();
        hub.request("POST", "/publish", &[], body.as_bytes()).receipt();
    };
    publish(&["orders.1"], "1");
    publish(&["a b", "stocks.x.eu", "orders.1"], "2");
    publish(&["你/好"], "3");
    publish(&["messages"], "4");
    publish(&["stocks.eu", "orders.10", "orders"], "5");
    publish(&["messages", "orders.1", "a b"], "6");
    assert_eq!(one.data(3), ["1", "2", "6"]);
    assert_eq!(several.data(4), ["1", "2", "3", "6"]);
    assert_eq!(default.data(2), ["4", "6"]);
    assert_eq!(all.data(6), ["1", "2", "3", "4", "5", "6"]);
}

#[test]
fn the_default_topic_can_be_another() {
    let hub = Hub::configured("default_topic = 'news'");
    let mut listener = hub.listen("");
    hub.request("POST", "/message", &[("Content-Type", "text/plain")], b"x").receipt();
    hub.publish("news", "y");
    assert_eq!(listener.data(2), ["x", "y"]);
}

#[test]
fn a_stream_begins_with_the_configured_retry_and_greeting() {
    let hub = Hub::configured(
        "[stream]\nretry = '2s'\n[[topic]]\npattern = 'chat.*'\ngreeting = \"Welcome\\nto 聊天\"",
    );
    let mut listener = hub.listen("topic=chat.1");
    let expected = ":\nretry: 2000\n\ndata: Welcome\ndata: to 聊天\n\nid: earliest\n\n";
    assert_eq!(listener.bytes_to("earliest\n\n"), expected);
    let receipt = hub.publish("chat.1", "x");
    let id = receipt["id"].as_str().unwrap();
    assert_eq!(Item::Event(listener.event()), item(id, "message", "x"));
    // Who comes back has been greeted.
    let mut back = Listener::open(hub.address, "topic=chat.1", id).unwrap();
    hub.publish("chat.1", "y");
    assert_eq!(back.event().data, "y");
}

#[test]
fn silence_is_filled_with_comments() {
    let hub = Hub::configured("[stream]\nheartbeat = '100ms'");
    let mut listener = hub.listen("topic=a");
    assert_eq!(listener.bytes_to("\n:\n:\n"), ":\nid: earliest\n\n:\n:\n");
    hub.publish("a", "x");
    assert_eq!(listener.event().data, "x");
}

#[test]
fn head_has_the_headers_of_a_stream_and_no_subscriber() {
    let hub = Hub::start();
    let mut connection = hub.connect();
    let answer = connection.request("HEAD", "/events?topic=a", &[], b"").unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    assert_eq!(answer.header("cache-control"), Some("no-cache, no-transform"));
    // The connection goes on, and nobody listens.
    let stats = connection.request("GET", "/stats", &[], b"").unwrap().json();
    assert_eq!(stats["subscribers"], 0);
}

#[test]
fn what_is_asked_for_wrongly_is_answered_with_the_reason() {
    let hub = Hub::start();
    for (query, says) in [
        ("topic=", "empty"),
        ("topic=a%0Ab", "control character"),
        ("pattern=", "empty"),
        ("last=many", "whole number"),
        ("last=100001", "100000"),
        (&format!("topic={}", "x".repeat(4097)), "4097 bytes"),
    ] {
        let detail = hub.get(&format!("/events?{query}")).problem(400);
        assert!(detail.contains(says), "{query}: {detail}");
    }
    // Others are left to other purposes.
    hub.listen("topic=a&_=1732147200&unknown=x");
}

/// HTTP/1.0 has no chunks: the stream is the bytes up to the end of the connection.
#[test]
fn http_1_0_gets_bare_bytes_to_the_end_of_the_connection() {
    let hub = Hub::start();
    let mut connection = Connection::open(hub.address, crate::support::BOUND).unwrap();
    connection.send("GET /events?topic=a HTTP/1.0\r\nHost: localhost\r\n\r\n").unwrap();
    let mut listener = Listener::read(connection).unwrap();
    assert_eq!(listener.head.status, 200);
    assert_eq!(listener.head.header("content-type"), Some("text/event-stream"));
    assert_eq!(listener.head.header("transfer-encoding"), None);
    assert_eq!(listener.bytes_to("\n\n"), ":\nid: earliest\n\n");
    let receipt = hub.publish("a", "x");
    let id = receipt["id"].as_str().unwrap();
    assert_eq!(listener.bytes_to("\n\n"), format!("id: {id}\ndata: x\n\n"));
}
