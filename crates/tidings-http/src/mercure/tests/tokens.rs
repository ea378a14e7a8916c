//! Tokens: where they are looked for, and what those are answered whose tokens are not good.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use axum::body::Body;
use http::Request;
use http_body_util::BodyExt as _;
use tidings_auth::{Authority, Callback, Dialects, Mint};
use tidings_hub::Topic;
use tower::ServiceExt as _;

use super::{
    super::MercureSettings,
    support::{
        API_KEY, Answer, BOTH, Front, HOST, PATH, RESOURCE, bearer, both, closed, mint_v1, token_of, v0, v1,
    },
};
use crate::{Gate, GateSettings, NativeSettings, admin, native};

const METADATA: &str =
    "resource_metadata=\"http://hub.example/.well-known/oauth-protected-resource/.well-known/mercure\"";

async fn get(front: &Front, query: &str, headers: &[(&str, &str)]) -> Answer {
    front.send("GET", &format!("{PATH}?{query}"), headers, "").await
}

// 1.6: the error table
#[tokio::test]
async fn errors_of_1_0_are_those_of_rfc_6750() {
    let front = Front::new(closed(), MercureSettings::default());
    let expired =
        Mint { expires: Some(SystemTime::now() - Duration::from_secs(300)), ..mint_v1(&[], &["*"]) };
    let foreign = Mint { audience: vec!["http://other.example".to_owned()], ..mint_v1(&[], &["*"]) };
    for (authorization, status, starts, says) in [
        (None, 401, "Bearer resource_metadata", ""),
        (
            Some(format!("Bearer {}", token_of(&expired))),
            401,
            "Bearer error=\"invalid_token\"",
            "expired 5 minutes ago",
        ),
        (Some(format!("Bearer {}", token_of(&foreign))), 401, "Bearer error=\"invalid_token\"", RESOURCE),
        (Some(format!("Bearer {}x", v1(&[], &["*"]))), 401, "Bearer error=\"invalid_token\"", "signature"),
        (Some("Bearer".to_owned()), 400, "Bearer error=\"invalid_request\"", ""),
        (Some("Basic dTpw".to_owned()), 400, "Bearer error=\"invalid_request\"", ""),
    ] {
        let headers: Vec<_> = authorization.iter().map(|value| ("authorization", &**value)).collect();
        let answer = get(&front, "match=a", &headers).await;
        assert_eq!(answer.status(), status, "{authorization:?}");
        let challenge = answer.challenge().to_owned();
        assert!(challenge.starts_with(starts) && challenge.ends_with(METADATA), "{challenge}");
        assert!(challenge.contains(says), "{challenge}");
        assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
        let text = answer.text().await;
        assert!(text.contains(says), "{text}");
        if status == 401 {
            assert!(text.starts_with("Unauthorized\n"), "{text}");
        }
    }
}

// 1.6: the table's row of 403 is in `publish.rs`; one of a malformed request has no challenge
#[tokio::test]
async fn a_bad_request_is_no_challenge() {
    let front = Front::new(closed(), MercureSettings::default());
    let token = v1(&["*"], &["*"]);
    for answer in [
        front.get_as(&token, "?match_urlpattern=%7Bunclosed").await,
        front.publish(&token, "topic=a&id=%23").await,
    ] {
        assert_eq!(answer.status(), 400);
        assert_eq!(answer.challenge(), "");
        assert_eq!(answer.header("content-type"), "application/problem+json");
    }
}

// 1.6: carriers
#[tokio::test]
async fn in_1_0_a_token_is_in_the_header_or_in_the_cookie() {
    let front = Front::new(closed(), MercureSettings { query_token: true, ..both() });
    let token = v1(&[], &["*"]);
    let header = format!("bEARER {token}");
    let cookie = format!("a=b; __Secure-mercure_access_token={token}");
    let bad_cookie = ("cookie", "__Secure-mercure_access_token=bad");
    let old_cookie = format!("mercureAuthorization={token}");
    for (query, headers, status) in [
        ("match=a", &[("authorization", &*header)][..], 200),
        ("match=a", &[("cookie", &cookie)], 200),
        ("match=a", &[("authorization", &header), bad_cookie], 200),
        ("match=a", &[("authorization", "Bearer bad"), ("cookie", &cookie)], 401),
        ("match=a", &[("authorization", &header), ("authorization", &header)], 400),
        ("match=a", &[("cookie", &old_cookie)], 401),
        (&format!("match=a&access_token={token}"), &[], 401),
        (&format!("match=a&authorization={token}"), &[], 401),
    ] {
        assert_eq!(get(&front, query, headers).await.status(), status, "{query:.30} {headers:.60?}");
    }
}

