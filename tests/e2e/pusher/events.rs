//! Publishing, with the requests of the SDKs as they were captured; signed anew, for they are of their time.

use super::{SECRET, hub, listen, now, post, signature, signed};
use crate::support::{BOUND, Connection, Hub, Listener};

/// What PHP's Guzzle sends for Laravel, the Content-Length aside.
const PHP: &str = "User-Agent: GuzzleHttp/7\r\nContent-Type: application/json\r\nX-Pusher-Library: pusher-http-php 7.2.6\r\n";
/// What node-fetch sends.
const NODE: &str = "x-pusher-library: pusher-http-node 5.3.4\r\ncontent-type: application/json\r\nAccept: */*\r\n\
                    User-Agent: node-fetch/1.0 (+https://github.com/bitinn/node-fetch)\r\nAccept-Encoding: gzip,deflate\r\n\
                    Connection: keep-alive\r\n";

/// Sends the bytes of a request, and checks that the answer is the one that all SDKs take.
fn send(hub: &Hub, target: &str, headers: &str, body: &str) {
    let mut connection = hub.connect();
    let length = body.len();
    let host = hub.address;
    let head = format!("POST {target} HTTP/1.1\r\nHost: {host}\r\n{headers}Content-Length: {length}\r\n\r\n");
    connection.send(head + body).unwrap();
    let answer = connection.response("POST").unwrap();
    assert_eq!((answer.status(), answer.text().as_str()), (200, "{}"));
    assert_eq!(answer.header("content-type"), Some("application/json"));
}

