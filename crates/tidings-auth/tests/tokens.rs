//! Tokens of all kinds, from the text to the grant. The rules are those of sections 1.6 and 2 ("Token") of the facts
//! about Mercure; the form of the claims is tested beside their readers.

#![allow(clippy::unwrap_used, reason = "a test that fails panics")]

mod support;

use std::time::Duration;

use serde_json::{Value, json};
use support::{BOTH, HUB, ISSUER, hub, issuer, native, now, rights, selection, token, v0, v1, verify, with};
use tidings_auth::{
    Action, Anonymous, Asked, Authority, Carrier, Dialect, Dialects, Holder, Issuer, Presented, Reason,
    RefusalKind, Roles, Settings,
};
use tidings_hub::Topic;

const V1: &str = "at+jwt";

/// What becomes of a token: the words that its refusal must hold, or nothing when it is good.
async fn check(hub: &Authority, rule: &str, typ: &str, claims: &Value, expected: Result<(), &str>) {
    let verified = verify(hub, &token(typ, claims), Action::Subscribe).await;
    match (verified, expected) {
        (Ok(_), Ok(())) => {}
        (Err(reason), Err(words)) => {
            assert!(reason.to_string().contains(words), "{rule}: {reason}");
            assert_eq!(reason.kind(), RefusalKind::Invalid, "{rule}: {reason}");
        }
        (verified, expected) => panic!("{rule}: {verified:?} instead of {expected:?}"),
    }
}

#[tokio::test]
async fn rule_1_6_validation() {
    let hub = hub(vec![issuer()]);
    for (rule, typ, more, expected) in [
        ("1.6 a good token", V1, json!({}), Ok(())),
        ("1.6 typ with application/", "application/at+jwt", json!({}), Ok(())),
        ("1.6 typ in any case", "AT+JWT", json!({}), Ok(())),
        ("1.6 exp is required", V1, json!({"exp": null}), Err("no exp")),
        ("1.6 exp is honoured", V1, json!({"exp": now() - 301}), Err("the token expired 5 minutes ago")),
        ("1.6 exp is a number", V1, json!({"exp": "soon"}), Err("the token's exp is wrong")),
        ("1.6 nbf is honoured", V1, json!({"nbf": now() + 100}), Err("becomes valid in")),
        ("1.6 nbf may be past", V1, json!({"nbf": now() - 100}), Ok(())),
        ("1.6 aud is required", V1, json!({"aud": null}), Err("no aud")),
        ("1.6 aud may be a list", V1, json!({"aud": ["x", HUB]}), Ok(())),
        (
            "1.6 aud holds the resource",
            V1,
            json!({"aud": "https://other.example"}),
            Err("the token's aud is \"https://other.example\"; this hub is \"https://hub.example"),
        ),
        ("1.6 aud is exact", V1, json!({"aud": format!("{HUB}/")}), Err("aud")),
        ("1.6 iss is required", V1, json!({"iss": null}), Err("no iss")),
        ("1.6 iss is configured", V1, json!({"iss": "https://other.example"}), Err("iss is \"https://other")),
        ("1.6 sub, client_id, iat and jti are not checked", V1, json!({"sub": "7", "jti": "j"}), Ok(())),
        (
            "1.6 malformed details",
            V1,
            json!({"authorization_details": {}}),
            Err("authorization_details is wrong"),
        ),
    ] {
        check(&hub, rule, typ, &with(&v1(), &more), expected).await;
    }
}

#[tokio::test]
async fn rule_1_6_details_become_rights() {
    let hub = hub(vec![issuer()]);
    let grant = verify(&hub, &token(V1, &v1()), Action::Publish).await.unwrap();
    let topic = "https://example.com/a";
    assert_eq!(rights(&grant), (topic.into(), "*".into(), topic.into()));
    assert_eq!(grant.dialect, Some(Dialect::V1));
    assert!(grant.expires.is_some() && !grant.admin);
    // Without details it is good, and sees what is public (section 1.5).
    let none = token(V1, &with(&v1(), &json!({"authorization_details": null})));
    let grant = verify(&hub, &none, Action::Subscribe).await.unwrap();
    assert_eq!(rights(&grant), (String::new(), "*".into(), String::new()));
}

