//! 1.6, "Claim": `authorization_details`. One bad Mercure entry makes the whole token invalid, for what it was meant to
//! forbid cannot be told.

use serde_json::{Value, json};

use super::{
    client::{Client, hub, until_end},
    token::{DETAIL, Token, detail, v1_all},
};
use crate::support::Hub;

/// Beside the entry that a test is about.
fn good() -> Value {
    detail(&["publish", "subscribe"], &["*"])
}

/// The statuses of a subscription and a publication with these details.
fn statuses(hub: &Hub, details: Value) -> (u16, u16) {
    let client = Client::with(hub, &Token::v1(details).signed());
    let subscribed = client.subscribe(&[("match", "a")]).map_or_else(|answer| answer.status(), |_| 200);
    (subscribed, client.publish(&[("topic", "a")]).status())
}

fn entry(actions: Value, topics: Value) -> Value {
    json!({ "type": DETAIL, "actions": actions, "topics": topics })
}

// 1.6 Entries with another `type` are ignored, whatever their shape.
#[test]
fn entries_of_other_types_are_ignored() {
    let hub = hub();
    for other in [
        json!({ "type": "https://example.com/other" }),
        json!({ "type": "other", "actions": 5, "topics": "x" }),
        json!({ "type": "https://mercure.rocks/authorization-detail/", "actions": [] }),
        json!({ "type": "payment", "actions": ["publish"], "topics": [null], "locations": {} }),
    ] {
        assert_eq!(statuses(&hub, json!([other, good()])), (200, 200), "{other}");
        // Nor do they grant anything.
        assert_eq!(statuses(&hub, json!([other])).1, 403, "{other}");
    }
    assert_eq!(
        statuses(&hub, json!([{ "type": "other", "actions": ["publish"], "topics": [{"match": "*"}] }])).1,
        403
    );
}

// 1.6 `actions` is a non-empty array of strings.
#[test]
fn actions_are_strings() {
    let hub = hub();
    let topics = json!([{ "match": "*" }]);
    for actions in [json!([]), json!("publish"), json!(["publish", 1]), json!([null]), json!({}), Value::Null]
    {
        assert_eq!(
            statuses(&hub, json!([good(), entry(actions.clone(), topics.clone())])),
            (401, 401),
            "{actions}"
        );
    }
    let without = json!({ "type": DETAIL, "topics": topics });
    assert_eq!(statuses(&hub, json!([good(), without])), (401, 401));
}

// 1.6 Unknown action names are ignored; names are case-sensitive.
#[test]
fn unknown_actions_are_ignored() {
    let hub = hub();
    let topics = json!([{ "match": "*" }]);
    let published = |actions: Value| statuses(&hub, json!([entry(actions, topics.clone())])).1;
    assert_eq!(published(json!(["fly", "publish", ""])), 200);
    assert_eq!(published(json!(["fly"])), 403);
    assert_eq!(published(json!(["Publish"])), 403);
    assert_eq!(published(json!(["subscribe"])), 403);
}

// 1.6 `topics` is a non-empty array of objects, each with a `match` that is a string and not empty.
#[test]
fn topics_are_objects_with_a_match() {
    let hub = hub();
    for topics in [
        json!([]),
        json!("a"),
        json!({ "match": "a" }),
        json!(["a"]),
        json!([null]),
        json!([["a"]]),
        json!([{}]),
        json!([{ "match": "" }]),
        json!([{ "match": null }]),
        json!([{ "match": 5 }]),
        json!([{ "match_type": "exact" }]),
        json!([{ "match": "a" }, "b"]),
        Value::Null,
    ] {
        let details = json!([good(), entry(json!(["publish", "subscribe"]), topics.clone())]);
        assert_eq!(statuses(&hub, details), (401, 401), "{topics}");
    }
    let without = json!({ "type": DETAIL, "actions": ["publish"] });
    assert_eq!(statuses(&hub, json!([good(), without])), (401, 401));
}

// 1.6 `match_type` is `exact` (the default) or `urlpattern`, case-sensitive; others are rejected.
#[test]
fn match_types_are_exact_and_urlpattern() {
    let hub = hub();
    let with = |topic: Value| statuses(&hub, json!([entry(json!(["publish", "subscribe"]), json!([topic]))]));
    assert_eq!(with(json!({ "match": "a" })), (200, 200));
    assert_eq!(with(json!({ "match": "a", "match_type": "exact" })), (200, 200));
    assert_eq!(with(json!({ "match": ":x", "match_type": "urlpattern" })), (200, 200));
    // Exact by default: neither a pattern nor a template.
    assert_eq!(with(json!({ "match": ":x" })).1, 403);
    assert_eq!(with(json!({ "match": "{x}" })).1, 403);
    for match_type in
        [json!("Exact"), json!("URLPattern"), json!("urlPattern"), json!("regexp"), json!(""), json!(5)]
    {
        assert_eq!(with(json!({ "match": "a", "match_type": match_type })), (401, 401), "{match_type}");
    }
    assert_eq!(with(json!({ "match": "{unclosed", "match_type": "urlpattern" })), (401, 401));
    assert_eq!(with(json!({ "match": "{unclosed" })).1, 403);
}

// 1.6 `*` is every topic, with either match type.
#[test]
fn a_star_grants_everything() {
    let hub = hub();
    let publisher = Client::with(&hub, &v1_all());
    for match_type in ["exact", "urlpattern"] {
        let topics = json!([{ "match": "*", "match_type": match_type }]);
        let token = Token::v1(json!([entry(json!(["publish", "subscribe"]), topics)])).signed();
        let client = Client::with(&hub, &token);
        let mut listener = client.listen(&[("match", "*")]);
        for topic in ["a", "https://example.com/x", "not a url: %"] {
            client.published(&[("topic", topic), ("private", "on"), ("data", topic)]);
        }
        let seen = until_end(&publisher, &mut listener);
        assert_eq!(seen, ["a", "https://example.com/x", "not a url: %"], "{match_type}");
    }
}

// 1.6 The claim itself is an array of objects.
#[test]
fn the_claim_is_an_array() {
    let hub = hub();
    for details in [json!("x"), json!(5), good()] {
        assert_eq!(statuses(&hub, details.clone()), (401, 401), "{details}");
    }
}

// 1.6 Limits: 100 details, 100 matchers in all, 4096 bytes each.
#[test]
fn details_are_limited() {
    let hub = hub();
    let details = |count: usize, each: usize| -> Value {
        let one = |number: usize| {
            let topics: Vec<_> =
                (0..each).map(|index| json!({ "match": format!("{number}-{index}") })).collect();
            entry(json!(["publish", "subscribe"]), json!(topics))
        };
        (0..count).map(one).collect()
    };
    for (count, each, status) in [(100, 1, 403), (101, 1, 401), (1, 100, 403), (1, 101, 401), (51, 2, 401)] {
        assert_eq!(statuses(&hub, details(count, each)).1, status, "{count} details of {each}");
    }
    for (length, status) in [(4096, 200), (4097, 401)] {
        let details = json!([good(), detail(&["publish"], &[&"x".repeat(length)])]);
        assert_eq!(statuses(&hub, details), (status, status), "{length} bytes");
    }
}
