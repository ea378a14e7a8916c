//! Who may publish and see what on the native front, and what administrators ask and do about it. The Mercure front's
//! rules are in `mercure.rs`.

mod admin;
mod application;
mod callback;
mod keys;
mod laravel;
mod private;
mod tokens;

use crate::support::{BOUND, Connection, Hub, Listener, Response};

/// Long enough for the configuration.
const BACKEND: &str = "backend-secret-0123456789";
const READER: &str = "reader-secret-0123456789";
const ADMIN: &str = "admin-secret-0123456789";
/// Of the tokens that the tests mint.
const TOKEN_SECRET: &str = "token-secret-0123456789-0123456789-0123456789";

/// Keys of three kinds, tokens, and anonymous subscribers of public events.
const CONFIGURATION: &str = r#"
[[keys]]
name = "backend"
secret = "backend-secret-0123456789"
publish = ["*"]

[[keys]]
name = "reader"
secret = "reader-secret-0123456789"
subscribe = ["orders.*"]

[[keys]]
name = "admin"
secret = "admin-secret-0123456789"
admin = true

[[jwt]]
name = "app"
key = "token-secret-0123456789-0123456789-0123456789"

[anonymous]
subscribe = ["public.*", "orders.1"]
"#;

fn hub() -> Hub {
    Hub::configured(CONFIGURATION)
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

/// A request with a key or token.
fn with(hub: &Hub, token: &str, method: &str, target: &str, body: &str) -> Response {
    hub.request(method, target, &[("Authorization", &bearer(token))], body.as_bytes())
}

/// Publishes with the backend's key.
fn publish(hub: &Hub, target: &str, data: &str) -> String {
    with(hub, BACKEND, "POST", target, data).receipt()["id"].as_str().unwrap().to_owned()
}

/// A subscription with these headers, or the answer to it if it is not accepted.
fn subscribe(hub: &Hub, query: &str, headers: &[(&str, &str)]) -> Result<Listener, Response> {
    let mut connection = Connection::open(hub.address, BOUND).unwrap();
    connection.send_request("GET", &format!("/events?{query}"), headers, b"").unwrap();
    Listener::read_or_answer(connection).unwrap()
}

fn subscribe_with(hub: &Hub, token: &str, query: &str) -> Result<Listener, Response> {
    subscribe(hub, query, &[("Authorization", &bearer(token))])
}
