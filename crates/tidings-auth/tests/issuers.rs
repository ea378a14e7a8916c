//! Whose tokens are believed: every algorithm, several issuers, and what an attacker tries.

#![allow(clippy::unwrap_used, reason = "a test that fails panics")]

mod support;

use std::time::{Duration, SystemTime};

use serde_json::json;
use support::{HUB, ISSUER, KEY, hub, issuer, native, now, token, v0, verify, with};
use tidings_auth::{
    Action, Algorithm, Authority, Dialect, Issuer, KeySource, Mint, Reason, RefusalKind, Secret, Settings,
    StartError, mint,
};

fn static_key(key: &str, algorithm: Algorithm) -> KeySource {
    KeySource::Static { key: key.into(), algorithm }
}

fn named(name: &str, iss: Option<&str>, keys: KeySource) -> Issuer {
    Issuer { name: name.to_owned(), issuer: iss.map(str::to_owned), keys, ..issuer() }
}

fn minted(key: &str, algorithm: Algorithm) -> Secret {
    let token = Mint {
        publish: vec!["https://example.com/a".to_owned()],
        subscribe: vec!["https://example.com/:id".to_owned()],
        expires: Some(SystemTime::now() + Duration::from_secs(60)),
        issuer: Some(ISSUER.to_owned()),
        audience: vec![HUB.to_owned()],
        ..Mint::new(Dialect::V1)
    };
    mint(&token, &key.into(), algorithm).unwrap()
}

#[tokio::test]
async fn every_algorithm_is_verified_and_no_other() {
    use Algorithm::{ES256, ES384, EdDSA, HS256, HS384, HS512, PS256, PS384, PS512, RS256, RS384, RS512};
    let pairs = [
        (HS256, KEY, KEY),
        (HS384, KEY, KEY),
        (HS512, KEY, KEY),
        (RS256, pem!("rsa"), pem!("rsa.pub")),
        (RS384, pem!("rsa"), pem!("rsa.pub")),
        (RS512, pem!("rsa"), pem!("rsa.pub")),
        (PS256, pem!("rsa"), pem!("rsa.pub")),
        (PS384, pem!("rsa"), pem!("rsa.pub")),
        (PS512, pem!("rsa"), pem!("rsa.pub")),
        (ES256, pem!("p256"), pem!("p256.pub")),
        (ES384, pem!("p384"), pem!("p384.pub")),
        (EdDSA, pem!("ed25519"), pem!("ed25519.pub")),
    ];
    for (algorithm, _, public) in pairs {
        let hub = hub(vec![named("test", Some(ISSUER), static_key(public, algorithm))]);
        for (signed_with, private, _) in pairs {
            let verified = verify(&hub, &minted(private, signed_with), Action::Publish).await;
            // A static key pins one algorithm, even where the same key could verify another.
            match signed_with == algorithm {
                true => drop(verified.unwrap()),
                false => assert!(
                    matches!(verified, Err(Reason::Algorithm { .. })),
                    "{algorithm:?}, {signed_with:?}"
                ),
            }
        }
    }
}

#[tokio::test]
async fn a_public_key_is_no_shared_secret() {
    let hub = hub(vec![named("test", Some(ISSUER), static_key(pem!("rsa.pub"), Algorithm::RS256))]);
    let header = jsonwebtoken::Header::new(Algorithm::HS256);
    let key = jsonwebtoken::EncodingKey::from_secret(pem!("rsa.pub").as_bytes());
    let forged = jsonwebtoken::encode(&header, &native(), &key).unwrap();
    let reason = verify(&hub, &forged.into(), Action::Publish).await.unwrap_err();
    assert_eq!(reason.to_string(), "the token is signed with \"HS256\", and test is verified with RS256");
}

#[tokio::test]
async fn a_token_that_was_changed_or_has_no_signature_is_refused() {
    let hub = hub(vec![issuer()]);
    let good = token("JWT", &native());
    let (signed, signature) = good.expose().rsplit_once('.').unwrap();
    let (header, _) = signed.split_once('.').unwrap();
    let other = token("JWT", &json!({"iss": ISSUER, "tidings": {"publish": ["*"], "admin": true}}));
    let other_payload = other.expose().split('.').nth(1).unwrap();
    let changed = format!("{header}.{other_payload}.{signature}");
    let unsigned = format!("{signed}.");
    for text in [changed, unsigned] {
        let reason = verify(&hub, &text.into(), Action::Publish).await.unwrap_err();
        assert_eq!(reason, Reason::Signature("test".to_owned()));
    }
    // {"alg":"none"}
    let none = format!("eyJhbGciOiJub25lIn0.{other_payload}.");
    let reason = verify(&hub, &none.into(), Action::Publish).await.unwrap_err();
    assert!(matches!(reason, Reason::Algorithm { .. }), "{reason}");
}

#[tokio::test]
async fn the_issuer_of_a_token_says_whose_keys_are_tried() {
    let hub = hub(vec![
        named("one", Some("https://one.example"), static_key("the key of one", Algorithm::HS256)),
        named("two", Some("https://two.example"), static_key(pem!("ed25519.pub"), Algorithm::EdDSA)),
    ]);
    let sign = |iss: &str, key: &str, algorithm| {
        let token = Mint { issuer: Some(iss.to_owned()), ..Mint::new(Dialect::Native) };
        mint(&token, &key.into(), algorithm).unwrap()
    };
    for (iss, key, algorithm, good) in [
        ("https://one.example", "the key of one", Algorithm::HS256, true),
        ("https://two.example", pem!("ed25519"), Algorithm::EdDSA, true),
        // Who has the keys of one cannot speak for the other.
        ("https://two.example", "the key of one", Algorithm::HS256, false),
        ("https://one.example", pem!("ed25519"), Algorithm::EdDSA, false),
        ("https://three.example", "the key of one", Algorithm::HS256, false),
    ] {
        let verified = verify(&hub, &sign(iss, key, algorithm), Action::Publish).await;
        assert_eq!(verified.is_ok(), good, "{iss} {algorithm:?}");
    }
}