// 2 Token
#[tokio::test]
async fn in_0_x_a_token_is_in_the_header_the_query_or_the_cookie() {
    let token = v0(&[], &["*"]);
    let header = format!("Bearer {token}");
    let lower = format!("bearer {token}");
    let cookie = format!("mercureAuthorization={token}");
    let bad_cookie = ("cookie", "mercureAuthorization=bad");
    let in_query = format!("topic=a&authorization={token}");
    for (query_token, query, headers, status) in [
        (false, "topic=a", &[("authorization", &*header)][..], 200),
        (false, "topic=a", &[("authorization", &lower)], 401),
        (false, "topic=a", &[("authorization", "Bearer short")], 401),
        (false, "topic=a", &[("authorization", &header), ("authorization", &header)], 401),
        (false, "topic=a", &[("cookie", &cookie)], 200),
        (false, "topic=a", &[("authorization", &header), bad_cookie], 200),
        (false, &in_query, &[], 401),
        (true, &in_query, &[], 200),
        (true, &in_query, &[bad_cookie], 200),
        (true, &in_query, &[("authorization", "Bearer bad")], 401),
        (true, "topic=a&authorization=short", &[("cookie", &cookie)], 401),
    ] {
        let front = Front::new(closed(), MercureSettings { query_token, ..both() });
        assert_eq!(get(&front, query, headers).await.status(), status, "{query:.30} {headers:.60?}");
    }
}

// 0, 2 Token
#[tokio::test]
async fn a_token_of_1_0_is_good_for_both_and_one_of_0_x_for_its_own() {
    let front = Front::new(closed(), both());
    for (token, query, status) in [
        (v1(&[], &["*"]), "match=a", 200),
        (v1(&[], &["*"]), "topic=a", 200),
        (v0(&[], &["*"]), "topic=a", 200),
        (v0(&[], &["*"]), "match=a", 401),
    ] {
        let answer = front.get_as(&token, &format!("?{query}")).await;
        assert_eq!(answer.status(), status, "{query}");
        if status == 401 {
            assert!(answer.challenge().starts_with("Bearer error=\"invalid_token\""));
        }
    }
    let cookie = format!("__Secure-mercure_access_token={}", v1(&[], &["*"]));
    assert_eq!(get(&front, "topic=a", &[("cookie", &cookie)]).await.status(), 200);
}

// 2 Token: behind the operator's switch
#[tokio::test]
async fn tokens_of_a_dialect_that_is_off_are_refused() {
    let dialects = Dialects { v1: true, v0: false };
    let front = Front::new(closed(), MercureSettings { dialects, ..both() });
    let answer = front.publish(&v0(&["*"], &[]), "topic=a").await;
    assert_eq!(answer.status(), 401);
    assert_eq!(front.publish(&v1(&["*"], &[]), "topic=a").await.status(), 200);
}

// 1.6: names of cookies
#[tokio::test]
async fn cookies_can_be_called_otherwise() {
    let settings = MercureSettings { cookie: "new".to_owned(), cookie_v0: "old".to_owned(), ..both() };
    let front = Front::new(closed(), settings);
    for (cookie, query) in
        [(format!("new={}", v1(&[], &[])), "match=a"), (format!("old={}", v0(&[], &[])), "topic=a")]
    {
        assert_eq!(get(&front, query, &[("cookie", &cookie)]).await.status(), 200);
    }
}

// 2 Subscribe, Token
#[tokio::test]
async fn nearly_everything_is_401_in_0_x() {
    let front = Front::new(closed(), both());
    let bad = format!("Bearer {}x", v0(&[], &["*"]));
    for headers in [
        &[][..],
        &[("authorization", &*bad)],
        &[("authorization", "Basic dTpw")],
        &[("authorization", "Bearer")],
    ] {
        let answer = get(&front, "topic=a", headers).await;
        assert_eq!(answer.status(), 401, "{headers:?}");
        assert!(answer.text().await.starts_with("Unauthorized\n"));
    }
}

