//! The Echo front: what the npm client `laravel-wave` and clients like it send and are sent, against an application of this
//! test's own that answers as Laravel's `/broadcasting/auth` does, by each of its drivers. The real ones are in
//! `tests/browser`.

mod application;
mod channels;
mod client;
mod presence;
mod requests;
mod resume;
mod rights;
mod secrets;
mod whispers;

use application::{Application, Driver};
use client::Wave;

use crate::support::{Hub, Options};

/// The key of the application's server.
const BACKEND: &str = "the-key-of-the-backend";
/// How long the hub waits for who is away: long enough for a busy machine to start it again and come back meanwhile.
const GRACE_MS: u64 = 3000;

/// A hub that asks this application, on which everybody hears public channels.
fn hub(application: &Application) -> Hub {
    with(application, "")
}

fn with(application: &Application, more: &str) -> Hub {
    let configuration = format!(
        "[[keys]]\nname = 'backend'\nsecret = '{BACKEND}'\npublish = ['*']\nadmin = true\n\
         [anonymous]\nsubscribe = ['*']\n\
         [auth.callback]\nurl = '{}'\nkind = 'laravel'\ncache = '0s'\ntimeout = '5s'\n\
         [stream]\ndrain_window = '0s'\n\
         [echo]\npresence_grace = '{GRACE_MS}ms'\n{more}",
        application.url
    );
    Hub::with(Options { configuration, ..Options::default() })
}

/// What an operator is told at this address.
fn operators(hub: &Hub, target: &str) -> String {
    let key = format!("Bearer {BACKEND}");
    hub.request("GET", target, &[("Authorization", &key)], b"").text()
}

/// Publishes as the application's server does.
fn publish(hub: &Hub, topic: &str, event: &str, data: &str) {
    let body = serde_json::json!({
        "topic": topic,
        "event": event,
        "data": data,
        "private": topic.starts_with("private-") || topic.starts_with("presence-"),
    });
    let key = format!("Bearer {BACKEND}");
    let headers = [("Authorization", key.as_str()), ("Content-Type", "application/json")];
    hub.request("POST", "/publish", &headers, body.to_string().as_bytes()).receipt();
}
