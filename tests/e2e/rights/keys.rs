//! API keys and anonymous rights.

use rustix::process::Signal;

use super::{ADMIN, BACKEND, CONFIGURATION, READER, bearer, hub, publish, subscribe, subscribe_with, with};
use crate::support::{Hub, Options};

#[test]
fn a_key_publishes_and_reads_what_it_may() {
    let hub = hub();
    let mut listener = subscribe_with(&hub, READER, "topic=orders.7").unwrap();
    publish(&hub, "/topics/orders.7", "hello");
    assert_eq!(listener.event().data, "hello");
    let detail = with(&hub, READER, "POST", "/topics/orders.7", "x").problem(403);
    assert!(detail.contains("reader") && detail.contains("orders.7"), "{detail}");
    let refused = subscribe_with(&hub, READER, "topic=orders.7&topic=invoices").unwrap_err();
    let challenge = "Bearer error=\"insufficient_scope\", \
                     error_description=\"key 'reader' may not subscribe 'invoices'\"";
    assert_eq!(refused.header("WWW-Authenticate"), Some(challenge));
    let detail = refused.problem(403);
    assert!(detail.contains("invoices"), "{detail}");
}

#[test]
fn every_way_to_publish_asks_for_the_right() {
    let hub = hub();
    for (target, kind, body) in [
        ("/topics/orders.7", "text/plain", "x"),
        ("/message", "application/json", "{}"),
        ("/publish", "application/json", r#"{"topic":"orders.7","data":"x"}"#),
        ("/publish", "application/x-ndjson", "{\"topic\":\"a\"}\n{\"topic\":\"orders.7\"}\n"),
    ] {
        for (token, status) in [("", 401), ("nobody-knows-this-secret", 401), (READER, 403), (BACKEND, 200)] {
            let authorization = bearer(token);
            let mut headers = vec![("Content-Type", kind)];
            if !token.is_empty() {
                headers.push(("Authorization", &authorization));
            }
            let answer = hub.request("POST", target, &headers, body.as_bytes());
            assert_eq!(answer.status(), status, "{target} {token}: {}", answer.text());
            let challenge = answer.header("WWW-Authenticate");
            match (status, token) {
                (401, "") => assert_eq!(challenge, Some("Bearer")),
                (401, _) => assert_eq!(
                    challenge,
                    Some(
                        "Bearer error=\"invalid_token\", \
                         error_description=\"this is no key of this hub, and no JSON Web Token\""
                    )
                ),
                _ => {}
            }
        }
    }
    assert_eq!(with(&hub, ADMIN, "GET", "/stats", "").json()["published"], 5);
}

#[test]
fn of_a_batch_all_or_nothing_is_allowed() {
    let hub = Hub::configured(
        "[[keys]]\nname = 'a'\nsecret = 'secret-of-key-a-0123'\npublish = ['a']\nsubscribe = ['*']",
    );
    let body = "{\"topic\":\"a\",\"data\":\"1\"}\n{\"topics\":[\"a\",\"b\"],\"data\":\"2\"}\n";
    let key = bearer("secret-of-key-a-0123");
    let headers = [("Authorization", key.as_str()), ("Content-Type", "application/x-ndjson")];
    let detail = hub.request("POST", "/publish", &headers, body.as_bytes()).problem(403);
    assert!(detail.contains("\"b\""), "{detail}");
    let mut listener = subscribe(&hub, "pattern=*&last_event_id=earliest", &headers[..1]).unwrap();
    with(&hub, "secret-of-key-a-0123", "POST", "/topics/a", "3").receipt();
    assert_eq!(listener.event().data, "3");
}

#[test]
fn anonymous_is_a_set_of_rights_and_never_sees_what_is_private() {
    let hub = hub();
    let mut listener = subscribe(&hub, "topic=public.news&topic=orders.1", &[]).unwrap();
    publish(&hub, "/topics/public.news?private", "secret");
    publish(&hub, "/topics/orders.1?private", "secret");
    publish(&hub, "/topics/public.news", "hello");
    assert_eq!(listener.event().data, "hello");
    // What is asked for by name must be allowed; what is asked for by pattern is what may be seen of it.
    assert_eq!(subscribe(&hub, "topic=orders.2", &[]).unwrap_err().status(), 401);
    let mut by_pattern = subscribe(&hub, "pattern=*&last_event_id=earliest", &[]).unwrap();
    assert_eq!(by_pattern.event().data, "hello");
    publish(&hub, "/topics/orders.2", "not for all");
    publish(&hub, "/topics/orders.1", "for all");
    assert_eq!(by_pattern.event().data, "for all");
}

#[test]
fn a_bad_key_is_not_taken_for_none() {
    let hub = hub();
    let wrong = [
        "Bearer nobody-knows-this-secret",
        "Bearer backend-secret-012345678",
        "Basic YTpi",
        "Bearer",
        "Bearer a b",
    ];
    for authorization in wrong {
        let refused = subscribe(&hub, "topic=public.news", &[("Authorization", authorization)]).unwrap_err();
        let status = if authorization.contains("-secret") { 401 } else { 400 };
        assert_eq!(refused.status(), status, "{authorization}: {}", refused.text());
    }
    let twice = [("Authorization", "Bearer a"), ("Authorization", "Bearer b")];
    assert_eq!(subscribe(&hub, "topic=public.news", &twice).unwrap_err().status(), 400);
}

#[test]
fn a_key_has_its_rate() {
    let hub = Hub::configured(
        "[[keys]]\nname = 'slow'\nsecret = 'secret-of-the-slow-one'\npublish = ['*']\nrate = '2/s'",
    );
    let publish = || with(&hub, "secret-of-the-slow-one", "POST", "/topics/a", "x");
    let answers: Vec<_> = (0..20).map(|_| publish()).collect();
    let refused: Vec<_> = answers.iter().filter(|answer| answer.status() != 200).collect();
    assert!(!refused.is_empty() && refused.len() <= 18);
    for answer in refused {
        assert_eq!(answer.status(), 429);
        assert!(answer.header("Retry-After").unwrap().parse::<u64>().unwrap() >= 1);
        assert!(answer.text().contains("slow"), "{}", answer.text());
    }
}

#[test]
fn nothing_secret_is_written_anywhere() {
    let mut hub = hub();
    publish(&hub, "/topics/orders.7", "x");
    subscribe_with(&hub, READER, "topic=orders.7").unwrap();
    with(&hub, "an-unknown-secret-0123456789", "POST", "/topics/a", "x").problem(401);
    with(&hub, READER, "POST", "/topics/a", "x").problem(403);
    subscribe(&hub, "topic=a", &[("Cookie", "tidings_token=cookie-secret-0123456789")]).unwrap_err();
    // Not killed: what it has logged is to be written.
    hub.signal(Signal::TERM);
    hub.ended();
    let said = hub.stderr();
    assert!(said.contains("refused") && said.contains("reader"), "{said}");
    for secret in [BACKEND, READER, "an-unknown-secret", "cookie-secret"] {
        assert!(!said.contains(secret), "{secret} is in\n{said}");
    }
}

#[test]
fn operators_routes_are_for_administrators_where_everybody_comes() {
    let hub = hub();
    for target in ["/metrics", "/stats", "/topics", "/topics/a", "/admin/revocations"] {
        assert_eq!(hub.get(target).status(), 401, "{target}");
        assert_eq!(with(&hub, BACKEND, "GET", target, "").status(), 403, "{target}");
        assert_ne!(with(&hub, ADMIN, "GET", target, "").status(), 403, "{target}");
    }
    for target in ["/livez", "/readyz", "/"] {
        assert_eq!(hub.get(target).status(), 200, "{target}");
    }
}

/// With keys it may listen anywhere, and is asked by any name.
#[test]
fn a_hub_with_keys_is_for_everybody_who_has_one() {
    let hub = Hub::with(Options {
        configuration: format!("{CONFIGURATION}\n[admin]\nlisten = ['127.0.0.1:0']"),
        ..Options::default()
    });
    let key = bearer(BACKEND);
    let headers = [("Authorization", key.as_str()), ("Host", "hub.example")];
    assert_eq!(hub.request("POST", "/topics/a", &headers, b"x").status(), 200);
}

#[test]
fn a_cookie_publishes_only_from_trusted_pages() {
    let hub = Hub::configured(&format!(
        "{CONFIGURATION}\n[cors]\norigins = ['https://app.example']\n[auth]\ncookie = 'token'"
    ));
    let cookie = format!("a=b; token={BACKEND}");
    let own = hub.url();
    for (name, origin, status) in [
        ("Origin", "https://app.example", 200),
        ("Origin", own.as_str(), 200),
        ("Referer", "https://app.example/page?x", 200),
        ("Origin", "https://evil.example", 400),
        ("Referer", "https://evil.example/https://app.example", 400),
        ("Origin", "null", 400),
        ("X-Nothing", "", 400),
    ] {
        let headers = [("Cookie", cookie.as_str()), (name, origin)];
        let answer = hub.request("POST", "/topics/a", &headers, b"x");
        assert_eq!(answer.status(), status, "{name}: {origin}: {}", answer.text());
    }
    let reader = format!("token={READER}");
    subscribe(&hub, "topic=orders.7", &[("Cookie", &reader), ("Origin", "https://app.example")]).unwrap();
}

/// Events about subscribers come from the hub alone, whatever a key may publish to.
#[test]
fn nobody_publishes_what_is_the_hubs_own() {
    let hub = hub();
    let topic = "/.well-known/mercure/subscriptions/exact/a/urn%3Auuid%3A1";
    let body = format!(r#"{{"topics":["a","{topic}"]}}"#);
    let key = bearer(BACKEND);
    let headers = [("Authorization", key.as_str()), ("Content-Type", "application/json")];
    for (target, body) in [("/publish", body.as_str()), ("/topics/%2F.well-known%2Fmercure", "x")] {
        let detail = hub.request("POST", target, &headers, body.as_bytes()).problem(400);
        assert!(detail.contains("the hub's own"), "{detail}");
    }
}