#[test]
fn what_laravel_sends_is_published_byte_for_byte() {
    let hub = hub();
    let mut stream = listen(&hub, "pattern=*");
    for (path, body, expected) in [
        (
            "events",
            r#"{"name":"App\\Events\\PublicMessageNow","data":"{\"message\":\"Hello from Laravel!\"}","channel":"messages"}"#,
            &[("App\\Events\\PublicMessageNow", r#"{"message":"Hello from Laravel!"}"#)][..],
        ),
        (
            "events",
            r#"{"name":"App\\Events\\OrderShipped","data":"{\"n\":1.0,\"e\":{},\"id\":12345678901234567890}","channels":["messages","private-orders.7","plain-string-channel"]}"#,
            &[("App\\Events\\OrderShipped", r#"{"n":1.0,"e":{},"id":12345678901234567890}"#); 3],
        ),
        (
            "events",
            r#"{"name":"e","data":"[]","channel":"messages","socket_id":"1234.5678"}"#,
            &[("e", "[]")],
        ),
        (
            "batch_events",
            r#"{"batch":[{"name":"e","data":"{\"x\":1}","channel":"a"},{"name":"e","data":"\"str\"","channel":"b","socket_id":"1.2"}]}"#,
            &[("e", r#"{"x":1}"#), ("e", "\"str\"")],
        ),
    ] {
        let path = format!("/apps/app-id/{path}");
        send(&hub, &signed("app-key", "POST", &path, "", body), PHP, body);
        for (name, data) in expected {
            let event = stream.event();
            assert_eq!((&*event.event, &*event.data), (*name, *data));
        }
    }
}

#[test]
fn what_node_sends_is_published_byte_for_byte() {
    let hub = hub();
    let mut stream = listen(&hub, "pattern=*");
    for (path, body, expected) in [
        (
            "events",
            r#"{"name":"message.created","data":"{\"message\":\"Hello from Node!\",\"n\":1}","channels":["messages"]}"#,
            &[r#"{"message":"Hello from Node!","n":1}"#][..],
        ),
        (
            "events",
            r#"{"name":"ev","data":"plain string","channels":["messages","private-orders.7"],"socket_id":"1234.5678"}"#,
            &["plain string", "plain string"],
        ),
        ("events", r##"{"name":"ev","data":"{\"a\":1}","channels":["#server-to-user-7"]}"##, &[r#"{"a":1}"#]),
        (
            "events",
            r#"{"name":"ev","data":"{\"nonce\":\"AA==\",\"ciphertext\":\"BB==\"}","channels":["private-encrypted-vault"]}"#,
            &[r#"{"nonce":"AA==","ciphertext":"BB=="}"#],
        ),
        (
            "batch_events",
            r#"{"batch":[{"channel":"a","name":"ev","data":"{\"x\":1}"},{"channel":"b","name":"ev","data":"str","socket_id":"1.2"}]}"#,
            &[r#"{"x":1}"#, "str"],
        ),
    ] {
        let path = format!("/apps/app-id/{path}");
        send(&hub, &signed("app-key", "POST", &path, "", body), NODE, body);
        let wanted: Vec<_> = expected.to_vec();
        assert_eq!(stream.data(expected.len()), wanted);
    }
}

/// It sorts the signature into the middle, and writes JSON with blanks.
#[test]
fn what_python_sends_is_published_byte_for_byte() {
    let hub = hub();
    let mut stream = listen(&hub, "topic=messages");
    let body = r#"{"name": "message.created", "channels": ["messages"], "data": "{\"message\": \"Hello from Python\", \"\u00e9\": 1}"}"#;
    let (path, rest) = ("/apps/app-id/events", format!("auth_version=1.0&body_md5={:x}", md5::compute(body)));
    let (key, time) = ("auth_key=app-key", format!("auth_timestamp={}", now()));
    let signature = signature("POST", path, &format!("{key}&{time}&{rest}"));
    let target = format!("{path}?{key}&auth_signature={signature}&{time}&{rest}");
    send(&hub, &target, "Content-Type: application/json\r\n", body);
    assert_eq!(stream.event().data, r#"{"message": "Hello from Python", "é": 1}"#);
}

#[test]
fn private_channels_are_for_those_who_may_see_them() {
    let hub = hub();
    let (mut reader, mut anybody) = (listen(&hub, "pattern=*"), hub.listen("pattern=*"));
    for channel in ["private-a", "presence-a", "private-encrypted-a", "#server-to-user-7", "public"] {
        let body = format!(r#"{{"name":"e","data":"{channel}","channels":["{channel}"]}}"#);
        assert_eq!(post(&hub, "/apps/app-id/events", &body).status(), 200);
        assert_eq!(reader.event().data, channel);
    }
    assert_eq!(anybody.event().data, "public");
}

/// `toOthers()`: the connection that caused the event does not get it, and nobody is told which that was.
#[test]
fn a_socket_does_not_get_what_it_caused() {
    let hub = hub();
    let open = || {
        let mut connection = Connection::open(hub.address, BOUND).unwrap();
        connection.send_request("GET", "/wave?channel=messages", &[], b"").unwrap();
        Listener::read(connection).unwrap()
    };
    let (mut own, mut other) = (open(), open());
    let socket = own.head.header("x-socket-id").unwrap().to_owned();
    for stream in [&mut own, &mut other] {
        assert_eq!(stream.event().event, "general.connected");
    }
    for (data, more) in [("mine", format!(r#","socket_id":"{socket}""#)), ("all", String::new())] {
        let body = format!(r#"{{"name":"e","data":"\"{data}\"","channel":"messages"{more}}}"#);
        assert_eq!(post(&hub, "/apps/app-id/events", &body).text(), "{}");
    }
    assert_eq!(own.event().data, "\"all\"");
    assert_eq!(other.data(2), ["\"mine\"", "\"all\""]);
}

#[test]
fn what_was_published_is_there_after_a_crash() {
    let mut hub = hub();
    let body = r#"{"name":"e","data":"kept","channels":["a","private-a"]}"#;
    assert_eq!(post(&hub, "/apps/app-id/events", body).status(), 200);
    hub.kill();
    hub.launch();
    assert_eq!(listen(&hub, "pattern=*&last_event_id=earliest").data(2), ["kept", "kept"]);
    assert!(!hub.stderr().contains(SECRET));
}