#[tokio::test]
async fn keys_of_the_hub_subscribe_too() {
    let front = Front::new(closed(), both());
    for (query, status) in
        [("match=/books/1", 200), ("topic=/books/1", 200), ("match=elsewhere", 403), ("topic=elsewhere", 401)]
    {
        assert_eq!(front.get_as(API_KEY, &format!("?{query}")).await.status(), status, "{query}");
    }
}

#[tokio::test]
async fn an_open_hub_looks_at_no_token() {
    let front = Front::new(tidings_auth::Settings::default(), both());
    let headers = [bearer("whatever").as_pair(), ("cookie", "mercureAuthorization=bad")]
        .map(|(name, value)| (name, value.to_owned()));
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, &**value)).collect();
    for query in ["match=a", "topic=a"] {
        assert_eq!(get(&front, query, &headers).await.status(), 200);
    }
    assert_eq!(front.send("POST", PATH, &headers, "topic=a").await.status(), 200);
}

// 1.6: without a configured address
#[tokio::test]
async fn the_other_routes_take_tokens_for_the_address_that_was_asked() {
    let hub = Front::new(closed(), both()).hub;
    let mut rights = closed();
    rights.keys[0].admin = true;
    let authority = Authority::start(rights).unwrap();
    let settings = GateSettings {
        cookie: "token".to_owned(),
        query: false,
        publish_origins: Vec::new(),
        url: None,
        public_urls: Vec::new(),
        dialects: BOTH,
        hits: Arc::default(),
    };
    let gate = Gate::new(authority.clone(), settings);
    let token = v1(&["a"], &["a"]);
    let native = native(
        hub.clone(),
        NativeSettings { gate: gate.clone(), ..NativeSettings::new(Topic::new("a").unwrap()) },
    );
    let publish = async |host: &str| {
        let bearer = bearer(&token);
        let (name, value) = bearer.as_pair();
        let request = Request::post("/topics/a").header("host", host).header(name, value);
        native.clone().oneshot(request.body(Body::from("x")).unwrap()).await.unwrap().status().as_u16()
    };
    assert_eq!(publish(HOST).await, 200);
    assert_eq!(publish("other.example").await, 401);

    let explained = async |host: &str, audience: Option<&str>| {
        let admin = admin(hub.clone(), authority.clone(), &gate);
        let question = serde_json::json!({ "token": token, "topic": "a", "audience": audience });
        let bearer = bearer(API_KEY);
        let (name, value) = bearer.as_pair();
        let request = Request::post("/admin/explain").header("host", host).header(name, value);
        let request = request.body(Body::from(question.to_string())).unwrap();
        let body = admin.oneshot(request).await.unwrap().into_body().collect().await.unwrap().to_bytes();
        serde_json::from_slice::<serde_json::Value>(&body).unwrap()["allowed"] == true
    };
    assert!(explained(HOST, None).await);
    assert!(!explained("127.0.0.1:9090", None).await);
    assert!(explained("127.0.0.1:9090", Some(RESOURCE)).await);
}

/// A hub whose application cannot be reached: whoever asks it gets no answer.
fn with_application() -> tidings_auth::Settings {
    let callback = Callback::new("http://127.0.0.1:1/may");
    tidings_auth::Settings { callback: Some(callback), ..closed() }
}

#[tokio::test]
async fn the_application_is_not_asked_about_what_the_hub_would_refuse() {
    let front = Front::new(with_application(), both());
    let topics = |count| (0..count).map(|n| format!("topic=a{n}")).collect::<Vec<_>>().join("&");
    assert_eq!(front.post(&topics(1)).await.status(), 503);
    assert_eq!(front.post(&topics(101)).await.status(), 400);
    // Each template is two selectors.
    let templates = (0..501).map(|n| format!("topic=/a{n}/%7Bb%7D")).collect::<Vec<_>>().join("&");
    assert_eq!(front.get(&format!("{PATH}?{templates}")).await.status(), 400);
}
