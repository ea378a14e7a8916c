//! The Pusher HTTP API: what publishers send, byte for byte, and what they are answered. The SDKs themselves are run in
//! `tests/sdk`.

mod channels;
mod events;
mod refusals;

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac;

use crate::support::{BOUND, Connection, Hub, Listener, Response};

const SECRET: &str = "app-secret-0123456789";
/// Reads everything, private events included.
const READER: &str = "reader-secret-0123456789";

/// An app of everything, one of a few channels, and somebody who sees all.
const CONFIGURATION: &str = r#"
[[pusher.apps]]
id = "app-id"
key = "app-key"
secret = "app-secret-0123456789"

[[pusher.apps]]
id = "123"
key = "shop-key"
secret = "app-secret-0123456789"
publish = ["orders.*"]

[[keys]]
name = "reader"
secret = "reader-secret-0123456789"
subscribe = ["*"]

[[jwt]]
key = "token-secret-0123456789-0123456789-0123456789"

[anonymous]
subscribe = ["*"]
"#;

fn hub() -> Hub {
    Hub::configured(CONFIGURATION)
}

/// What the parameters have to be signed with, in their order.
fn signature(method: &str, path: &str, query: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let tag = hmac::sign(&key, format!("{method}\n{path}\n{query}").as_bytes());
    tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// A target as the SDKs of Node and PHP write it: the parameters in their order, the signature behind them.
fn signed(key: &str, method: &str, path: &str, more: &str, body: &str) -> String {
    let digest = if body.is_empty() { String::new() } else { format!("&body_md5={:x}", md5::compute(body)) };
    let query = format!("auth_key={key}&auth_timestamp={}&auth_version=1.0{digest}{more}", now());
    format!("{path}?{query}&auth_signature={}", signature(method, path, &query))
}

fn post(hub: &Hub, path: &str, body: &str) -> Response {
    let target = signed("app-key", "POST", path, "", body);
    hub.request("POST", &target, &[("Content-Type", "application/json")], body.as_bytes())
}

fn get(hub: &Hub, path: &str, more: &str) -> Response {
    hub.get(&signed("app-key", "GET", path, more, ""))
}

/// A stream of somebody who sees everything.
fn listen(hub: &Hub, query: &str) -> Listener {
    listen_with(hub, READER, query)
}

fn listen_with(hub: &Hub, token: &str, query: &str) -> Listener {
    let mut connection = Connection::open(hub.address, BOUND).unwrap();
    let bearer = format!("Bearer {token}");
    let headers = [("Authorization", bearer.as_str())];
    connection.send_request("GET", &format!("/events?{query}"), &headers, b"").unwrap();
    Listener::read(connection).unwrap()
}
