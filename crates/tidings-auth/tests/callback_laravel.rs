//! The answer of an application that speaks as Laravel's `/broadcasting/auth` does.

#![allow(clippy::unwrap_used, reason = "a test that fails panics")]

mod support;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    http::{HeaderMap, StatusCode, header::LOCATION},
    response::{Html, IntoResponse as _, Response},
    routing::{any, post},
};
use support::{Application, headers, rights};
use tidings_auth::{
    Action, Authority, Callback, CallbackKind, Grant, Holder, Reason, Refusal, RefusalKind, Settings,
};
use tidings_hub::{Selector, Topic};

const PRIVATE: &str = "private-orders.7";
const PRESENCE: &str = "presence-room.1";

fn hub(url: &str, change: impl FnOnce(&mut Callback)) -> Authority {
    let mut callback = Callback { kind: CallbackKind::Laravel, cache: Duration::ZERO, ..Callback::new(url) };
    change(&mut callback);
    Authority::start(Settings { callback: Some(callback), ..Settings::default() }).unwrap()
}

/// An application that answers everything in this one way, and its hub.
async fn one_answer(answer: impl Fn() -> Response + Send + Sync + 'static) -> (Application, Authority) {
    let (application, url) = Application::start(Router::new(), move |_| answer()).await;
    let hub = hub(&url, |_| ());
    (application, hub)
}

async fn subscribe(hub: &Authority, texts: &[&str]) -> Result<Arc<Grant>, Refusal> {
    let selectors: Vec<Selector> = texts.iter().map(|text| Selector::from_text(text).unwrap()).collect();
    hub.ask(&headers(&[("cookie", "laravel_session=1")]), Action::Subscribe, &selectors).await
}

/// What one body means for a channel.
async fn answered(body: &'static str, channel: &str) -> Result<Arc<Grant>, Refusal> {
    // As Laravel's driver for Redis does it: no type of JSON.
    let (_, hub) = one_answer(move || Html(body).into_response()).await;
    subscribe(&hub, &[channel]).await
}

#[tokio::test]
async fn a_private_channel_is_allowed_by_the_answers_of_both_drivers() {
    let signed = r#"{"auth":"app-key:dc19424a29b38517f4c6c1c59e921ce4a0cee1d403b94033cb50b395052470cf"}"#;
    for body in ["true", " true\n", signed, r#"{"channel_data":{"user_id":7}}"#] {
        let grant = answered(body, PRIVATE).await.unwrap();
        assert_eq!(rights(&grant), (String::new(), PRIVATE.into(), PRIVATE.into()), "{body}");
        assert_eq!(grant.expires, None);
    }
    assert_eq!(answered("true", PRIVATE).await.unwrap().holder, Holder::Visitor);
    let kind = |body| async move { answered(body, PRIVATE).await.unwrap_err().kind };
    assert_eq!(kind("false").await, RefusalKind::Forbidden);
    for body in [
        "",
        "null",
        "{}",
        "1",
        "\"true\"",
        "[true]",
        "<!DOCTYPE html><title>Log in</title>",
        r#"{"auth":null}"#,
        r#"{"auth":true}"#,
        r#"{"message":"hello"}"#,
        r#"{"channel_data":null}"#,
        r#"{"channel_data":7}"#,
        r#"{"channel_data":{"user_id":7}"#,
    ] {
        assert_eq!(kind(body).await, RefusalKind::Unavailable, "{body}");
    }
}

