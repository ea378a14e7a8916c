//! The application's answer, from an application that answers as the test says.

#![allow(clippy::unwrap_used, reason = "a test that fails panics")]

mod support;

use std::{
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use axum::{
    Json, Router,
    http::{HeaderMap, HeaderValue, StatusCode, Uri},
    response::{IntoResponse as _, Redirect, Response},
    routing::post,
};
use serde_json::{Value, json};
use support::{headers, rights};
use tidings_auth::{
    Action, Authority, Callback, Grant, Holder, Reason, Refusal, RefusalKind, Revocation, Settings, Target,
};
use tidings_hub::{Selector, UrlBase, UrlPattern};

/// How long the slow application takes for an answer.
const SLOW: Duration = Duration::from_millis(50);

/// An application that is asked in JSON.
struct Application(support::Application);

impl Application {
    async fn start(answer: impl Fn(&Value) -> Response + Send + Sync + 'static) -> (Self, String) {
        let hang = async || std::future::pending::<()>().await;
        let slow = async || {
            tokio::time::sleep(SLOW).await;
            "true"
        };
        let moved = async |uri: Uri| Redirect::temporary(uri.query().unwrap());
        let routes =
            Router::new().route("/hang", post(hang)).route("/slow", post(slow)).route("/moved", post(moved));
        let answer = move |body: &str| answer(&serde_json::from_str(body).unwrap());
        let (application, url) = support::Application::start(routes, answer).await;
        (Self(application), url)
    }

    fn asked(&self) -> Vec<Value> {
        self.0.asked().iter().map(|(_, body)| serde_json::from_str(body).unwrap()).collect()
    }
}

fn settings(url: &str) -> Callback {
    Callback { cache: Duration::ZERO, ..Callback::new(url) }
}

fn hub(callback: Callback) -> Authority {
    Authority::start(Settings { callback: Some(callback), ..Settings::default() }).unwrap()
}

fn selectors(texts: &[&str]) -> Vec<Selector> {
    texts.iter().map(|text| Selector::from_text(text).unwrap()).collect()
}

async fn subscribe(hub: &Authority, texts: &[&str]) -> Result<Arc<Grant>, Refusal> {
    hub.ask(&headers(&[("cookie", "session=1")]), Action::Subscribe, &selectors(texts)).await
}

#[tokio::test]
async fn only_a_200_with_a_positive_body_is_a_yes() {
    let answers: Vec<(StatusCode, &str, Option<RefusalKind>)> = vec![
        (StatusCode::OK, "true", None),
        (StatusCode::OK, r#"{"allow": true}"#, None),
        (StatusCode::OK, r#"{"allow": true, "more": 7}"#, None),
        (StatusCode::OK, "false", Some(RefusalKind::Forbidden)),
        (StatusCode::OK, r#"{"allow": false}"#, Some(RefusalKind::Forbidden)),
        (StatusCode::FORBIDDEN, "true", Some(RefusalKind::Forbidden)),
        (StatusCode::UNAUTHORIZED, "true", Some(RefusalKind::Missing)),
        (StatusCode::OK, "", Some(RefusalKind::Unavailable)),
        (StatusCode::OK, "{}", Some(RefusalKind::Unavailable)),
        (StatusCode::OK, "[true]", Some(RefusalKind::Unavailable)),
        (StatusCode::OK, "\"true\"", Some(RefusalKind::Unavailable)),
        (StatusCode::OK, r#"{"allow": "true"}"#, Some(RefusalKind::Unavailable)),
        (StatusCode::OK, "<html>", Some(RefusalKind::Unavailable)),
        (StatusCode::CREATED, "true", Some(RefusalKind::Unavailable)),
        (StatusCode::NO_CONTENT, "", Some(RefusalKind::Unavailable)),
        (StatusCode::NOT_FOUND, "true", Some(RefusalKind::Unavailable)),
        (StatusCode::INTERNAL_SERVER_ERROR, "true", Some(RefusalKind::Unavailable)),
    ];
    let next = Arc::new(Mutex::new((StatusCode::OK, String::new())));
    let answer = Arc::clone(&next);
    let (_, url) = Application::start(move |_| answer.lock().unwrap().clone().into_response()).await;
    let hub = hub(settings(&url));
    for (status, body, expected) in answers {
        *next.lock().unwrap() = (status, body.to_owned());
        let kind = subscribe(&hub, &["a"]).await.err().map(|refusal| refusal.kind);
        assert_eq!(kind, expected, "{status} {body}");
    }
    *next.lock().unwrap() = (StatusCode::OK, format!("true{}", " ".repeat(100_000)));
    assert!(matches!(subscribe(&hub, &["a"]).await.unwrap_err().reason, Reason::NoAnswer(_)));
}

#[tokio::test]
async fn an_application_that_does_not_answer_lets_nobody_in() {
    let (application, url) = Application::start(|_| "true".into_response()).await;
    let late = hub(Callback { timeout: Duration::from_millis(100), ..settings(&format!("{url}hang")) });
    let reason = subscribe(&late, &["a"]).await.unwrap_err().reason.to_string();
    assert_eq!(reason, "the application that decides could not be asked: there was no answer in time");
    // Each answer comes in time, and all of them together do not.
    let slow = hub(Callback { timeout: SLOW * 4, ..settings(&format!("{url}slow")) });
    let many: Vec<String> = (0..100).map(|number| format!("a{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert!(matches!(subscribe(&slow, &many).await.unwrap_err().reason, Reason::NoAnswer(_)));
    let moved = hub(settings(&format!("{url}moved?{url}")));
    assert!(matches!(subscribe(&moved, &["a"]).await.unwrap_err().reason, Reason::NoAnswer(_)));
    let gone = hub(settings("http://user:sesame@127.0.0.1:1/"));
    let refusal = subscribe(&gone, &["a"]).await.unwrap_err();
    assert!(refusal.kind == RefusalKind::Unavailable && !refusal.to_string().contains("sesame"), "{refusal}");
    assert!(application.asked().is_empty());
}

#[tokio::test]
async fn the_application_is_asked_for_each_selector_with_the_cookies() {
    let (application, url) = Application::start(|_| "true".into_response()).await;
    let hub = hub(Callback { headers: vec!["X-Tenant".to_owned()], ..settings(&url) });
    let sent = headers(&[
        ("cookie", "session=1"),
        ("origin", "https://app.example"),
        ("x-tenant", "7"),
        ("x-other", "8"),
        ("host", "hub.example"),
    ]);
    let mut asked_for = selectors(&["a", "b.*", "/c/{d}", "*"]);
    asked_for.push(Selector::Url(UrlPattern::new("/e/:f", &UrlBase::default()).unwrap()));
    hub.ask(&sent, Action::Publish, &asked_for).await.unwrap();
    let mut asked = application.asked();
    asked.sort_by_key(Value::to_string);
    let mut expected = vec![
        json!({"action": "publish", "topic": "a"}),
        json!({"action": "publish", "pattern": "b.*"}),
        json!({"action": "publish", "template": "/c/{d}"}),
        json!({"action": "publish", "all": true}),
        json!({"action": "publish", "url_pattern": "/e/:f"}),
    ];
    expected.sort_by_key(Value::to_string);
    assert_eq!(asked, expected);
    let (received, _) = application.0.asked().swap_remove(0);
    let value = |name| received.get(name).map(|value: &HeaderValue| value.to_str().unwrap());
    assert_eq!(
        (value("cookie"), value("origin"), value("x-tenant")),
        (Some("session=1"), Some("https://app.example"), Some("7"))
    );
    assert_eq!((value("x-other"), value("accept")), (None, Some("application/json")));
    assert_ne!(value("host"), Some("hub.example"));
}

#[tokio::test]
async fn the_grant_holds_exactly_what_is_allowed() {
    let (_, url) = Application::start(|question| {
        match question["topic"].as_str().unwrap() {
            "a" => Json(json!({"allow": true, "user": "42", "expires_in": 100, "payload": {"name": "Ann"}})),
            "b" => Json(json!({"allow": true, "private": false, "expires_in": 10})),
            _ => Json(json!({"allow": false})),
        }
        .into_response()
    })
    .await;
    let hub = hub(settings(&url));
    let grant = subscribe(&hub, &["a", "b", "c"]).await.unwrap();
    assert_eq!(rights(&grant), (String::new(), "a, b".into(), "a".into()));
    assert_eq!(grant.holder, Holder::User("42".to_owned()));
    assert_eq!(grant.bearer.user.as_deref(), Some("42"));
    let left = grant.expires.unwrap().duration_since(SystemTime::now()).unwrap();
    assert!(left <= Duration::from_secs(10), "{left:?}");
    assert_eq!(grant.payloads[0].value.as_ref().unwrap().get(), r#"{"name":"Ann"}"#);

    let publish = hub.ask(&HeaderMap::new(), Action::Publish, &selectors(&["b", "c"])).await.unwrap();
    assert_eq!(rights(&publish), ("b".into(), String::new(), String::new()));
    assert_eq!(publish.holder, Holder::Visitor);

    let refusal = subscribe(&hub, &["c", "d"]).await.unwrap_err();
    assert_eq!(refusal.reason.to_string(), "the application does not allow to subscribe \"c\"");
}

#[tokio::test]
async fn the_application_is_not_asked_twice_nor_about_more_than_100() {
    let (application, url) = Application::start(|_| "true".into_response()).await;
    let hub = hub(settings(&url));
    let names: Vec<String> = (0..101).map(|number| format!("a{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let refusal = subscribe(&hub, &names).await.unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::Malformed);
    assert!(refusal.to_string().contains("100 topics and patterns"), "{refusal}");
    assert!(application.asked().is_empty());
    let grant = subscribe(&hub, &[&names[..100], &names[..100]].concat()).await.unwrap();
    assert_eq!((application.asked().len(), grant.rights.read.public.topics().len()), (100, 100));
}

#[tokio::test]
async fn answers_are_remembered_for_one_visitor_and_question() {
    let (application, url) =
        Application::start(|question| Json(json!({"allow": question["topic"] != "b"})).into_response()).await;
    let hub = hub(Callback { cache: Duration::from_secs(3_600), ..settings(&url) });
    for _ in 0..3 {
        assert!(subscribe(&hub, &["a"]).await.is_ok());
        assert!(subscribe(&hub, &["b"]).await.is_err());
    }
    assert_eq!(application.asked().len(), 2);
    // Another visitor, another action.
    let other = headers(&[("cookie", "session=2")]);
    hub.ask(&other, Action::Subscribe, &selectors(&["a"])).await.unwrap();
    hub.ask(&headers(&[("cookie", "session=1")]), Action::Publish, &selectors(&["a"])).await.unwrap();
    assert_eq!(application.asked().len(), 4);
}

#[tokio::test]
async fn what_is_over_or_failed_is_asked_again() {
    let answers = Mutex::new(vec![
        Json(json!({"allow": true})).into_response(),
        Json(json!({"allow": true, "expires_in": 0})).into_response(),
        StatusCode::BAD_GATEWAY.into_response(),
    ]);
    let (application, url) = Application::start(move |_| answers.lock().unwrap().pop().unwrap()).await;
    let hub = hub(Callback { cache: Duration::from_secs(3_600), ..settings(&url) });
    assert_eq!(subscribe(&hub, &["a"]).await.unwrap_err().kind, RefusalKind::Unavailable);
    assert!(subscribe(&hub, &["a"]).await.is_ok());
    assert!(subscribe(&hub, &["a"]).await.is_ok());
    assert!(subscribe(&hub, &["a"]).await.is_ok());
    assert_eq!(application.asked().len(), 3);
}

#[tokio::test]
async fn a_user_whom_the_application_names_can_be_revoked() {
    let (_, url) = Application::start(|_| Json(json!({"allow": true, "user": "42"})).into_response()).await;
    let hub = hub(settings(&url));
    hub.revoke(Revocation { target: Target::User("42".to_owned()), until: None }).await.unwrap();
    assert_eq!(subscribe(&hub, &["a"]).await.unwrap_err().reason, Reason::Revoked);
}

#[test]
fn a_callback_that_cannot_be_used_keeps_the_hub_from_starting() {
    for (url, header, words) in [
        ("nonsense", "x-a", "url"),
        ("ftp://a.example/", "x-a", "not an HTTP address"),
        ("https://a.example/", "x a", "no name of a header"),
        ("https://a.example/", "Host", "cannot be passed on"),
    ] {
        let callback = Callback { headers: vec![header.to_owned()], ..settings(url) };
        let error =
            Authority::start(Settings { callback: Some(callback), ..Settings::default() }).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
}
