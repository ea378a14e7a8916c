//! 1.4, "Reserved namespace": the topics that only the hub publishes to.

use super::{
    client::{Client, URL, hub},
    token::v1_all,
};

// 1.4 Reserved namespace: the reference's table.
const RESERVED: [&str; 16] = [
    "https://example.com/.well-known/mercure",
    "http://other/.well-known/mercure/x",
    URL,
    "/.well-known/mercure",
    "/.well-known/mercure/",
    "/.well-known/mercure/subscriptions/foo",
    // Relative to the hub's address, `/.well-known/mercure`.
    "mercure/subscriptions/foo",
    "mercure",
    "https://example.com/.well-known/%6Dercure/subscriptions",
    "/%2Ewell-known/mercure",
    "https://example.com\\.well-known\\mercure\\subscriptions",
    "https://example.com/x/../.well-known/./mercure/foo",
    "../.well-known/mercure/x",
    "//other/.well-known/mercure",
    "?query",
    "#fragment",
];

// 1.4 Reserved namespace: what only looks like it.
const FREE: [&str; 11] = [
    "/.well-known/mercureXXX",
    "https://example.com/.well-known/mercureXXX",
    "/foo/.well-known/mercure/bar",
    "subscriptions/foo",
    "bar",
    "../mercure/x",
    "urn:example:mercure",
    "a topic with spaces",
    "/.well-known%2Fmercure",
    "/.WELL-KNOWN/mercure",
    "https://[no url/.well-known/mercure",
];

#[test]
fn reserved_topics_are_refused_and_others_are_not() {
    let hub = hub();
    let client = Client::with(&hub, &v1_all());
    for topic in RESERVED.into_iter().chain([""]) {
        let answer = client.publish(&[("topic", topic)]);
        assert_eq!(answer.status(), 400, "{topic:?}: {}", answer.text());
        let answer = client.publish(&[("topic", "a"), ("topic", topic)]);
        assert_eq!(answer.status(), 400, "as an alternate: {topic:?}");
    }
    for topic in FREE {
        client.published(&[("topic", topic)]);
    }
}

// 1.4 Reserved namespace: on a hub that takes each request's address for its own, too.
#[test]
fn reserved_topics_are_refused_on_a_hub_without_a_configured_address() {
    let configuration = super::client::configuration("", "").replace(&format!("url = '{URL}'"), "");
    let hub = crate::support::Hub::configured(&configuration);
    let address = format!("{}/.well-known/mercure", hub.url());
    let token = super::token::Token::v1(serde_json::json!([super::token::detail(&["publish"], &["*"])]));
    let client = Client::with(&hub, &token.claim("aud", address).signed());
    for topic in RESERVED {
        assert_eq!(client.publish(&[("topic", topic)]).status(), 400, "{topic:?}");
    }
    for topic in FREE {
        client.published(&[("topic", topic)]);
    }
}
