//! 1.6: what carries a token.

use super::{
    client::{Client, PATH, configured, hub},
    token::{v1, v1_all},
};
use crate::support::Response;

const COOKIE: &str = "__Secure-mercure_access_token";
/// Of the right form, and nobody's.
const GARBAGE: &str =
    "eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJ4IjoxfQ.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn challenge(answer: &Response) -> &str {
    answer.header("www-authenticate").unwrap_or_else(|| panic!("no challenge: {:?}", answer.head))
}

// 1.6 (a) The header; the case of the scheme does not count.
#[test]
fn a_token_comes_in_the_header() {
    let hub = hub();
    let token = v1_all();
    for scheme in ["Bearer", "bearer", "BEARER", "bEaReR"] {
        let client = Client::of(&hub).header("Authorization", format!("{scheme} {token}"));
        client.listen(&[("match", "a")]);
        client.published(&[("topic", "a")]);
    }
}

// 1.6 (a) More than one header, or a malformed one → 400 invalid_request. Too short is here what is empty: a key of the hub
// may be shorter than a token, so whatever else is not known is 401 (`tokens.rs`). On a hub of 1.0 alone, because without a token
// nothing tells a publication's dialect, and 0.x answers 401.
#[test]
fn a_malformed_header_is_a_bad_request() {
    let hub = configured("dialects = ['1.0']", "");
    let token = v1_all();
    let twice = Client::with(&hub, &token).header("Authorization", format!("Bearer {token}"));
    let mut clients = vec![twice];
    for value in ["Bearer", "Basic dXNlcjpwYXNzd29yZA==", &token, &format!("Bearer {token} x")] {
        clients.push(Client::of(&hub).header("Authorization", value));
    }
    for client in clients {
        for answer in [client.refused(&[("match", "a")]), client.publish(&[("topic", "a")])] {
            assert_eq!(answer.status(), 400, "{}", answer.text());
            assert!(challenge(&answer).contains("error=\"invalid_request\""), "{}", challenge(&answer));
        }
    }
}

// 1.6 (b) Else the cookie.
#[test]
fn a_token_comes_in_a_cookie() {
    let hub = hub();
    for cookies in [
        format!("{COOKIE}={}", v1_all()),
        format!("a=b; {COOKIE}={}; mercureAuthorization={GARBAGE}", v1_all()),
    ] {
        Client::of(&hub).header("Cookie", cookies).listen(&[("match", "a")]);
    }
    let bad = Client::of(&hub).header("Cookie", format!("{COOKIE}={GARBAGE}"));
    assert_eq!(bad.refused(&[("match", "a")]).status(), 401);
    // The cookie of 0.x says nothing in 1.0.
    let other = Client::of(&hub).header("Cookie", format!("mercureAuthorization={}", v1_all()));
    assert_eq!(other.refused(&[("match", "a")]).status(), 401);
}

// 1.6 (b) The cookie's name is configurable.
#[test]
fn the_cookie_has_the_configured_name() {
    let hub = configured("cookie = 'hub_token'", "");
    Client::of(&hub).header("Cookie", format!("hub_token={}", v1_all())).listen(&[("match", "a")]);
    let default = Client::of(&hub).header("Cookie", format!("{COOKIE}={}", v1_all()));
    assert_eq!(default.refused(&[("match", "a")]).status(), 401);
}

// 1.6 The header wins, and the cookie is then ignored, be it better or worse.
#[test]
fn the_header_wins_over_the_cookie() {
    let hub = hub();
    let granted = format!("{COOKIE}={}", v1_all());
    let client = Client::with(&hub, GARBAGE).header("Cookie", granted.as_str());
    assert_eq!(client.refused(&[("match", "a")]).status(), 401);
    assert_eq!(client.publish(&[("topic", "a")]).status(), 401);
    let client = Client::with(&hub, &v1(&["publish"], &["b"])).header("Cookie", granted);
    assert_eq!(client.publish(&[("topic", "a")]).status(), 403);
    let client = Client::with(&hub, &v1_all()).header("Cookie", format!("{COOKIE}={GARBAGE}"));
    client.listen(&[("match", "a")]);
    // A token in the header is not sent by a browser on its own: no origin is asked for.
    client.published(&[("topic", "a")]);
}

// 1.6 `?access_token=` and `?authorization=` are ignored: a token there is none, and a bad one there does no harm.
#[test]
fn the_query_carries_no_token() {
    // Not even where 0.x takes one from there.
    let hub = configured("", "[auth]\nquery = true");
    for name in ["access_token", "authorization"] {
        assert_eq!(Client::of(&hub).refused(&[("match", "a"), (name, &v1_all())]).status(), 401, "{name}");
        Client::with(&hub, &v1_all()).listen(&[("match", "a"), (name, GARBAGE)]);
        let answer =
            Client::with(&hub, &v1_all()).request("POST", &format!("{PATH}?{name}={GARBAGE}"), b"topic=a");
        assert_ne!(answer.status(), 401, "{name}");
    }
}

// 1.6 Cookie and POST: the `Origin`, else scheme and host of the `Referer`, must be among `publish_origins`; failure →
// 400 invalid_request.
#[test]
fn a_cookie_publishes_only_from_allowed_pages() {
    let hub = configured("publish_origins = ['https://app.example', 'https://*.pages.example']", "");
    let with = |headers: &[(&'static str, &str)]| {
        let client = Client::of(&hub).header("Cookie", format!("{COOKIE}={}", v1_all()));
        let client = headers.iter().fold(client, |client, (name, value)| client.header(name, *value));
        // Subscribing asks for no origin.
        client.listen(&[("match", "a")]);
        client.publish(&[("topic", "a")])
    };
    for headers in [
        &[("Origin", "https://app.example")][..],
        &[("Origin", "https://one.pages.example")],
        &[("Referer", "https://app.example/some/page?x=y")],
        &[("Referer", "https://one.pages.example")],
        // The Origin is asked first.
        &[("Origin", "https://app.example"), ("Referer", "https://evil.example/")],
    ] {
        let answer = with(headers);
        assert_eq!(answer.status(), 200, "{headers:?}: {}", answer.text());
    }
    for headers in [
        &[][..],
        &[("Origin", "https://evil.example")],
        &[("Origin", "http://app.example")],
        &[("Origin", "https://app.example:8443")],
        &[("Origin", "https://app.example.evil.example")],
        &[("Origin", "https://evil.example/.pages.example")],
        &[("Origin", "null")],
        &[("Referer", "https://evil.example/https://app.example")],
        &[("Referer", "https://app.example@evil.example/")],
        &[("Origin", "https://evil.example"), ("Referer", "https://app.example/")],
    ] {
        let answer = with(headers);
        assert_eq!(answer.status(), 400, "{headers:?}: {}", answer.text());
        assert!(challenge(&answer).contains("error=\"invalid_request\""), "{}", challenge(&answer));
    }
}

// 1.6 Cookie and POST: `*` allows every origin, and none is allowed unless configured.
#[test]
fn origins_that_may_publish_are_configured() {
    let any = configured("publish_origins = ['*']", "");
    let none = hub();
    for (hub, status) in [(&any, 200), (&none, 400)] {
        let client = Client::of(hub)
            .header("Cookie", format!("{COOKIE}={}", v1_all()))
            .header("Origin", "https://anything.example");
        assert_eq!(client.publish(&[("topic", "a")]).status(), status);
    }
}
