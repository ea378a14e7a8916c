//! The access log of a real hub: what is in it, and what never is.

use serde_json::Value;

use crate::support::{Hub, Listener, wait_until};

const CONFIGURATION: &str = r#"
[logs]
access = "on"
format = "json"
level = "debug"

[auth]
query = true
cookie = "session"

[[keys]]
name = "backend"
secret = "backend-secret-0123456789"
publish = ["*"]
subscribe = ["*"]

[[pusher.apps]]
id = "1"
key = "app-key"
secret = "pusher-secret-0123456789"
"#;
const KEY: &str = "backend-secret-0123456789";
const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl";

fn lines(hub: &Hub) -> Vec<Value> {
    let said = hub.stderr();
    let lines = said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["target"] == "tidings::access").collect()
}

#[test]
fn each_request_has_a_line_and_a_stream_two() {
    let hub = Hub::configured(CONFIGURATION);
    let key = format!("Bearer {KEY}");
    let mut connection = hub.connect();
    connection.send_request("GET", "/events?topic=a", &[("Authorization", &key)], b"").unwrap();
    let mut listener = Listener::read(connection).unwrap();
    let answer = hub.request(
        "POST",
        "/topics/a?event=x",
        &[("Authorization", &key), ("User-Agent", "curl/8")],
        b"12345",
    );
    assert_eq!(answer.status(), 200);
    listener.event();
    drop(listener);
    wait_until("the stream's end is told", || {
        lines(&hub).iter().any(|line| line["message"] == "stream ended")
    });

    let lines = lines(&hub);
    let find = |message: &str| lines.iter().find(|line| line["message"] == message).unwrap();
    let begun = find("stream begun");
    assert_eq!((&begun["path"], &begun["method"]), (&"/events".into(), &"GET".into()), "{begun}");
    assert_eq!(begun["holder"], "key \"backend\"");
    let request = find("request");
    let expected: [(&str, Value); 7] = [
        ("method", "POST".into()),
        ("path", "/topics/a".into()),
        ("status", 200.into()),
        ("bytes", answer.body.len().into()),
        ("front", "native".into()),
        ("holder", "key \"backend\"".into()),
        ("agent", "curl/8".into()),
    ];
    for (name, value) in expected {
        assert_eq!(request[name], value, "{request}");
    }
    assert!(request["client"].as_str().unwrap().starts_with("127.") && request["ms"].is_u64(), "{request}");
    let ended = find("stream ended");
    assert_eq!((&ended["events"], &ended["reason"]), (&1.into(), &"left".into()), "{ended}");
    assert_eq!(ended["subscriber"], begun["subscriber"]);
    assert!(ended["bytes"].as_u64() > Some(0), "{ended}");
}

/// A request: its method, target and headers.
type Request = (&'static str, String, Vec<(&'static str, String)>);

#[test]
fn no_line_holds_a_secret_or_ends_early() {
    let hub = Hub::configured(CONFIGURATION);
    // What HTTP itself lets through: the rest is no header.
    let forged = "x\u{85}\u{202e}";
    let requests: Vec<Request> = vec![
        ("GET", format!("/events?topic=a&access_token={KEY}x"), vec![]),
        ("GET", format!("/events?topic=a&authorization={TOKEN}"), vec![]),
        ("POST", "/topics/a".into(), vec![("Authorization", format!("Bearer {TOKEN}"))]),
        ("POST", "/topics/a".into(), vec![("Authorization", format!("Basic {KEY}"))]),
        ("POST", "/topics/a".into(), vec![("Cookie", format!("session={TOKEN}; other={KEY}"))]),
        ("GET", format!("/topics/{TOKEN}"), vec![("X-Api-Key", KEY.to_owned())]),
        ("GET", format!("/nothing/here%2F{TOKEN}"), vec![("Referer", format!("https://x/?t={KEY}"))]),
        ("POST", format!("/apps/1/events?auth_key=app-key&auth_signature={TOKEN}&auth_timestamp=1"), vec![]),
        ("GET", "/livez".into(), vec![("User-Agent", forged.to_owned())]),
    ];
    for (method, target, headers) in &requests {
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        hub.request(method, target, &headers, b"{}");
    }
    wait_until("all are told", || lines(&hub).len() >= requests.len());
    let said = hub.stderr();
    for secret in [KEY, TOKEN, "c2lnbmF0dXJl", "pusher-secret-0123456789"] {
        assert!(!said.contains(secret), "{secret} is in\n{said}");
    }
    assert!(!said.contains(['\u{85}', '\u{202e}']), "{said}");
    assert!(lines(&hub).iter().any(|line| line["path"] == "/topics/[redacted]"), "{said}");
    assert!(lines(&hub).iter().any(|line| line["front"] == "pusher"), "{said}");
}

#[test]
fn it_is_off_unless_asked_for() {
    let hub = Hub::start();
    hub.get("/livez");
    hub.publish("a", "x");
    assert!(!hub.stderr().contains("tidings::access"), "{}", hub.stderr());
}
