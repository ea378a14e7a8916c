//! `POST /message`: what a chat form, a script or curl sends, to the default topic.

use crate::support::Hub;

const FORM: &str = "application/x-www-form-urlencoded";

#[test]
fn forms_json_and_text_are_published_to_the_default_topic() {
    let hub = Hub::start();
    let mut listener = hub.listen("topic=messages");
    for (content_type, body, data) in [
        (FORM, "message=Hello%2C+world&name=Ann", "Hello, world"),
        ("application/x-www-form-urlencoded; charset=UTF-8", "message=%E4%BD%A0%E5%A5%BD", "你好"),
        (FORM, "message=", ""),
        (FORM, "Hello", "Hello"),
        ("application/json", "{ \"message\":\"x\" }", "{ \"message\":\"x\" }"),
        ("Application/JSON;charset=utf-8", "[1, 2]", "[1, 2]"),
        ("text/plain;charset=UTF-8", "a=b&c", "a=b&c"),
    ] {
        let answer = hub.request("POST", "/message", &[("Content-Type", content_type)], body.as_bytes());
        assert!(answer.receipt()["id"].is_string());
        assert_eq!(listener.event().data, data, "of {content_type}");
    }
    hub.request("POST", "/message", &[], b"no type").receipt();
    assert_eq!(listener.event().data, "no type");
    hub.request("POST", "/message?event=chat&id=m1", &[("Content-Type", FORM)], b"message=x").receipt();
    let event = listener.event();
    assert_eq!((event.id.as_str(), event.event.as_str()), ("m1", "chat"));
}

#[test]
fn other_bodies_are_refused_with_what_to_send() {
    let hub = Hub::start();
    for (content_type, body, status, says) in [
        (FORM, &b"text=Hello"[..], 400, "\"message\""),
        (FORM, b"message=%ff", 400, "UTF-8"),
        (FORM, b"message=\xff", 400, "UTF-8"),
        ("application/json", b"{", 400, "not JSON"),
        ("text/plain", b"\xff", 400, "UTF-8"),
        ("multipart/form-data; boundary=x", b"--x--", 415, "application/x-www-form-urlencoded"),
        ("application/octet-stream", b"x", 415, "text/plain"),
    ] {
        let answer = hub.request("POST", "/message", &[("Content-Type", content_type)], body);
        let detail = answer.problem(status);
        assert!(detail.contains(says), "{content_type}: {detail}");
    }
    assert_eq!(hub.stats()["published"], 0);
}
