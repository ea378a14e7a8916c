//! What clients find out by themselves: metadata, and what browsers are let read.

use tidings_auth::Dialects;
use tower::ServiceExt as _;
use url::Url;

use super::{
    super::MercureSettings,
    support::{Front, ORIGIN, PATH, both, closed},
};
use crate::{Access, app};

const METADATA: &str = "/.well-known/oauth-protected-resource/.well-known/mercure";

// 1.9
#[tokio::test]
async fn the_metadata_says_how_to_get_in() {
    let front = Front::new(closed(), both());
    let answer = front.get(METADATA).await;
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(
        answer.json().await,
        serde_json::json!({
            "resource": "http://hub.example/.well-known/mercure",
            "bearer_methods_supported": ["header"],
            "authorization_details_types_supported": ["https://mercure.rocks/authorization-detail"],
            "mercure_cookie": "__Secure-mercure_access_token",
        })
    );
    assert_eq!(front.send("HEAD", METADATA, &[], "").await.status(), 200);

    let settings = MercureSettings {
        url: Some(Url::parse("https://public.example/.well-known/mercure").unwrap()),
        authorization_servers: vec!["https://issuer.example".to_owned()],
        cookie: "token".to_owned(),
        ..both()
    };
    let metadata = Front::new(closed(), settings).get(METADATA).await.json().await;
    assert_eq!(metadata["resource"], "https://public.example/.well-known/mercure");
    assert_eq!(metadata["authorization_servers"], serde_json::json!(["https://issuer.example"]));
    assert_eq!(metadata["mercure_cookie"], "token");
    let (front, _presence) = Front::with_presence(closed(), std::time::Duration::ZERO);
    assert_eq!(front.get(METADATA).await.json().await["mercure_subscriptions"], true);
}

// 1.1, 1.9: when the hub validates tokens of 1.0
#[tokio::test]
async fn a_hub_without_tokens_of_1_0_has_no_metadata() {
    let open = Front::new(tidings_auth::Settings::default(), both());
    let dialects = Dialects { v1: false, v0: true };
    let old = Front::new(closed(), MercureSettings { dialects, ..both() });
    for front in [open, old] {
        assert_eq!(front.get(METADATA).await.status(), 404);
    }
}

// 1.10
#[tokio::test]
async fn pages_of_configured_origins_may_use_all_of_it() {
    let front = Front::new(tidings_auth::Settings::default(), both());
    let access = Access { origins: vec![ORIGIN.to_owned()], ..Access::default() };
    let app = app(front.router(), &access);
    let ask = |method: &str, headers: &[(&str, &str)], query: &str| {
        let mut request =
            http::Request::builder().method(method).uri(format!("{PATH}?{query}")).header("origin", ORIGIN);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        app.clone().oneshot(request.body(axum::body::Body::empty()).unwrap())
    };
    for method in ["GET", "HEAD", "POST", "QUERY"] {
        let asks = [
            ("access-control-request-method", method),
            ("access-control-request-headers", "authorization,cache-control,last-event-id"),
        ];
        let answer = ask("OPTIONS", &asks, "").await.unwrap();
        let header = |name: &str| answer.headers()[name].to_str().unwrap().to_ascii_lowercase();
        assert_eq!(header("access-control-allow-origin"), ORIGIN);
        assert_eq!(header("access-control-allow-credentials"), "true");
        assert!(
            header("access-control-allow-methods").split(',').any(|one| one == method.to_ascii_lowercase())
        );
        for name in ["authorization", "cache-control", "last-event-id"] {
            assert!(header("access-control-allow-headers").split(',').any(|one| one == name), "{name}");
        }
    }
    for query in ["match=a&last_event_id=", "topic=a&lastEventID=x"] {
        let answer = ask("GET", &[], query).await.unwrap();
        let exposed = answer.headers()["access-control-expose-headers"].to_str().unwrap();
        for name in ["link", "last-event-id", "mercure-last-event-id"] {
            assert!(exposed.split(',').any(|one| one == name), "{name} is not in {exposed}");
        }
    }
}
