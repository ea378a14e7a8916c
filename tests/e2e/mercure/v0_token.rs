//! 2, "Token": tokens of 0.x, and what carries them.

use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use super::{
    client::{Client, PATH, configured, form, hub, until_end},
    token::{SECRET, Token, in_seconds, v0, v0_all},
};
use crate::support::Hub;

/// Of the right form and length, and nobody's.
const GARBAGE: &str =
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ4IjoxfQ.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const MIN_BYTES: usize = 41;

fn everything() -> Token {
    Token::v0(json!({ "publish": ["*"], "subscribe": ["*"] }))
}

/// The statuses of a subscription and of a publication.
fn statuses(client: &Client<'_>) -> (u16, u16) {
    let subscribed = client.subscribe(&[("topic", "a")]).map_or_else(|answer| answer.status(), |_| 200);
    (subscribed, client.publish(&[("topic", "a")]).status())
}

fn of_token(hub: &Hub, token: &Token) -> (u16, u16) {
    statuses(&Client::with(hub, &token.signed()))
}

// 2 Token: any that is signed by the configured key with its algorithm.
#[test]
fn a_token_is_signed_with_the_key_and_its_algorithm() {
    let hub = hub();
    assert_eq!(of_token(&hub, &everything()), (200, 200));
    for (algorithm, secret) in
        [(Algorithm::HS512, SECRET), (Algorithm::HS256, "another secret, which is long enough for anybody")]
    {
        let token = everything().signed_with(algorithm, &EncodingKey::from_secret(secret.as_bytes()));
        assert_eq!(statuses(&Client::with(&hub, &token)), (401, 401), "{algorithm:?}");
    }
    let signed = everything().signed();
    let claims = signed.split('.').nth(1).unwrap();
    // {"alg":"none"}
    assert_eq!(statuses(&Client::with(&hub, &format!("eyJhbGciOiJub25lIn0.{claims}."))), (401, 401));
}

// 2 Token: neither `typ` nor `aud` nor `iss` nor `exp` is needed.
#[test]
fn a_token_needs_no_further_claims() {
    let hub = hub();
    for typ in [None, Some("JWT"), Some("anything")] {
        assert_eq!(of_token(&hub, &everything().typ(typ)), (200, 200), "{typ:?}");
    }
    assert_eq!(of_token(&hub, &everything().claim("aud", "https://other.example")), (200, 200));
    assert_eq!(of_token(&hub, &everything().claim("exp", in_seconds(3600))), (200, 200));
}

// 2 Token: a time that is over or to come makes it bad all the same.
#[test]
fn a_token_is_good_for_its_time() {
    let hub = hub();
    assert_eq!(of_token(&hub, &everything().claim("exp", in_seconds(-60))), (401, 401));
    assert_eq!(of_token(&hub, &everything().claim("nbf", in_seconds(600))), (401, 401));
}

// 2 Token: a claim named `https://mercure.rocks/` with the same content replaces `mercure`.
#[test]
fn the_claim_may_have_a_namespace() {
    let hub = hub();
    let content = json!({ "publish": ["*"], "subscribe": ["*"] });
    let alone = everything().claim("mercure", Value::Null).claim("https://mercure.rocks/", content.clone());
    assert_eq!(of_token(&hub, &alone), (200, 200));
    let both = Token::v0(json!({ "publish": [] })).claim("https://mercure.rocks/", content);
    assert_eq!(of_token(&hub, &both), (200, 200));
    let less = everything().claim("https://mercure.rocks/", json!({ "publish": ["b"] }));
    assert_eq!(of_token(&hub, &less).1, 401);
}

// 2 Token: arrays of 1000 at most.
#[test]
fn selectors_of_a_token_are_limited() {
    let hub = hub();
    let selectors = |count: usize| {
        (0..count - 1).map(|number| number.to_string()).chain(["a".to_owned()]).collect::<Vec<_>>()
    };
    for (publish, subscribe, status) in [(1000, 1000, 200), (1001, 1, 401), (1, 1001, 401)] {
        let token = Token::v0(json!({ "publish": selectors(publish), "subscribe": selectors(subscribe) }));
        assert_eq!(of_token(&hub, &token), (status, status), "{publish} and {subscribe}");
    }
}

// 2 Token: what the claim holds is an object with arrays of texts.
#[test]
fn a_malformed_claim_makes_a_token_bad() {
    let hub = hub();
    for claim in
        [json!("x"), json!({ "publish": "*" }), json!({ "publish": [1] }), json!({ "subscribe": {} })]
    {
        assert_eq!(of_token(&hub, &Token::v0(claim.clone())).1, 401, "{claim}");
    }
}

// 2 Token: `Authorization: Bearer `, in exactly this case, with 41 characters at least; else 401.
#[test]
fn the_header_is_spelt_exactly() {
    // The scheme's case counts on a hub of 0.x alone: 1.0 is lenient, and a hub of both cannot tell.
    let hub = configured("dialects = ['0.x']", "");
    let token = v0_all();
    let with = |value: String| statuses(&Client::of(&hub).header("Authorization", value));
    assert_eq!(with(format!("Bearer {token}")), (200, 200));
    for value in ["Bearer".to_owned(), format!("bearer {token}"), format!("Basic {token}"), token.clone()] {
        assert_eq!(with(value.clone()), (401, 401), "{value}");
    }
    assert_eq!(with(format!("Bearer {}", "x".repeat(MIN_BYTES - 1))), (401, 401));
    // A cookie does not make up for it.
    let client = Client::of(&hub)
        .header("Authorization", "Basic x")
        .header("Cookie", format!("mercureAuthorization={token}"));
    assert_eq!(client.refused(&[("topic", "a")]).status(), 401);
}