#[tokio::test]
async fn issuers_without_a_name_are_tried_in_turn() {
    let hub = hub(vec![
        named("one", None, static_key("the key of one", Algorithm::HS256)),
        named("two", None, static_key(KEY, Algorithm::HS256)),
        Issuer {
            audience: vec!["hub".to_owned()],
            ..named("three", None, static_key(KEY, Algorithm::HS256))
        },
    ]);
    assert!(verify(&hub, &token("JWT", &v0()), Action::Publish).await.is_ok());
    assert!(verify(&hub, &token("JWT", &with(&v0(), &json!({"aud": "hub"}))), Action::Publish).await.is_ok());
    let expired = with(&v0(), &json!({"exp": now() - 10}));
    let reason = verify(&hub, &token("JWT", &expired), Action::Publish).await.unwrap_err();
    assert!(matches!(reason, Reason::Expired(_)), "{reason}");
}

#[test]
fn a_key_that_cannot_be_used_keeps_the_hub_from_starting() {
    for (keys, words) in [
        (
            static_key(pem!("rsa.pub"), Algorithm::HS256),
            "it is a PEM document, and HS256 needs a shared secret",
        ),
        (static_key(KEY, Algorithm::ES256), "it is no PEM document, and ES256 needs one"),
        (static_key(pem!("p384.pub"), Algorithm::ES256), "no key that ES256 can use"),
        (
            KeySource::Jwks { url: "nonsense".to_owned(), algorithms: vec![Algorithm::EdDSA] },
            "https://HOST/PATH",
        ),
        (
            KeySource::Jwks { url: "https://a.example".to_owned(), algorithms: vec![Algorithm::HS256] },
            "shared secret",
        ),
    ] {
        let issuers = vec![named("main", None, keys)];
        let error = Authority::start(Settings { issuers, ..Settings::default() }).unwrap_err();
        assert!(matches!(error, StartError::Key { .. } | StartError::Jwks { .. }));
        let text = error.to_string();
        assert!(text.contains("[[jwt]] \"main\"") && text.contains(words) && !text.contains(KEY), "{text}");
    }
}

#[tokio::test]
async fn without_issuers_no_token_is_believed() {
    let key = tidings_auth::Key {
        name: "backend".to_owned(),
        secret: "the secret of the backend".into(),
        publish: support::selection(&["*"]),
        subscribe: support::selection(&["a"]),
        rate: None,
        admin: true,
    };
    let hub = Authority::start(Settings { keys: vec![key], ..Settings::default() }).unwrap();
    assert!(!hub.is_open() && hub.anonymous().is_none());
    let reason = verify(&hub, &token("JWT", &native()), Action::Publish).await.unwrap_err();
    assert_eq!((reason.kind(), reason), (RefusalKind::Invalid, Reason::Unknown { tokens: false }));
    let grant = verify(&hub, &"the secret of the backend".into(), Action::Publish).await.unwrap();
    assert!(grant.admin && grant.bearer.token.as_deref() == Some("key:backend"));
}

#[tokio::test]
async fn an_open_hub_lets_everybody_do_everything() {
    let hub = Authority::start(Settings::default()).unwrap();
    assert!(hub.is_open());
    let everything = ("*".to_owned(), "*".to_owned(), "*".to_owned());
    assert_eq!(support::rights(&hub.anonymous().unwrap()), everything);
    let grant = verify(&hub, &"anything".into(), Action::Publish).await.unwrap();
    assert_eq!(support::rights(&grant), everything);
}

#[tokio::test]
async fn tokens_are_verified_with_the_keys_that_an_issuer_publishes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.json");
    let private = jsonwebtoken::EncodingKey::from_ec_pem(pem!("p256").as_bytes()).unwrap();
    let mut jwk = jsonwebtoken::jwk::Jwk::from_encoding_key(&private, Algorithm::ES256).unwrap();
    jwk.common.key_id = Some("k".to_owned());
    std::fs::write(&path, json!({ "keys": [jwk] }).to_string()).unwrap();
    let jwks = |url: String| KeySource::Jwks { url, algorithms: tidings_auth::JWKS_ALGORITHMS.to_vec() };
    let sign = |kid: &str| {
        let token =
            Mint { issuer: Some(ISSUER.to_owned()), kid: Some(kid.to_owned()), ..Mint::new(Dialect::Native) };
        mint(&token, &pem!("p256").into(), Algorithm::ES256).unwrap()
    };

    let known = hub(vec![named("test", Some(ISSUER), jwks(format!("file://{}", path.display())))]);
    assert!(verify(&known, &sign("k"), Action::Publish).await.is_ok());
    let reason = verify(&known, &sign("other"), Action::Publish).await.unwrap_err();
    assert_eq!(reason.to_string(), "the JWKS of test has no key with the token's kid, \"other\"");
    let reason = verify(&known, &token("JWT", &native()), Action::Publish).await.unwrap_err();
    assert!(matches!(reason, Reason::Algorithm { .. }), "{reason}");

    // The hub starts all the same, and cannot say.
    let unknown = hub(vec![named("test", Some(ISSUER), jwks("http://127.0.0.1:1/keys".to_owned()))]);
    let reason = verify(&unknown, &sign("k"), Action::Publish).await.unwrap_err();
    assert_eq!((reason.kind(), reason), (RefusalKind::Unavailable, Reason::NoKeys("test".to_owned())));
}
