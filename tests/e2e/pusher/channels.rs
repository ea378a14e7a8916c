//! Who is there, and the end of somebody's connections.

use serde_json::json;

use super::{get, hub, listen_with, post};
use crate::support::wait_until;

#[test]
fn channels_are_occupied_while_somebody_listens() {
    let hub = hub();
    let channels = || get(&hub, "/apps/app-id/channels", "").json();
    assert_eq!(get(&hub, "/apps/app-id/channels", "").text(), r#"{"channels":{}}"#);
    let stream = hub.listen("topic=messages");
    assert_eq!(channels(), json!({ "channels": { "messages": {} } }));
    let one = get(&hub, "/apps/app-id/channels/messages", "&info=subscription_count");
    assert_eq!(one.text(), r#"{"occupied":true,"subscription_count":1}"#);
    assert_eq!(get(&hub, "/apps/app-id/connections", "").text(), r#"{"connections":1}"#);
    drop(stream);
    wait_until("nobody is there", || channels() == json!({ "channels": {} }));
    let one = get(&hub, "/apps/app-id/channels/messages", "");
    assert_eq!(one.text(), r#"{"occupied":false}"#);
    let filtered = get(&hub, "/apps/app-id/channels", "&filter_by_prefix=presence-&info=user_count");
    assert_eq!(filtered.text(), r#"{"channels":{}}"#);
    let users = get(&hub, "/apps/app-id/channels/presence-room.1/users", "");
    assert_eq!(users.text(), r#"{"users":[]}"#);
    assert_eq!(hub.get("/up").text(), r#"{"health":"OK"}"#);
}

#[test]
fn a_users_streams_are_ended() {
    let hub = hub();
    let token = |user: &str| {
        let claims = json!({ "sub": user, "exp": 9_999_999_999_u64, "tidings": { "subscribe": ["*"] } });
        let key = jsonwebtoken::EncodingKey::from_secret(b"token-secret-0123456789-0123456789-0123456789");
        jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap()
    };
    let (mut seven, mut eight) =
        (listen_with(&hub, &token("7"), "topic=a"), listen_with(&hub, &token("8"), "topic=a"));
    let answer = post(&hub, "/apps/app-id/users/7/terminate_connections", "{}");
    assert_eq!((answer.status(), answer.text().as_str()), (200, "{}"));
    while seven.next().is_ok_and(|item| item.is_some()) {}
    let body = r#"{"name":"e","data":"x","channel":"a"}"#;
    assert_eq!(post(&hub, "/apps/app-id/events", body).status(), 200);
    assert_eq!(eight.event().data, "x");
}
