//! Apache.

use super::{Case, hub};
use crate::support::Kind;

fn check(directives: &str, expected: &'static [&'static str], fix: &'static str) {
    let hub = hub();
    let configuration = format!(
        "<VirtualHost @HTTP@>
           ProxyPreserveHost On
           ProxyPass / http://{}/ flushpackets=on timeout=3600
           {directives}
         </VirtualHost>",
        hub.address
    );
    Case { kind: Kind::Apache, configuration, is_secure: false, more: &[], expected, fix }.run();
}

#[test]
fn the_usual_is_all_right() {
    check("", &[], "");
}

#[test]
fn compression() {
    check("SetOutputFilter DEFLATE", &["compression"], "no-gzip");
}

#[test]
fn lost_headers() {
    check("RequestHeader unset Last-Event-ID early", &["last-event-id"], "RequestHeader unset Last-Event-ID");
}
