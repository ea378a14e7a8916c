//! `POST /topics/{topic}`: the body is the data; event, id, retry and private beside it.

use std::fmt::Write as _;

use crate::support::{Hub, item, wait_until};

const MIB: usize = 1 << 20;

#[test]
fn a_receipt_tells_id_epoch_and_offset() {
    let hub = Hub::start();
    for offset in 0..3 {
        let answer = hub.request("POST", "/topics/a", &[], b"x");
        assert_eq!(answer.header("content-type"), Some("application/json"));
        let receipt = answer.receipt();
        assert_eq!(receipt["offset"], offset);
        let epoch = receipt["epoch"].as_str().unwrap();
        assert_eq!(receipt["id"], format!("{epoch}-{offset}"));
        assert_eq!(receipt.as_object().unwrap().len(), 3, "{receipt}");
        assert!(epoch.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)));
    }
}

#[test]
fn fields_come_by_query_or_by_header_and_the_query_wins() {
    let hub = Hub::start();
    let mut listener = hub.listen("topic=a");
    listener.bytes_to("\n\n");
    let mut publish = |query: &str, headers: &[(&str, &str)]| {
        hub.request("POST", &format!("/topics/a{query}"), headers, b"x").receipt();
        listener.bytes_to("\n\n")
    };
    let event = "id: 1\nevent: e\nretry: 5\ndata: x\n\n";
    assert_eq!(publish("?event=e&id=1&retry=5", &[]), event);
    assert_eq!(publish("", &[("event", "e"), ("Id", "2"), ("RETRY", "5")]), event.replacen('1', "2", 1));
    let headers = [("Event", "f"), ("Id", "4"), ("Retry", "6")];
    assert_eq!(publish("?event=e&id=3", &headers), "id: 3\nevent: e\nretry: 6\ndata: x\n\n");
    // Percent-encoded, and UTF-8 in a header.
    assert_eq!(publish("?event=a%20b+c&id=%E4%BD%A0", &[]), "id: 你\nevent: a b c\ndata: x\n\n");
    assert_eq!(publish("", &[("event", "价"), ("id", "好")]), "id: 好\nevent: 价\ndata: x\n\n");
    assert_eq!(publish("?event=&id=5", &[]), "id: 5\ndata: x\n\n");
}

#[test]
fn a_publication_that_breaks_a_rule_is_refused_with_the_reason_and_nobody_sees_it() {
    let hub = Hub::start();
    let mut listener = hub.listen("pattern=*");
    let generated = hub.publish("a", "first")["id"].as_str().unwrap().to_owned();
    let (long, topic) = ("x".repeat(256), "x".repeat(4097));
    for (target, says) in [
        ("/topics/a?event=tidings.reset", "tidings."),
        ("/topics/a?event=tidings.x", "tidings."),
        ("/topics/a?event=a%0Ab", "line end"),
        ("/topics/a?event=a%0Db", "line end"),
        ("/topics/a?id=a%0Ab", "line end"),
        ("/topics/a?id=a%00b", "NUL"),
        ("/topics/a?id=", "empty"),
        ("/topics/a?id=%ff", "UTF-8"),
        ("/topics/a?event=%c3", "UTF-8"),
        ("/topics/a?id=earliest", "reserved"),
        ("/topics/a?id=latest", "reserved"),
        (&format!("/topics/a?id={generated}"), "reserved"),
        (&format!("/topics/a?id={long}"), "256 bytes"),
        (&format!("/topics/a?event={long}"), "256 bytes"),
        ("/topics/a?retry=soon", "milliseconds"),
        ("/topics/a?retry=-1", "milliseconds"),
        ("/topics/a?retry=86400001", "86400000"),
        ("/topics/a?private=perhaps", "true or false"),
        ("/topics/a?evnt=x", "evnt"),
        ("/topics/a%0Ab", "control character"),
        (&format!("/topics/{topic}"), "4097 bytes"),
    ] {
        let detail = hub.request("POST", target, &[], b"x").problem(400);
        assert!(detail.contains(says), "{target}: {detail}");
    }
    for body in [&b"\xff"[..], b"a\xc3", b"\xed\xa0\x80", b"\xc0\x80"] {
        let detail = hub.request("POST", "/topics/a", &[], body).problem(400);
        assert!(detail.contains("UTF-8") && detail.contains("base64"), "{detail}");
    }
    let detail = hub.request("POST", "/topics/a", &[("event", "tidings.close")], b"x").problem(400);
    assert!(detail.contains("tidings."), "{detail}");
    hub.publish("a", "last");
    assert_eq!(listener.data(2), ["first", "last"]);
    assert_eq!(hub.stats()["published"], 2);
}

#[test]
fn any_text_of_one_line_is_an_id_and_is_resumed_from() {
    let hub = Hub::start();
    let ids =
        ["1", "a:b/c?d#e", "你好 🦀", "with space", "\"quoted\"", "-", "0", "a%41", "tidings.x", "EARLIEST"];
    let mut listener = hub.listen("topic=a");
    for id in ids {
        let encoded: String = form_urlencoded::byte_serialize(id.as_bytes()).collect();
        let target = format!("/topics/a?id={encoded}");
        assert_eq!(hub.request("POST", &target, &[], id.as_bytes()).receipt()["id"], id);
        assert_eq!(tidings_stream::Item::Event(listener.event()), item(id, "message", id));
    }
    for pair in ids.windows(2) {
        let encoded: String = form_urlencoded::byte_serialize(pair[0].as_bytes()).collect();
        assert_eq!(hub.listen(&format!("topic=a&last_event_id={encoded}")).event().data, pair[1]);
        let by_header = crate::support::Listener::open(hub.address, "topic=a", pair[0]);
        assert_eq!(by_header.unwrap().event().data, pair[1]);
    }
}

