//! Revocations through the authority, and explanations.

#![allow(clippy::unwrap_used, reason = "a test that fails panics")]

mod support;

use serde_json::json;
use support::{HUB, hub, issuer, native, token, verify, with};
use tidings_auth::{Action, Authority, Question, Reason, Revocation, Settings, StartError, Target};
use tidings_hub::Topic;

fn revocation(target: Target) -> Revocation {
    Revocation { target, until: None }
}

#[tokio::test]
async fn a_revoked_token_or_user_is_refused_from_then_on() {
    let hub = hub(vec![issuer()]);
    let token = token("JWT", &with(&native(), &json!({"sub": "42"})));
    for target in [Target::User("42".to_owned()), hub.target(&token).unwrap()] {
        // It is remembered as good.
        let grant = verify(&hub, &token, Action::Subscribe).await.unwrap();
        assert!(!hub.is_revoked(&grant.bearer));
        hub.revoke(revocation(target.clone())).await.unwrap();
        assert!(hub.is_revoked(&grant.bearer));
        let reason = verify(&hub, &token, Action::Subscribe).await.unwrap_err();
        assert_eq!((&reason, reason.to_string().as_str()), (&Reason::Revoked, "revoked"));
        assert!(hub.lift(target).await.unwrap());
        assert!(hub.revocations().is_empty());
    }
    assert!(verify(&hub, &token, Action::Subscribe).await.is_ok());
}

#[tokio::test]
async fn a_revoked_key_is_refused_and_its_secret_is_written_nowhere() {
    const SECRET: &str = "the-secret-of-the-backend";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("revocations.jsonl");
    let key = tidings_auth::Key {
        name: "backend".to_owned(),
        secret: SECRET.into(),
        publish: support::selection(&["*"]),
        subscribe: support::selection(&["a"]),
        rate: None,
        admin: false,
    };
    let settings = Settings { keys: vec![key], revocations: Some(path.clone()), ..Settings::default() };
    let hub = Authority::start(settings).unwrap();
    assert!(verify(&hub, &SECRET.into(), Action::Publish).await.is_ok());
    let target = hub.target(&SECRET.into()).unwrap();
    assert_eq!(target, Target::Token("key:backend".to_owned()));
    for text in ["key:backend", &format!("Bearer {SECRET}"), &format!(" {SECRET} ")] {
        assert_eq!(hub.target(&text.into()).unwrap(), target, "{text}");
    }
    hub.revoke(revocation(target)).await.unwrap();
    let reason = verify(&hub, &SECRET.into(), Action::Publish).await.unwrap_err();
    assert_eq!(reason, Reason::Revoked);
    assert_eq!(std::fs::read_to_string(path).unwrap(), "{\"revoke\":{\"token\":\"key:backend\"}}\n");
}

#[tokio::test]
async fn revocations_are_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("revocations.jsonl");
    let start = || {
        let revocations = Some(path.clone());
        Authority::start(Settings { issuers: vec![issuer()], revocations, ..Settings::default() }).unwrap()
    };
    let token = token("JWT", &native());
    let hub = start();
    hub.revoke(revocation(hub.target(&token).unwrap())).await.unwrap();
    assert_eq!(verify(&start(), &token, Action::Subscribe).await.unwrap_err(), Reason::Revoked);
}

#[test]
fn a_file_of_revocations_that_cannot_be_used_keeps_the_hub_from_starting() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { revocations: Some(folder.path().to_owned()), ..Settings::default() };
    let error = Authority::start(settings).unwrap_err();
    assert!(matches!(error, StartError::Revocations { .. }));
    assert!(error.to_string().contains("check the path"), "{error}");
}

#[tokio::test]
async fn it_is_explained_who_may_do_what() {
    let hub = hub(vec![issuer()]);
    let token = token("JWT", &native());
    let ask = async |action, topic, private| {
        let topics = [Topic::new(topic).unwrap()];
        let explanation =
            hub.explain(&token, &Question { action, topics: &topics, private, audience: HUB }).await;
        assert_eq!(explanation.grants.as_ref().unwrap().publish, "orders.*");
        explanation.allowed
    };
    assert!(ask(Action::Subscribe, "news", true).await);
    assert!(!ask(Action::Subscribe, "orders.7", true).await);
    assert!(ask(Action::Publish, "orders.7", false).await);
    assert!(!ask(Action::Publish, "news", false).await);
}

#[tokio::test]
async fn it_is_explained_why_a_token_is_not_good() {
    let hub = hub(vec![issuer()]);
    let topics = [Topic::new("news").unwrap()];
    let question = Question { action: Action::Subscribe, topics: &topics, private: false, audience: HUB };
    let explanation = hub.explain(&"nonsense".into(), &question).await;
    assert!(!explanation.allowed && explanation.grants.is_none());
    let json = serde_json::to_value(&explanation).unwrap();
    assert_eq!(json["reason"], "this is no key of this hub, and no JSON Web Token");
    assert_eq!(json["expires"], serde_json::Value::Null);
}