#[tokio::test]
async fn rule_1_6_the_payload_is_that_of_the_first_detail_that_matches() {
    let hub = hub(vec![issuer()]);
    let detail = |matcher: &str, payload: Value| {
        with(
            &json!({
                "type": "https://mercure.rocks/authorization-detail",
                "actions": ["subscribe"],
                "topics": [{"match": matcher}],
            }),
            &json!({ "payload": payload }),
        )
    };
    let details = json!([detail("a", json!(1)), detail("b", Value::Null), detail("*", json!({"k": "v"}))]);
    let token = token(V1, &with(&v1(), &json!({"authorization_details": details})));
    let grant = verify(&hub, &token, Action::Subscribe).await.unwrap();
    let payload = |matcher| grant.payload(&Topic::new(matcher).unwrap()).map(|value| value.get().to_owned());
    assert_eq!(payload("a").as_deref(), Some("1"));
    assert_eq!(payload("b"), None);
    assert_eq!(payload("c").as_deref(), Some(r#"{"k":"v"}"#));
}

#[tokio::test]
async fn rule_1_6_a_token_of_1_0_needs_an_issuer_that_is_named() {
    let hub = hub(vec![Issuer { issuer: None, ..issuer() }]);
    check(&hub, "1.6 iss", V1, &v1(), Err("iss is \"https://issuer.example\"")).await;
}

#[tokio::test]
async fn rule_1_6_a_configured_audience_takes_the_place_of_the_resource() {
    let hub = hub(vec![Issuer { audience: vec!["one".to_owned(), "two".to_owned()], ..issuer() }]);
    check(&hub, "1.6 aud", V1, &with(&v1(), &json!({"aud": "two"})), Ok(())).await;
    check(&hub, "1.6 aud", V1, &v1(), Err("this hub is \"one\" or \"two\"")).await;
}

#[tokio::test]
async fn rule_2_token_what_is_checked_of_a_token_of_0_x() {
    let hub = hub(vec![Issuer { audience: vec!["hub".to_owned()], ..issuer() }]);
    for (rule, more, expected) in [
        ("2 no typ, aud, iss, exp is needed", json!({}), Ok(())),
        ("2 exp, if there", json!({"exp": now() - 10}), Err("expired")),
        ("2 nbf, if there", json!({"nbf": now() + 10}), Err("becomes valid")),
        ("2 iss, if there and configured", json!({"iss": "https://other.example"}), Err("iss")),
        ("2 iss, if there and configured", json!({"iss": ISSUER}), Ok(())),
        ("2 aud, if there and configured", json!({"aud": "other"}), Err("aud")),
        ("2 aud, if there and configured", json!({"aud": ["other", "hub"]}), Ok(())),
        ("2 the claim's form", json!({"mercure": []}), Err("the token's mercure is wrong")),
        ("2 the namespaced claim replaces it", json!({"https://mercure.rocks/": 7}), Err("mercure is wrong")),
    ] {
        check(&hub, rule, "JWT", &with(&v0(), &more), expected).await;
    }
    let grant = verify(&hub, &token("JWT", &v0()), Action::Publish).await.unwrap();
    assert_eq!(rights(&grant), ("a".into(), "*".into(), "b".into()));
    assert_eq!((grant.dialect, grant.expires), (Some(Dialect::V0), None));
}

#[tokio::test]
async fn where_1_0_is_not_spoken_tokens_of_0_x_need_what_is_configured() {
    let v0_alone = |issuer| {
        let dialects = Dialects { v1: false, v0: true };
        Authority::start(Settings { issuers: vec![issuer], dialects, ..Settings::default() }).unwrap()
    };
    let both = v0_alone(Issuer { audience: vec!["hub".to_owned()], ..issuer() });
    for (rule, more, expected) in [
        ("both", json!({"iss": ISSUER, "aud": "hub"}), Ok(())),
        ("iss", json!({"aud": "hub"}), Err("no iss")),
        ("aud", json!({"iss": ISSUER}), Err("no aud")),
        ("aud", json!({"iss": ISSUER, "aud": "other"}), Err("this hub is \"hub\"")),
    ] {
        check(&both, rule, "JWT", &with(&v0(), &more), expected).await;
    }
    let neither = v0_alone(Issuer { issuer: None, ..issuer() });
    check(&neither, "neither is configured", "JWT", &v0(), Ok(())).await;
}

#[tokio::test]
async fn rule_2_token_auth0_writes_a_namespaced_claim() {
    let hub = hub(vec![issuer()]);
    let claims = json!({"https://mercure.rocks/": {"publish": ["*"]}});
    let grant = verify(&hub, &token("JWT", &claims), Action::Publish).await.unwrap();
    assert_eq!(rights(&grant), ("*".into(), "*".into(), String::new()));
}

#[tokio::test]
async fn native_tokens() {
    let hub = hub(vec![Issuer { audience: vec!["hub".to_owned()], ..issuer() }]);
    let native = with(&native(), &json!({"aud": "hub"}));
    for (rule, more, expected) in [
        ("a good token", json!({}), Ok(())),
        ("exp, if there", json!({"exp": now() - 10}), Err("expired")),
        ("iss, if configured", json!({"iss": null}), Err("no iss")),
        ("aud, if configured", json!({"aud": null}), Err("no aud")),
        ("aud, if configured", json!({"aud": "other"}), Err("this hub is \"hub\"")),
        ("its form", json!({"tidings": {"publich": []}}), Err("the token's tidings is wrong")),
    ] {
        check(&hub, rule, "JWT", &with(&native, &more), expected).await;
    }
    let claims = with(&native, &json!({"tidings": {"subscribe": ["news"], "admin": true}}));
    let grant = verify(&hub, &token("JWT", &claims), Action::Subscribe).await.unwrap();
    assert_eq!(rights(&grant), (String::new(), "news".into(), "news".into()));
    assert!(grant.admin && grant.dialect == Some(Dialect::Native));
}

#[tokio::test]
async fn who_may_not_sign_for_both_actions_makes_no_administrators() {
    let claims = with(&native(), &json!({"tidings": {"publish": ["a"], "subscribe": ["a"], "admin": true}}));
    let token = token("JWT", &claims);
    for (publish, subscribe) in [(true, true), (true, false), (false, true)] {
        let roles = Roles { publish, subscribe };
        let hub = hub(vec![Issuer { roles, ..issuer() }]);
        let action = if publish { Action::Publish } else { Action::Subscribe };
        let grant = verify(&hub, &token, action).await.unwrap();
        assert_eq!(grant.admin, publish && subscribe, "{roles:?}");
    }
}

#[tokio::test]
async fn a_native_token_sees_in_public_what_anybody_does() {
    let anonymous = Anonymous { publish: selection(&["wall"]), subscribe: selection(&["public.*"]) };
    let settings = Settings { issuers: vec![issuer()], anonymous: Some(anonymous), ..Settings::default() };
    let hub = Authority::start(settings).unwrap();
    let grant = verify(&hub, &token("JWT", &native()), Action::Subscribe).await.unwrap();
    assert_eq!(rights(&grant), ("orders.*".into(), "news, public.*".into(), "news".into()));
    let anonymous = hub.anonymous().unwrap();
    assert_eq!(rights(&anonymous), ("wall".into(), "public.*".into(), String::new()));
    assert_eq!(anonymous.holder, Holder::Anonymous);
}

#[tokio::test]
async fn a_token_that_says_nothing_of_the_hub_is_none_for_it() {
    let hub = hub(vec![issuer()]);
    // 1.6: typ. What is in a token of another type does not make it an access token.
    for claims in [json!({"iss": ISSUER}), v1()] {
        let reason = verify(&hub, &token("JWT", &claims), Action::Subscribe).await.unwrap_err();
        assert_eq!((reason.kind(), reason), (RefusalKind::Invalid, Reason::NoClaims));
    }
}

#[tokio::test]
async fn a_dialect_that_is_off_is_named() {
    for (typ, claims, dialect, on) in [
        ("JWT", v0(), Dialect::V0, Dialects { v1: true, v0: false }),
        (V1, v1(), Dialect::V1, Dialects { v1: false, v0: true }),
    ] {
        let settings = Settings { issuers: vec![issuer()], dialects: on, ..Settings::default() };
        let hub = Authority::start(settings).unwrap();
        let reason = verify(&hub, &token(typ, &claims), Action::Subscribe).await.unwrap_err();
        assert_eq!((reason.kind(), &reason), (RefusalKind::Invalid, &Reason::DialectOff(dialect)));
        assert!(reason.to_string().contains("dialects in [mercure]"));
        // Native tokens are of neither dialect.
        assert!(verify(&hub, &token("JWT", &native()), Action::Subscribe).await.is_ok());
    }
}

#[tokio::test]
async fn a_dialect_that_a_request_does_not_take_is_refused() {
    let hub = hub(vec![issuer()]);
    let presented = Presented { token: token("JWT", &v0()), by: Carrier::Header };
    let asked = Asked { action: Action::Subscribe, audience: HUB, dialects: BOTH };
    assert!(hub.verify(&presented, &asked).await.is_ok());
    let asked = Asked { dialects: Dialects { v1: true, v0: false }, ..asked };
    let refusal = hub.verify(&presented, &asked).await.unwrap_err();
    assert_eq!(refusal.reason, Reason::DialectHere(Dialect::V0));
}

#[tokio::test]
async fn leeway_forgives_clocks_that_differ() {
    let hub = hub(vec![Issuer { leeway: Duration::from_secs(60), ..issuer() }]);
    for (claims, good) in [
        (json!({"exp": now() - 30}), true),
        (json!({"exp": now() - 90}), false),
        (json!({"nbf": now() + 30}), true),
        (json!({"nbf": now() + 90}), false),
    ] {
        let verified = verify(&hub, &token("JWT", &with(&native(), &claims)), Action::Subscribe).await;
        assert_eq!(verified.is_ok(), good, "{claims}");
    }
}

#[tokio::test]
async fn the_user_and_the_token_are_known_for_revocation() {
    let hub = hub(vec![issuer()]);
    let named = token("JWT", &with(&native(), &json!({"sub": "42", "jti": "id"})));
    let grant = verify(&hub, &named, Action::Subscribe).await.unwrap();
    assert_eq!((grant.bearer.user.as_deref(), grant.bearer.token.as_deref()), (Some("42"), Some("id")));
    assert_eq!(grant.holder.to_string(), "user \"42\"");
    let grant = verify(&hub, &token("JWT", &native()), Action::Subscribe).await.unwrap();
    assert!(grant.bearer.token.as_deref().unwrap().starts_with("sha256:"));
}

#[tokio::test]
async fn roles_have_keys_of_their_own() {
    let publisher = Issuer { roles: Roles { publish: true, subscribe: false }, issuer: None, ..issuer() };
    let hub = hub(vec![publisher]);
    let token = token("JWT", &v0());
    let grant = verify(&hub, &token, Action::Publish).await.unwrap();
    // What its claim says of subscribing is not for these keys to say.
    assert_eq!(rights(&grant), ("a".into(), "*".into(), String::new()));
    let reason = verify(&hub, &token, Action::Subscribe).await.unwrap_err();
    assert_eq!(reason, Reason::Role { issuer: "test".to_owned(), action: Action::Subscribe });
}

#[tokio::test]
async fn a_remembered_token_is_refused_once_it_has_expired() {
    let hub = hub(vec![issuer()]);
    let token = token("JWT", &with(&native(), &json!({"exp": now() + 1})));
    verify(&hub, &token, Action::Subscribe).await.unwrap();
    let expired = async {
        while verify(&hub, &token, Action::Subscribe).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    // Longer than its second, for machines that are busy.
    tokio::time::timeout(Duration::from_secs(10), expired).await.unwrap();
}

#[tokio::test]
async fn refusals_show_neither_token_nor_claims() {
    let hub = hub(vec![issuer()]);
    let claims =
        with(&native(), &json!({"tidings": {"publish": "sesame"}, "sub": "sesame", "exp": now() - 10}));
    for text in [token("JWT", &claims), "sesame".into(), "sesame.sesame.sesame".into(), "a.b.c".into()] {
        let reason = verify(&hub, &text, Action::Subscribe).await.unwrap_err();
        assert!(!format!("{reason} {reason:?}").contains("sesame"), "{reason}");
    }
}
