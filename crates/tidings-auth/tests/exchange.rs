//! Rules that are exchanged while somebody is there by the ones before.

#![allow(clippy::unwrap_used, reason = "a test that fails panics")]

mod support;

use axum::{Router, response::IntoResponse as _};
use tidings_auth::{
    Action, Anonymous, Asked, Authority, Callback, Carrier, Dialects, Grant, Key, Presented, Settings, Target,
};
use tidings_hub::{Selection, Selector};

fn key(name: &str, subscribe: &[&str]) -> Key {
    Key {
        name: name.to_owned(),
        secret: format!("the secret of {name}").into(),
        publish: Selection::default(),
        subscribe: subscribe.iter().map(|text| Selector::from_text(text).unwrap()).collect(),
        rate: None,
        admin: false,
    }
}

fn settings(keys: &[Key]) -> Settings {
    Settings { keys: keys.to_vec(), ..Settings::default() }
}

async fn grant(authority: &Authority, name: &str) -> Option<std::sync::Arc<Grant>> {
    let presented = Presented { token: format!("the secret of {name}").into(), by: Carrier::Header };
    let asked = Asked { action: Action::Subscribe, audience: "", dialects: Dialects::default() };
    authority.verify(&presented, &asked).await.ok()
}

#[tokio::test]
async fn whose_right_is_gone_is_revoked_and_nobody_else() {
    let before = [key("stays", &["a"]), key("more", &["a"]), key("less", &["a", "b"]), key("gone", &["a"])];
    let authority = Authority::start(settings(&before)).unwrap();
    let mut bearers = Vec::new();
    for key in &before {
        bearers.push(grant(&authority, &key.name).await.unwrap().bearer.clone());
    }
    let after = [key("new", &["a"]), key("less", &["a"]), key("more", &["*"]), key("stays", &["a"])];
    let prepared = authority.prepare(settings(&after)).unwrap();
    let revoked = || bearers.iter().map(|bearer| authority.is_revoked(bearer)).collect::<Vec<_>>();
    assert_eq!(revoked(), [false; 4], "what is prepared is not in force");
    assert!(grant(&authority, "new").await.is_none());
    authority.exchange(prepared);
    assert_eq!(revoked(), [false, false, true, true]);
    assert!(grant(&authority, "gone").await.is_none());
    for name in ["stays", "more", "less", "new"] {
        let bearer = grant(&authority, name).await.unwrap().bearer.clone();
        assert!(!authority.is_revoked(&bearer), "{name}");
    }
}

#[tokio::test]
async fn revocations_outlive_an_exchange() {
    let authority = Authority::start(settings(&[key("a", &["a"])])).unwrap();
    let target = Target::Token("key:a".to_owned());
    authority.revoke(tidings_auth::Revocation { target, until: None }).await.unwrap();
    authority.exchange(authority.prepare(settings(&[key("a", &["a"]), key("b", &["a"])])).unwrap());
    assert!(grant(&authority, "a").await.is_none());
    assert!(grant(&authority, "b").await.is_some());
}

#[tokio::test]
async fn what_strangers_may_no_longer_read_they_are_no_longer_sent() {
    let with = |subscribe: &[&str]| Settings {
        anonymous: Some(Anonymous { subscribe: key("", subscribe).subscribe, ..Anonymous::default() }),
        ..settings(&[key("a", &["a"])])
    };
    let authority = Authority::start(with(&["news", "talk"])).unwrap();
    let stranger = authority.anonymous().unwrap().bearer.clone();
    let holder = grant(&authority, "a").await.unwrap().bearer.clone();
    authority.exchange(authority.prepare(with(&["news", "talk", "more"])).unwrap());
    assert!(!authority.is_revoked(&stranger) && !authority.is_revoked(&holder));
    authority.exchange(authority.prepare(with(&["news"])).unwrap());
    assert!(authority.is_revoked(&stranger), "who came in before the first exchange, too");
    assert!(authority.is_revoked(&holder), "it read those by everybody's right");
}

#[tokio::test]
async fn what_everybody_may_no_longer_read_nor_do_those_whom_the_application_let_in() {
    let (_application, url) = support::Application::start(Router::new(), |_| "true".into_response()).await;
    let with = |subscribe: &[&str]| Settings {
        anonymous: Some(Anonymous { subscribe: key("", subscribe).subscribe, ..Anonymous::default() }),
        callback: Some(Callback::new(&url)),
        ..settings(&[])
    };
    let authority = Authority::start(with(&["public.*"])).unwrap();
    let ask = async || {
        let asked = [Selector::from_text("mine").unwrap()];
        let cookie = support::headers(&[("cookie", "session=1")]);
        authority.ask(&cookie, Action::Subscribe, &asked).await.unwrap().bearer.clone()
    };
    let bearer = ask().await;
    authority.exchange(authority.prepare(with(&["public.*", "news"])).unwrap());
    assert!(!authority.is_revoked(&bearer), "they may read more");
    authority.exchange(authority.prepare(with(&["news"])).unwrap());
    assert!(authority.is_revoked(&bearer), "they read public.* by everybody's right");
    assert!(!authority.is_revoked(&*ask().await));
}

#[tokio::test]
async fn whose_key_may_publish_less_has_to_come_again() {
    let with =
        |publish: &[&str]| settings(&[Key { publish: key("", publish).subscribe, ..key("a", &["a"]) }]);
    let authority = Authority::start(with(&["a", "b"])).unwrap();
    let before = grant(&authority, "a").await.unwrap();
    authority.exchange(authority.prepare(with(&["a", "b", "c"])).unwrap());
    assert!(!authority.is_revoked(&before.bearer));
    authority.exchange(authority.prepare(with(&["a"])).unwrap());
    assert!(authority.is_revoked(&before.bearer), "it still publishes to b with what it was granted");
}
