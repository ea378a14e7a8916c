//! `POST /publish`: one publication as JSON, or many as NDJSON, all or none.

use serde_json::{Value, json};

use crate::support::{Hub, Response, item};

const NDJSON: (&str, &str) = ("Content-Type", "application/x-ndjson");

fn publish(hub: &Hub, body: &str) -> Response {
    hub.request("POST", "/publish", &[("Content-Type", "application/json")], body.as_bytes())
}

fn publish_many(hub: &Hub, body: &str) -> Response {
    hub.request("POST", "/publish", &[NDJSON], body.as_bytes())
}

#[test]
fn one_publication_has_all_the_fields() {
    let hub = Hub::start();
    let mut listener = hub.listen("topic=b");
    listener.bytes_to("\n\n");
    let all = json!({ "topics": ["a", "b"], "data": "x\ny", "event": "e", "id": "i", "retry": 7, "private": false });
    let receipt = publish(&hub, &all.to_string()).receipt();
    assert_eq!((&receipt["id"], &receipt["offset"]), (&json!("i"), &json!(0)));
    assert_eq!(listener.bytes_to("\n\n"), "id: i\nevent: e\nretry: 7\ndata: x\ndata: y\n\n");
}

#[test]
fn data_is_text_or_json_as_it_was_written() {
    let hub = Hub::start();
    let mut listener = hub.listen("topic=a");
    for (written, arrives) in [
        (r#""x\ny 你 \ud83e\udd80""#, "x\ny 你 🦀"),
        (
            r#"{ "n": 12345678901234567890, "e": {}, "f": 1.0 }"#,
            r#"{ "n": 12345678901234567890, "e": {}, "f": 1.0 }"#,
        ),
        ("[1,  2]", "[1,  2]"),
        ("3", "3"),
        ("true", "true"),
        (r#""""#, ""),
    ] {
        publish(&hub, &format!(r#"{{"topic":"a","data":{written}}}"#)).receipt();
        assert_eq!(listener.event().data, arrives, "of {written}");
    }
    publish(&hub, r#"{"topic":"a"}"#).receipt();
    assert_eq!(listener.event().data, "");
}

#[test]
fn many_get_consecutive_offsets_and_a_receipt_each() {
    let hub = Hub::start();
    let mut listener = hub.listen("pattern=*");
    hub.publish("a", "before");
    let body = "{\"topic\":\"a\",\"data\":\"1\"}\n{\"topic\":\"b\",\"data\":\"2\",\"id\":\"two\"}\r\n\n{\"topic\":\"a\",\"data\":\"3\"}\n{\"topic\":\"a\",\"data\":\"again\",\"id\":\"two\"}";
    let answer = publish_many(&hub, body);
    assert_eq!(answer.header("content-type"), Some("application/x-ndjson"));
    let receipts = answer.receipts();
    let offsets: Vec<&Value> = receipts.iter().map(|receipt| &receipt["offset"]).collect();
    assert_eq!(offsets, [1, 2, 3, 2]);
    assert_eq!(receipts[1]["id"], "two");
    assert_eq!(receipts[3]["duplicate"], true);
    assert_eq!(listener.data(4), ["before", "1", "2", "3"]);
    for content_type in ["application/ndjson", "application/jsonl; charset=utf-8", "application/x-jsonlines"]
    {
        let answer = hub.request("POST", "/publish", &[("Content-Type", content_type)], b"{\"topic\":\"a\"}");
        assert_eq!(answer.receipts().len(), 1);
    }
    assert_eq!(publish_many(&hub, "").receipts().len(), 0);
}

#[test]
fn a_bad_one_is_named_and_none_is_accepted() {
    let hub = Hub::start();
    let mut listener = hub.listen("pattern=*");
    let good = r#"{"topic":"a","data":"never"}"#;
    for (bad, says) in [
        (r#"{"topic":"a","evnt":"x"}"#, "unknown field `evnt`"),
        (r#"{"topic":""}"#, "empty"),
        ("{}", "topic"),
        (r#"{"topics":[]}"#, "topic"),
        (r#"{"topic":"a","topics":["b"]}"#, "not both"),
        (r#"{"topic":"a","event":"tidings.reset"}"#, "tidings."),
        (r#"{"topic":"a","id":"earliest"}"#, "reserved"),
        (r#"{"topic":"a","id":""}"#, "empty"),
        (r#"{"topic":"a","id":"x\ny"}"#, "line end"),
        (r#"{"topic":"a","retry":-1}"#, "-1"),
        (r#"{"topic":"a","data":"#, "EOF"),
        (r#"{"topic":"a","data":"\ud800"}"#, "hex escape"),
        ("[1]", "invalid"),
        ("nonsense", "expected"),
    ] {
        let detail = publish_many(&hub, &format!("{good}\n{good}\n{bad}")).problem(400);
        assert!(detail.starts_with("publication 3: "), "{bad}: {detail}");
        assert!(detail.contains(says), "{bad}: {detail}");
        publish(&hub, bad).problem(400);
    }
    let many: Vec<String> = (0..101).map(|n| n.to_string()).collect();
    let detail = publish(&hub, &json!({ "topics": many }).to_string()).problem(400);
    assert!(detail.contains("101 topics"), "{detail}");
    let detail = publish(&hub, &format!("{good}\n{good}")).problem(400);
    assert!(detail.contains("application/x-ndjson"), "{detail}");
    publish(&hub, "").problem(400);
    hub.request("POST", "/publish", &[NDJSON], b"{\"topic\":\"a\",\"data\":\"\xff\"}").problem(400);
    let receipt = hub.publish("a", "only");
    assert_eq!(receipt["offset"], 0);
    let expected = item(receipt["id"].as_str().unwrap(), "message", "only");
    assert_eq!(tidings_stream::Item::Event(listener.event()), expected);
}

/// A batch is one, so others' events never stand within it.
#[test]
fn batches_of_several_publishers_do_not_mix() {
    const BATCHES: usize = 40;
    const SIZE: usize = 10;
    let hub = Hub::start();
    std::thread::scope(|scope| {
        for publisher in 0..3 {
            let hub = &hub;
            scope.spawn(move || {
                let mut connection = hub.connect();
                for _ in 0..BATCHES {
                    let line = format!("{{\"topic\":\"a\",\"data\":{publisher}}}\n");
                    connection
                        .request("POST", "/publish", &[NDJSON], line.repeat(SIZE).as_bytes())
                        .unwrap()
                        .receipts();
                }
            });
        }
    });
    let data = hub.listen("topic=a&last_event_id=earliest").data(3 * BATCHES * SIZE);
    for batch in data.chunks(SIZE) {
        assert!(batch.iter().all(|one| *one == batch[0]), "{batch:?}");
    }
}