#[tokio::test]
async fn a_presence_channel_says_who_joins_in_the_bytes_of_the_application() {
    let member = |body| async move {
        let grant = answered(body, PRESENCE).await.unwrap();
        assert_eq!(rights(&grant), (String::new(), PRESENCE.into(), PRESENCE.into()), "{body}");
        assert_eq!(grant.holder, Holder::User(grant.bearer.user.clone().unwrap().into()));
        let payload = grant.payload(&Topic::new(PRESENCE).unwrap()).map(|payload| payload.get().to_owned());
        (grant.bearer.user.clone().unwrap().to_string(), payload)
    };
    let redis = r#"{"channel_data":{"user_id":7,"user_info":{"id":7,"name":"User 7"}}}"#;
    let pusher = r#"{"auth":"app-key:8a927d55","channel_data":"{\"user_id\":\"7\",\"user_info\":{\"id\":7,\"name\":\"User 7\"}}"}"#;
    let ann = Some(r#"{"id":7,"name":"User 7"}"#.to_owned());
    assert_eq!(member(redis).await, ("7".to_owned(), ann.clone()));
    assert_eq!(member(pusher).await, ("7".to_owned(), ann));
    // Escapes, spaces, order and large numbers stay as they are.
    let odd = r#"{"z": 12345678901234567890.50, "a":"é\/é" }"#;
    assert_eq!(
        member(
            r#"{"channel_data":{"user_info":{"z": 12345678901234567890.50, "a":"é\/é" },"user_id":"u-1"}}"#
        )
        .await,
        ("u-1".to_owned(), Some(odd.to_owned()))
    );
    let large = r#"{"channel_data":{"user_id":123456789012345678901234567890}}"#;
    assert_eq!(member(large).await, ("123456789012345678901234567890".to_owned(), None));
}

#[tokio::test]
async fn a_presence_channel_of_nobody_is_not_allowed() {
    for (body, says) in [
        ("true", "does not say who joins"),
        (r#"{"auth":"app-key:8a927d55"}"#, "does not say who joins"),
        (r#"{"auth":"app-key:8a927d55","channel_data":null}"#, "does not say who joins"),
        (r#"{"channel_data":{"user_info":{"id":7}}}"#, "user_id"),
        (r#"{"channel_data":{"user_id":null}}"#, "user_id"),
        (r#"{"channel_data":{"user_id":""}}"#, "user_id"),
        (r#"{"channel_data":"{\"user_id\":true}"}"#, "user_id"),
        (r#"{"channel_data":"true"}"#, "user_id"),
        ("", "is its broadcaster redis, reverb or pusher?"),
        ("{}", "neither true, false nor an object with auth or channel_data"),
    ] {
        let refusal = answered(body, PRESENCE).await.unwrap_err();
        assert_eq!(refusal.kind, RefusalKind::Unavailable, "{body}");
        assert!(refusal.to_string().contains(says), "{body}: {refusal}");
    }
}

#[tokio::test]
async fn statuses_say_whether_somebody_is_signed_in() {
    let elsewhere = Arc::new(Mutex::new(0));
    let visits = elsewhere.clone();
    let visit = move || {
        *visits.lock().unwrap() += 1;
        async { "true" }
    };
    let next = Arc::new(Mutex::new(StatusCode::OK));
    let status = next.clone();
    let (_, url) = Application::start(Router::new().route("/login", any(visit)), move |_| {
        (*status.lock().unwrap(), [(LOCATION, "/login")], "true").into_response()
    })
    .await;
    let hub = hub(&url, |_| ());
    for (status, expected) in [
        (200, None),
        (401, Some(RefusalKind::Missing)),
        (302, Some(RefusalKind::Missing)),
        (403, Some(RefusalKind::Forbidden)),
        (201, Some(RefusalKind::Unavailable)),
        (301, Some(RefusalKind::Unavailable)),
        (307, Some(RefusalKind::Unavailable)),
        (404, Some(RefusalKind::Unavailable)),
        (419, Some(RefusalKind::Unavailable)),
        (500, Some(RefusalKind::Unavailable)),
    ] {
        *next.lock().unwrap() = StatusCode::from_u16(status).unwrap();
        let kind = subscribe(&hub, &[PRIVATE]).await.err().map(|refusal| refusal.kind);
        assert_eq!(kind, expected, "{status}");
    }
    assert_eq!(*elsewhere.lock().unwrap(), 0, "no redirect is followed");
}

#[tokio::test]
async fn the_application_is_asked_as_the_browser_would() {
    let (application, url) = Application::start(Router::new(), |_| "true".into_response()).await;
    let hub = hub(&url, |callback| callback.headers = vec!["X-Tenant".to_owned()]);
    let sent = headers(&[
        ("cookie", "laravel_session=1; XSRF-TOKEN=2"),
        ("authorization", "Bearer 1|sanctum"),
        ("x-xsrf-token", "2"),
        ("x-csrf-token", "3"),
        ("origin", "https://app.example"),
        ("referer", "https://app.example/orders/7"),
        ("user-agent", "Mozilla/5.0"),
        ("x-socket-id", "1234.5678"),
        ("x-tenant", "7"),
        ("x-other", "8"),
        ("host", "hub.example"),
        ("accept", "text/event-stream"),
    ]);
    let channel = [Selector::from_text("private-a b&c=ü.7").unwrap()];
    hub.ask(&sent, Action::Subscribe, &channel).await.unwrap();
    let (received, body) = application.asked().swap_remove(0);
    assert_eq!(body, "channel_name=private-a+b%26c%3D%C3%BC.7&socket_id=1234.5678");
    let value = |name: &str| received.get(name).map(|value| value.to_str().unwrap());
    for name in [
        "cookie",
        "authorization",
        "x-xsrf-token",
        "x-csrf-token",
        "origin",
        "referer",
        "user-agent",
        "x-tenant",
    ] {
        assert_eq!(value(name), sent.get(name).map(|value| value.to_str().unwrap()), "{name}");
        assert_eq!(received.get_all(name).iter().count(), 1, "{name}");
    }
    assert_eq!(value("x-other"), None);
    assert_ne!(value("host"), Some("hub.example"));
    assert_eq!(value("accept"), Some("application/json"));
    assert_eq!(value("x-requested-with"), Some("XMLHttpRequest"));
    assert_eq!(value("content-type"), Some("application/x-www-form-urlencoded"));
}

#[tokio::test]
async fn a_socket_id_is_two_numbers() {
    let (application, url) = Application::start(Router::new(), |_| "true".into_response()).await;
    let hub = hub(&url, |_| ());
    let channel = [Selector::from_text(PRIVATE).unwrap()];
    let long: &'static str = format!("1.{}", "2".repeat(100)).leak();
    for (id, expected) in [
        ("1.2", "1.2"),
        ("", "0.0"),
        ("1", "0.0"),
        (".2", "0.0"),
        ("1.2.3", "0.0"),
        ("a.b", "0.0"),
        (long, "0.0"),
    ] {
        let sent = headers(&[("cookie", "a=1"), ("x-socket-id", id)]);
        hub.ask(&sent, Action::Subscribe, &channel).await.unwrap();
        let (_, body) = application.asked().pop().unwrap();
        assert_eq!(body, format!("channel_name=private-orders.7&socket_id={expected}"), "{id}");
    }
}

#[tokio::test]
async fn laravel_is_asked_about_private_and_presence_channels_alone() {
    let (application, hub) = one_answer(|| r#"{"channel_data":{"user_id":7}}"#.into_response()).await;
    let asked =
        [PRIVATE, "messages", "private-*", "presence-{room}", "*", PRESENCE, "private", "#server-to-user-7"];
    let grant = subscribe(&hub, &asked).await.unwrap();
    let both = format!("{PRESENCE}, {PRIVATE}");
    let (_, public, private) = rights(&grant);
    assert!(
        [&public, &private].iter().all(|seen| **seen == both || **seen == format!("{PRIVATE}, {PRESENCE}"))
    );
    assert_eq!(application.asked().len(), 2);

    let refusal = subscribe(&hub, &["messages"]).await.unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::Forbidden);
    assert!(refusal.to_string().contains("not who may subscribe \"messages\""), "{refusal}");
    let channel = [Selector::from_text(PRIVATE).unwrap()];
    let refusal = hub.ask(&headers(&[("cookie", "a=1")]), Action::Publish, &channel).await.unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::Forbidden);
    assert!(matches!(refusal.reason, Reason::NotAsked { action: Action::Publish, .. }));
    assert_eq!(application.asked().len(), 2);
}

#[tokio::test]
async fn only_what_it_is_asked_about_counts() {
    let (application, hub) = one_answer(|| "true".into_response()).await;
    let ask = async |private: usize| {
        let names = (0..private).map(|number| format!("private-{number}"));
        let names: Vec<String> = names.chain((0..200).map(|number| format!("public-{number}"))).collect();
        subscribe(&hub, &names.iter().map(String::as_str).collect::<Vec<_>>()).await
    };
    assert_eq!(ask(100).await.unwrap().rights.read.private.topics().len(), 100);
    assert_eq!(application.asked().len(), 100);
    assert!(matches!(ask(101).await.unwrap_err().reason, Reason::TooManyQuestions { .. }));
}

#[tokio::test]
async fn guests_are_refused_without_a_question() {
    let (application, url) = Application::start(Router::new(), |_| "true".into_response()).await;
    let channel = [Selector::from_text(PRIVATE).unwrap()];
    let ask = async |hub: &Authority, sent: &HeaderMap| {
        hub.ask(sent, Action::Subscribe, &channel).await.err().map(|refusal| refusal.kind)
    };
    let plain = hub(&url, |_| ());
    let guest = headers(&[("origin", "https://app.example"), ("x-csrf-token", "1"), ("x-api-key", "1")]);
    assert_eq!(ask(&plain, &guest).await, Some(RefusalKind::Missing));
    assert!(application.asked().is_empty());
    assert_eq!(ask(&plain, &headers(&[("authorization", "Bearer 1|a")])).await, None);
    // Where the application knows its users by something else, that was said.
    let by_key = hub(&url, |callback| callback.headers = vec!["X-Api-Key".to_owned()]);
    assert_eq!(ask(&by_key, &guest).await, None);
}

#[tokio::test]
async fn answers_are_remembered_for_one_visitor_and_channel() {
    let (application, url) = Application::start(Router::new(), |_| "true".into_response()).await;
    let hub = hub(&url, |callback| callback.cache = Duration::from_secs(3_600));
    let ask = async |cookie, channel: &str| {
        let channel = [Selector::from_text(channel).unwrap()];
        hub.ask(&headers(&[("cookie", cookie)]), Action::Subscribe, &channel).await.unwrap();
        application.asked().len()
    };
    assert_eq!(ask("a=1", "private-a").await, 1);
    assert_eq!(ask("a=1", "private-a").await, 1);
    assert_eq!(ask("a=2", "private-a").await, 2);
    assert_eq!(ask("a=2", "private-b").await, 3);
}

#[tokio::test]
async fn an_application_that_fails_shows_no_cookie() {
    let routes =
        Router::new().route("/broken", post(async || (StatusCode::BAD_GATEWAY, "laravel_session=1")));
    let (_, url) = Application::start(routes, |_| "true".into_response()).await;
    for url in [format!("{url}broken"), "http://user:sesame@127.0.0.1:1/".to_owned()] {
        let hub = hub(&url, |_| ());
        let refusal = subscribe(&hub, &[PRIVATE]).await.unwrap_err();
        assert_eq!(refusal.kind, RefusalKind::Unavailable);
        let shown = format!("{refusal} {refusal:?} {hub:?}");
        assert!(!shown.contains("laravel_session") && !shown.contains("sesame"), "{shown}");
    }
}
