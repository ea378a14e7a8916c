//! nginx.

use super::{Case, hub};
use crate::support::{Hub, Kind};

/// A site that is all right but for these directives in its location.
fn site(hub: &Hub, location: &str, http2: &str) -> String {
    let hub = hub.address;
    format!(
        "server {{
           listen @HTTP@;
           listen @HTTPS@ ssl {http2};
           ssl_certificate @DIR@/certificate.pem;
           ssl_certificate_key @DIR@/key.pem;
           location / {{
             proxy_pass http://{hub};
             proxy_http_version 1.1;
             proxy_set_header Connection \"\";
             proxy_set_header Host $http_host;
             proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
             {location}
           }}
         }}"
    )
}

fn check(location: &str, expected: &'static [&'static str], fix: &'static str) {
    let hub = hub();
    let configuration = site(&hub, location, "http2");
    Case { kind: Kind::Nginx, configuration, is_secure: true, more: &[], expected, fix }.run();
}

#[test]
fn the_usual_is_all_right() {
    check("", &[], "");
}

// What comes in chunks nginx passes on as it comes, even where it buffers; from HTTP/1.0, its default, it does not.
#[test]
fn buffering() {
    let hub = hub();
    let directives = "proxy_ignore_headers X-Accel-Buffering;";
    let configuration = site(&hub, directives, "http2").replace("proxy_http_version 1.1;", "");
    let (expected, fix): (&[_], _) = (&["timing", "upstream-http"], "proxy_buffering off;");
    Case { kind: Kind::Nginx, configuration, is_secure: true, more: &[], expected, fix }.run();
}

#[test]
fn compression() {
    check("gzip on; gzip_types text/event-stream; gzip_proxied any;", &["compression"], "gzip off;");
}

#[test]
fn cut_when_idle() {
    check("proxy_read_timeout 2s;", &["idle"], "proxy_read_timeout 1h;");
}

#[test]
fn a_lost_cursor() {
    check("proxy_set_header Last-Event-ID \"\";", &["last-event-id"], "proxy_set_header Last-Event-ID");
}

#[test]
fn lost_credentials() {
    let directives = "proxy_set_header Authorization \"\"; proxy_set_header Cookie \"\";";
    check(directives, &["authorization", "cookie"], "proxy_set_header Authorization");
}

#[test]
fn a_lost_query() {
    let hub = hub();
    // With a variable in it, the address is taken as it is.
    let address = format!("proxy_pass http://{};", hub.address);
    let with_variable = format!("set $hub {}; proxy_pass http://$hub$uri;", hub.address);
    let configuration = site(&hub, "", "http2").replace(&address, &with_variable);
    assert!(configuration.contains("$uri"));
    Case {
        kind: Kind::Nginx,
        configuration,
        is_secure: true,
        more: &[],
        expected: &["query"],
        fix: "proxy_pass",
    }
    .run();
}

#[test]
fn missing_cors() {
    check("proxy_hide_header Access-Control-Allow-Origin;", &["cors"], "proxy_hide_header");
}

#[test]
fn cors_twice() {
    check("add_header Access-Control-Allow-Origin *;", &["cors"], "add_header");
}

#[test]
fn http_1_only() {
    let hub = hub();
    let configuration = site(&hub, "", "");
    let (expected, fix): (&[_], _) = (&["http2"], "http2");
    Case { kind: Kind::Nginx, configuration, is_secure: true, more: &[], expected, fix }.run();
}

#[test]
fn everything_left_at_its_default() {
    let hub = hub();
    let configuration =
        format!("server {{ listen @HTTP@; location / {{ proxy_pass http://{}; }} }}", hub.address);
    let expected: &[_] = &["client-address", "upstream-http"];
    Case { kind: Kind::Nginx, configuration, is_secure: false, more: &[], expected, fix: "X-Forwarded-For" }
        .run();
}

#[test]
fn too_few_connections() {
    let hub = hub();
    let zone = "limit_conn_zone $server_port zone=streams:1m;\n";
    let configuration = zone.to_owned() + &site(&hub, "limit_conn streams 16;", "http2");
    let (expected, fix): (&[_], _) = (&["crowd"], "limit_conn");
    Case { kind: Kind::Nginx, configuration, is_secure: true, more: &[], expected, fix }.run();
}
