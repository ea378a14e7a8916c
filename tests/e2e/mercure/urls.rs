//! 1.1: which addresses there are, with which methods, and when.

use super::{
    client::{Client, PATH, SUBSCRIPTIONS, URL, configured, form, hub},
    token::{ISSUER, SECRET, v1_all},
};
use crate::support::Hub;

const METADATA: &str = "/.well-known/oauth-protected-resource/.well-known/mercure";

// 1.1 /.well-known/mercure: GET, HEAD and QUERY subscribe, POST publishes.
#[test]
fn one_address_is_subscribed_and_published_to() {
    let hub = hub();
    let client = Client::with(&hub, &v1_all());
    let mut got = client.listen(&[("match", "a")]);
    let mut queried = client.subscribe_raw("QUERY", "", form(&[("match", "a")]).as_bytes()).unwrap();
    client.published(&[("topic", "a"), ("data", "x")]);
    assert_eq!(got.event().data, "x");
    assert_eq!(queried.event().data, "x");
    assert_eq!(client.request("HEAD", &format!("{PATH}?match=a"), b"").status(), 200);
}

// 1.1 Other methods → 405.
#[test]
fn other_methods_are_not_allowed_and_the_allowed_ones_are_named() {
    let hub = configured("subscriptions = true", "");
    let client = Client::with(&hub, &v1_all());
    for (target, allowed) in [
        (PATH, &["GET", "HEAD", "QUERY", "POST"][..]),
        (SUBSCRIPTIONS, &["GET"]),
        (METADATA, &["GET", "HEAD"]),
    ] {
        for method in ["PUT", "DELETE", "PATCH", "MERCURE"] {
            let answer = client.request(method, target, b"");
            assert_eq!(answer.status(), 405, "{method} {target}: {}", answer.text());
            let allow = answer.header("allow").unwrap_or_else(|| panic!("no Allow: {method} {target}"));
            for method in allowed {
                assert!(allow.split(',').any(|one| one.trim() == *method), "{method} is not in {allow}");
            }
        }
    }
    for target in [SUBSCRIPTIONS, METADATA] {
        assert_eq!(client.request("POST", target, b"").status(), 405, "{target}");
    }
}

// 1.1 /.well-known/mercure/subscriptions…: GET, when the feature is on.
#[test]
fn subscriptions_are_listed_only_where_that_is_switched_on() {
    let [on, off] = ["subscriptions = true", "subscriptions = false"].map(|key| configured(key, ""));
    let token = v1_all();
    let on = Client::with(&on, &token);
    let off = Client::with(&off, &token);
    assert_eq!(on.get(SUBSCRIPTIONS).status(), 200);
    assert_eq!(on.get(&format!("{SUBSCRIPTIONS}/exact/a")).status(), 200);
    // 1.8: nobody of that name.
    assert_eq!(on.get(&format!("{SUBSCRIPTIONS}/exact/a/urn%3Auuid%3Ax")).status(), 404);
    for behind in ["", "/exact/a", "/exact/a/urn%3Auuid%3Ax"] {
        assert_eq!(off.get(&format!("{SUBSCRIPTIONS}{behind}")).status(), 404, "{behind:?}");
    }
}

// 1.1 The metadata: GET and HEAD, when the hub validates tokens.
#[test]
fn metadata_is_there_where_tokens_are_validated() {
    let hub = hub();
    let answer = Client::of(&hub).get(METADATA);
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.json()["resource"], URL);
    assert_eq!(Client::of(&hub).request("HEAD", METADATA, b"").status(), 200);
    assert_eq!(Hub::start().get(METADATA).status(), 404);
}

// 1.1 The reference has no subscribe address without a key for subscribers, and no publish address without one for
// publishers. Here the address stays and nobody is let in, so that the reason can be told.
#[test]
fn without_a_key_for_a_role_nobody_has_it() {
    for (actions, published, subscribed) in [("['publish']", 200, 401), ("['subscribe']", 401, 200)] {
        let configuration = format!(
            "[mercure]\nurl = '{URL}'\n[[jwt]]\nissuer = '{ISSUER}'\nkey = '{SECRET}'\nactions = {actions}\n"
        );
        let hub = Hub::configured(&configuration);
        let client = Client::with(&hub, &v1_all());
        let answer = client.publish(&[("topic", "a")]);
        assert_eq!(answer.status(), published, "{actions}: {}", answer.text());
        let answer = client.subscribe(&[("match", "a")]);
        assert_eq!(answer.map_or_else(|answer| answer.status(), |_| 200), subscribed, "{actions}");
    }
}

// 1.1 The reference's debugger and playground are no part of the protocol.
#[test]
fn there_is_nothing_else_at_the_address() {
    let hub = hub();
    let client = Client::with(&hub, &v1_all());
    for behind in ["/debug/", "/debug/config.json", "/playground/", "/x"] {
        assert_eq!(client.get(&format!("{PATH}{behind}")).status(), 404, "{behind}");
    }
}
