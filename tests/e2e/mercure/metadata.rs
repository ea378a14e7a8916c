//! 1.9: the metadata document. The `Link` headers of discovery are those of the publisher's own resources: nothing of the
//! hub's.

use serde_json::json;

use super::{
    client::{Client, configured, hub},
    token::{ISSUER, SECRET},
};
use crate::support::Hub;

const METADATA: &str = "/.well-known/oauth-protected-resource/.well-known/mercure";

// 1.9 What the document says.
#[test]
fn the_document_tells_clients_how_to_get_in() {
    let hub = hub();
    let answer = Client::of(&hub).get(METADATA);
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let expected = json!({
        "resource": "https://hub.example/.well-known/mercure",
        "bearer_methods_supported": ["header"],
        "authorization_details_types_supported": ["https://mercure.rocks/authorization-detail"],
        "mercure_cookie": "__Secure-mercure_access_token",
    });
    assert_eq!(answer.json(), expected);
}

// 1.9 `authorization_servers` as configured, `mercure_subscriptions` if they are on, the cookie by its name.
#[test]
fn the_document_tells_what_is_configured() {
    let hub = configured(
        "subscriptions = true\ncookie = 'hub_token'\nauthorization_servers = ['https://auth.example/']",
        "",
    );
    let document = Client::of(&hub).get(METADATA).json();
    assert_eq!(document["mercure_subscriptions"], true);
    assert_eq!(document["mercure_cookie"], "hub_token");
    assert_eq!(document["authorization_servers"], json!(["https://auth.example/"]));
    // Only if there were more than the two that everybody has.
    assert_eq!(document.get("mercure_matcher_types_supported"), None);
}

// 1.9, 1.6 The resource is that which tokens must be for: without a configured one, what was asked.
#[test]
fn the_resource_is_what_tokens_must_be_for() {
    let hub = Hub::configured(&format!("[[jwt]]\nissuer = '{ISSUER}'\nkey = '{SECRET}'\n"));
    let resource = |client: Client<'_>| client.get(METADATA).json()["resource"].clone();
    assert_eq!(resource(Client::of(&hub)), format!("{}/.well-known/mercure", hub.url()));
    let proxied = Client::of(&hub).header("Host", "public.example").header("X-Forwarded-Proto", "https");
    assert_eq!(resource(proxied), "https://public.example/.well-known/mercure");
}

// 1.9 HEAD has the same headers and no body.
#[test]
fn head_has_no_body() {
    let hub = hub();
    let answer = Client::of(&hub).request("HEAD", METADATA, b"");
    assert_eq!((answer.status(), answer.text().as_str()), (200, ""));
    assert_eq!(answer.header("content-type"), Some("application/json"));
}