// 2 Token: then `?authorization=`, one of it. Logs of proxies keep it, so it is behind an operator's switch: that of 0.x.
#[test]
fn a_token_comes_in_the_query() {
    let hub = hub();
    let token = v0_all();
    let subscribe = |fields: &[(&str, &str)]| {
        Client::of(&hub).subscribe(fields).map_or_else(|answer| answer.status(), |_| 200)
    };
    assert_eq!(subscribe(&[("topic", "a"), ("authorization", &token)]), 200);
    for fields in [
        &[("topic", "a"), ("authorization", GARBAGE)][..],
        &[("topic", "a"), ("authorization", &token[..MIN_BYTES - 1])],
        &[("topic", "a"), ("authorization", "")],
        &[("topic", "a"), ("authorization", &token), ("authorization", &token)],
        &[("topic", "a"), ("Authorization", &token)],
        &[("topic", "a"), ("access_token", &token)],
    ] {
        assert_eq!(subscribe(fields), 401, "{fields:?}");
    }
    let target = format!("{PATH}?{}", form(&[("authorization", &token)]));
    let client = Client::of(&hub).header("Content-Type", "application/x-www-form-urlencoded");
    assert_eq!(client.request("POST", &target, b"topic=a").status(), 200);
    // The header goes before it, and it before the cookie.
    let header = Client::with(&hub, GARBAGE);
    assert_eq!(header.refused(&[("topic", "a"), ("authorization", &token)]).status(), 401);
    let cookie = Client::of(&hub).header("Cookie", format!("mercureAuthorization={token}"));
    assert_eq!(cookie.refused(&[("topic", "a"), ("authorization", GARBAGE)]).status(), 401);
}

// 2 Token: then the cookie `mercureAuthorization`, whose name can be configured.
#[test]
fn a_token_comes_in_the_cookie() {
    let default = hub();
    let renamed = configured("cookie_0x = 'hub_token'", "");
    let subscribe = |hub: &Hub, name: &str, token: &str| {
        let client = Client::of(hub).header("Cookie", format!("a=b; {name}={token}; c=d"));
        client.subscribe(&[("topic", "a")]).map_or_else(|answer| answer.status(), |_| 200)
    };
    assert_eq!(subscribe(&default, "mercureAuthorization", &v0_all()), 200);
    assert_eq!(subscribe(&default, "mercureAuthorization", GARBAGE), 401);
    assert_eq!(subscribe(&renamed, "hub_token", &v0_all()), 200);
    assert_eq!(subscribe(&renamed, "mercureAuthorization", &v0_all()), 401);
}

// 2 Token: a cookie publishes only from an allowed Origin, or Referer; else 401.
#[test]
fn a_cookie_publishes_only_from_allowed_pages() {
    let hub = configured("publish_origins = ['https://app.example']", "");
    let publish = |headers: &[(&'static str, &str)]| {
        let client = Client::of(&hub).header("Cookie", format!("mercureAuthorization={}", v0_all()));
        let client = headers.iter().fold(client, |client, (name, value)| client.header(name, *value));
        client.publish(&[("topic", "a")]).status()
    };
    assert_eq!(publish(&[("Origin", "https://app.example")]), 200);
    assert_eq!(publish(&[("Referer", "https://app.example/page")]), 200);
    for headers in [
        &[][..],
        &[("Origin", "https://evil.example")],
        &[("Referer", "https://evil.example/https://app.example")],
        &[("Origin", "https://evil.example"), ("Referer", "https://app.example/")],
    ] {
        assert_eq!(publish(headers), 401, "{headers:?}");
    }
}

// 2 Token: a bad one is never taken for none, and the reason is told without the token.
#[test]
fn a_bad_token_is_not_anonymous() {
    let hub = configured("", "[anonymous]\nsubscribe = ['*']\npublish = ['*']");
    assert_eq!(statuses(&Client::of(&hub)), (200, 200));
    let expired = everything().claim("exp", in_seconds(-60)).signed();
    for token in [GARBAGE, &expired] {
        let client = Client::with(&hub, token);
        assert_eq!(statuses(&client), (401, 401));
        let answer = client.refused(&[("topic", "a")]);
        assert!(!format!("{:?}{}", answer.head, answer.text()).contains(token));
    }
    assert!(Client::with(&hub, &expired).refused(&[("topic", "a")]).text().contains("expired"));
    assert!(!hub.stderr().contains(&expired) && !hub.stderr().contains(SECRET));
    let mut listener = Client::of(&hub).listen(&[("topic", "*")]);
    let publisher = Client::with(&hub, &v0(&["*"], &[]));
    publisher.published(&[("topic", "a"), ("private", "on"), ("data", "private")]);
    assert_eq!(until_end(&publisher, &mut listener), [""; 0]);
}
