//! What is no hub, or is not reached.

use super::{Case, examine, hub, wrong};
use crate::support::{Front, Hub, Kind, Program};

fn check(site: &str, expected_fix: &'static str) {
    let configuration = format!("server {{ listen @HTTP@; {site} }}");
    let (expected, more): (&[_], &[_]) = (&["reach"], &[]);
    Case { kind: Kind::Nginx, configuration, is_secure: false, more, expected, fix: expected_fix }.run();
}

#[test]
fn a_wrong_upstream() {
    check("location / { proxy_pass http://127.0.0.1:9; }", "proxy_pass");
}

#[test]
fn a_redirect() {
    check("return 301 https://elsewhere.example$request_uri;", "the address that it leads to");
}

#[test]
fn something_else() {
    check("location / { default_type text/html; return 200 '<html>'; }", "/events");
    check("location / { return 404; }", "docs/proxies.md");
    check("location / { return 401; }", "cookies");
}

#[test]
fn nobody() {
    let (answer, diagnosis) = examine("http://127.0.0.1:9", &[], &[]);
    assert_eq!(answer.code, Some(1));
    assert!(wrong(&diagnosis)[0]["seen"].as_str().unwrap().contains("nobody listens"), "{diagnosis:#}");
}

// The token is kept back, and everything else is examined all the same.
#[test]
fn a_certificate_that_nobody_trusts() {
    let hub = hub();
    let site = format!(
        "server {{ listen @HTTPS@ ssl http2; ssl_certificate @DIR@/certificate.pem; ssl_certificate_key @DIR@/key.pem;
         location / {{ proxy_pass http://{}; proxy_http_version 1.1; proxy_set_header Connection \"\";
           proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; }} }}",
        hub.address
    );
    let front = Front::start(Kind::Nginx, &site);
    let (answer, diagnosis) = examine(&front.https_url(), &[("TIDINGS_TOKEN", "secret")], &[]);
    let checks: Vec<_> = wrong(&diagnosis).iter().map(|finding| finding["check"].clone()).collect();
    assert_eq!(checks, ["certificate"], "{diagnosis:#}");
    assert_eq!(answer.code, Some(1));
    assert!(!answer.stdout.contains("secret") && !answer.stderr.contains("secret"));
}

#[test]
fn wrong_arguments() {
    let program = Program::new();
    for args in [
        &["doctor"][..],
        &["doctor", "hub.example"],
        &["doctor", "https://user:password@hub.example"],
        &["doctor", "https://hub.example", "--origin", "app.example"],
        &["doctor", "https://hub.example", "--idle", "2h"],
        &["doctor", "https://hub.example", "--streams", "0"],
    ] {
        let answer = program.run(args);
        assert_eq!(answer.code, Some(2), "{args:?}: {answer:?}");
        assert!(!answer.stderr.contains("password@"), "{answer:?}");
    }
}

#[test]
fn a_hub_with_keys_needs_none_for_most() {
    let hub = Hub::configured(
        "[[keys]]\nname = \"a\"\nsecret = \"0123456789abcdef0123456789abcdef\"\npublish = [\"*\"]\n",
    );
    let answer = Program::new().run(&["doctor", &hub.url(), "--idle", "1s"]);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    assert!(answer.stdout.contains("resuming was not tested: the hub wants a token"), "{}", answer.stdout);
    assert!(answer.stdout.ends_with("All is well.\n"), "{}", answer.stdout);
}
