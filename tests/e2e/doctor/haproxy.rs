//! HAProxy, which does not say that it is there: `--proxy` does.

use super::{Case, hub};
use crate::support::{Hub, Kind};

/// A configuration that is all right but for these lines in its backend, and this patience.
fn configuration(hub: &Hub, patience: &str, backend: &str) -> String {
    let hub = hub.address;
    format!(
        "defaults
    mode http
    timeout connect 5s
    timeout client 1h
    timeout server {patience}
    option http-no-delay
frontend web
    bind @HTTP@
    bind @HTTPS@ ssl crt @DIR@/both.pem alpn h2,http/1.1
    option forwardfor
    default_backend hub
backend hub
    {backend}
    server hub {hub}
"
    )
}

fn check(patience: &str, backend: &str, expected: &'static [&'static str], fix: &'static str) {
    let hub = hub();
    let configuration = configuration(&hub, patience, backend);
    let more = &["--proxy", "haproxy"];
    Case { kind: Kind::Haproxy, configuration, is_secure: true, more, expected, fix }.run();
}

#[test]
fn cut_when_idle() {
    check("2s", "", &["idle"], "timeout server 1h");
}

// HAProxy heeds the hub's `no-transform`: it compresses other things.
#[test]
fn compression_is_harmless() {
    check("1h", "compression algo gzip\n    compression type text/event-stream", &[], "");
}

#[test]
fn a_changed_header() {
    let line = "http-response set-header Cache-Control no-cache";
    check("1h", line, &["cache-control"], line);
}

#[test]
fn a_hub_that_is_not_there() {
    let hub = hub();
    let wrong = configuration(&hub, "1h", "").replace(&hub.address.to_string(), "127.0.0.1:9");
    let (expected, fix): (&[_], _) = (&["reach"], "`server` line");
    Case { kind: Kind::Haproxy, configuration: wrong, is_secure: true, more: &[], expected, fix }.run();
}
