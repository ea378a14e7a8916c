//! Refusals: a status that SDKs understand, and a sentence that a developer finds in the log of the application.

use super::{SECRET, hub, post, signed};
use crate::support::{Hub, Response};

const EVENT: &str = r#"{"name":"e","data":"","channel":"a"}"#;

#[track_caller]
fn says(answer: &Response, status: u16, text: &str) {
    let sentence = answer.text();
    assert!(answer.status() == status && sentence.contains(text), "{} {sentence}", answer.status());
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    assert!(!sentence.contains(SECRET) && !sentence.ends_with('.') && !sentence.contains('\n'), "{sentence}");
}

#[test]
fn a_hub_without_apps_says_what_is_to_be_done() {
    let hub = Hub::start();
    says(
        &post(&hub, "/apps/app-id/events", EVENT),
        404,
        "no app \"app-id\", and no other: put [[pusher.apps]]",
    );
    // It is open, as ever.
    hub.publish("a", "x");
}

#[test]
fn an_app_makes_the_hub_a_closed_one() {
    let app = format!("[[pusher.apps]]\nid = 1\nkey = 'k'\nsecret = '{SECRET}'");
    let hub = Hub::configured(&app);
    assert_eq!(hub.request("POST", "/topics/a", &[], b"x").status(), 401);
    assert_eq!(hub.get("/events?topic=a").status(), 401);
    assert_eq!(hub.get("/metrics").status(), 401);
}

#[test]
fn who_is_not_let_in_is_told_why() {
    let hub = hub();
    says(&post(&hub, "/apps/1/events", EVENT), 404, "no app \"1\"");
    says(
        &post(&hub, "/apps/123/events", EVENT),
        401,
        "not that of the app \"123\", but that of the app \"app-id\"",
    );
    says(&hub.request("POST", "/apps/app-id/events", &[], EVENT.as_bytes()), 401, "auth_key is missing");
    let target = signed("app-key", "POST", "/apps/app-id/events", "", EVENT);
    let send = |target: &str, body: &str| hub.request("POST", target, &[], body.as_bytes());
    says(&send(&target, "{}"), 401, "the body was changed on its way");
    says(&send(&target.replace("/events", "/batch_events"), EVENT), 401, "the signature is wrong");
    let old = target.replace("auth_timestamp=", "auth_timestamp=1");
    says(&send(&old, EVENT), 401, "the signature is wrong");
    let target = signed("shop-key", "POST", "/apps/123/events", "", EVENT);
    says(&send(&target, EVENT), 403, "the app \"123\" may not publish to \"a\"");
}

#[test]
fn what_cannot_be_published_is_refused_with_the_reason() {
    let hub = hub();
    let event = |more: &str| format!(r#"{{"name":"e","data":"x",{more}}}"#);
    let channels: Vec<_> = (0..101).map(|n| format!("c{n}")).collect();
    for (body, text) in [
        (event(r#""channel":"a b""#), "\"a b\""),
        (event(r#""channel":"a","socket_id":"x""#), "123.456"),
        (event(&format!(r#""channels":{channels:?}"#)), "101 channels"),
        (r#"{"data":"x","channel":"a"}"#.to_owned(), "no name"),
        (r#"{"name":"tidings.close","data":"x","channel":"a"}"#.to_owned(), "the hub's own"),
        ("{".to_owned(), "not the JSON"),
    ] {
        says(&post(&hub, "/apps/app-id/events", &body), 400, text);
    }
    let large = format!(r#"{{"name":"e","data":"{}","channel":"a"}}"#, "x".repeat(1 << 20));
    says(&post(&hub, "/apps/app-id/events", &large), 413, "1048576 bytes allowed (setting limits.body)");
    // Nothing of all that was published.
    let body = r#"{"name":"e","data":"x","channel":"a"}"#;
    let mut stream = super::listen(&hub, "pattern=*&last_event_id=earliest");
    assert_eq!(post(&hub, "/apps/app-id/events", body).status(), 200);
    assert_eq!(stream.event().data, "x");
}