#[test]
fn publishing_again_under_the_same_id_adds_nothing() {
    let hub = Hub::start();
    let mut listener = hub.listen("pattern=*");
    let publish = |topic: &str, data: &str| {
        hub.request("POST", &format!("/topics/{topic}?id=order-7"), &[], data.as_bytes()).receipt()
    };
    let first = publish("a", "1");
    assert!(first.get("duplicate").is_none());
    for topic in ["a", "b"] {
        let again = publish(topic, "another");
        assert_eq!(again["duplicate"], true);
        for key in ["id", "epoch", "offset"] {
            assert_eq!(again[key], first[key]);
        }
    }
    assert_eq!(hub.publish("a", "2")["offset"], 1);
    assert_eq!(listener.data(2), ["1", "2"]);
    assert_eq!(hub.metric("tidings_events_duplicate_total"), 2.0);
}

/// Publishers who retry do so while the first attempt is still under way.
#[test]
fn of_many_at_once_under_one_id_one_is_kept() {
    const PUBLISHERS: usize = 8;
    const IDS: usize = 50;
    let hub = Hub::start();
    let receipts: Vec<Vec<(u64, bool)>> = std::thread::scope(|scope| {
        let publish = || {
            let mut connection = hub.connect();
            let mut publish = |number: usize| {
                let target = format!("/topics/a?id=order-{number}");
                let receipt = connection.request("POST", &target, &[], b"x").unwrap().receipt();
                (receipt["offset"].as_u64().unwrap(), receipt["duplicate"] == true)
            };
            (0..IDS).map(&mut publish).collect::<Vec<_>>()
        };
        let publishers: Vec<_> = (0..PUBLISHERS).map(|_| scope.spawn(publish)).collect();
        publishers.into_iter().map(|publisher| publisher.join().unwrap()).collect()
    });
    for number in 0..IDS {
        let of_one: Vec<(u64, bool)> = receipts.iter().map(|of| of[number]).collect();
        assert!(of_one.iter().all(|(offset, _)| *offset == of_one[0].0), "{of_one:?}");
        assert_eq!(of_one.iter().filter(|(_, duplicate)| !duplicate).count(), 1, "{of_one:?}");
    }
    assert_eq!(hub.metric("tidings_log_events"), IDS as f64);
}

#[test]
fn a_mebibyte_is_taken_and_more_is_not() {
    let hub = Hub::start();
    let mut listener = hub.listen("topic=a");
    let body = "x".repeat(MIB);
    let mut connection = hub.connect();
    connection.request("POST", "/topics/a", &[], body.as_bytes()).unwrap().receipt();
    assert!(listener.event().data == body);
    for size in [MIB + 1, 3 * MIB] {
        let detail = hub.request("POST", "/topics/a", &[], "x".repeat(size).as_bytes()).problem(413);
        assert!(detail.contains("1048576") && detail.contains("limits.body"), "{detail}");
    }
    // The one before is as good as ever.
    connection.request("POST", "/topics/a", &[], b"y").unwrap().receipt();
    assert_eq!(listener.event().data, "y");
}

#[test]
fn a_body_in_chunks_is_the_same_and_as_limited() {
    let hub = Hub::configured("[limits]\nbody = '1KiB'");
    let mut listener = hub.listen("topic=a");
    let head =
        format!("POST /topics/a HTTP/1.1\r\nHost: {}\r\nTransfer-Encoding: chunked\r\n\r\n", hub.address);
    let mut connection = hub.connect();
    connection.send(format!("{head}5\r\nHello\r\n3;x=y\r\n, w\r\n4\r\norld\r\n0\r\n\r\n")).unwrap();
    connection.response("POST").unwrap().receipt();
    assert_eq!(listener.event().data, "Hello, world");
    let mut chunks = head;
    for _ in 0..3 {
        write!(chunks, "200\r\n{}\r\n", "x".repeat(512)).unwrap();
    }
    connection.send(chunks + "0\r\n\r\n").unwrap();
    connection.response("POST").unwrap().problem(413);
}

/// curl asks first when the body is large.
#[test]
fn who_expects_100_continue_gets_it() {
    let hub = Hub::start();
    let mut connection = hub.connect();
    let head =
        "POST /topics/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n";
    connection.send(head).unwrap();
    assert_eq!(connection.head("HEAD").unwrap().line, "HTTP/1.1 100 Continue");
    connection.send("Hello").unwrap();
    connection.response("POST").unwrap().receipt();
}

/// A publisher that breaks off within its body has published nothing.
#[test]
fn half_a_body_is_no_event() {
    let hub = Hub::start();
    let mut listener = hub.listen("topic=a");
    let mut connection = hub.connect();
    connection.send("POST /topics/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n\r\nhalf").unwrap();
    wait_until("it is seen", || hub.metric("tidings_connections") >= 2.0);
    drop(connection);
    hub.publish("a", "whole");
    assert_eq!(listener.event().data, "whole");
}
