//! 1.6: which tokens are good, and what is answered to those that are not. Not here: what carries them
//! (`token_transport.rs`) and what they grant (`token_details.rs`).

use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use super::{
    client::{Client, PATH, URL, configured, hub, segment},
    token::{ISSUER, SECRET, Token, detail, in_seconds, v1, v1_all},
};
use crate::support::{BOUND, Connection, Hub, Program, Response, wait_until};

const PRIVATE_PEM: &str = include_str!("keys/ed25519.pem");
const PUBLIC_PEM: &str = include_str!("keys/ed25519.pub.pem");
const JWKS: &str = include_str!("keys/jwks.json");
const RESOURCE_METADATA: &str =
    "resource_metadata=\"https://hub.example/.well-known/oauth-protected-resource/.well-known/mercure\"";

fn everything() -> Token {
    Token::v1(json!([detail(&["publish", "subscribe"], &["*"])]))
}

fn secret(text: &str) -> EncodingKey {
    EncodingKey::from_secret(text.as_bytes())
}

fn challenge(answer: &Response) -> &str {
    answer.header("www-authenticate").unwrap_or_else(|| panic!("no challenge: {:?}", answer.head))
}

fn accepted(hub: &Hub, token: &str, why: &str) {
    let client = Client::with(hub, token);
    if let Err(answer) = client.subscribe(&[("match", "a")]) {
        panic!("{why}: {}", answer.text());
    }
    let answer = client.publish(&[("topic", "a")]);
    assert_eq!(answer.status(), 200, "{why}: {}", answer.text());
}

/// Asserts that a token is answered 401 `invalid_token`, wherever it is shown.
fn invalid(hub: &Hub, token: &str, why: &str) {
    let client = Client::with(hub, token);
    for answer in [client.refused(&[("match", "a")]), client.publish(&[("topic", "a")])] {
        assert_eq!(answer.status(), 401, "{why}: {}", answer.text());
        assert!(challenge(&answer).contains("error=\"invalid_token\""), "{why}: {}", challenge(&answer));
        assert!(challenge(&answer).contains(RESOURCE_METADATA), "{why}: {}", challenge(&answer));
        let shown = format!("{}{}", answer.text(), challenge(&answer));
        assert!(!shown.contains(token) && !shown.contains(SECRET), "{why}: {shown}");
    }
}

// 1.6 Validation: `typ` is `at+jwt` or `application/at+jwt`, in either case.
#[test]
fn only_access_tokens_are_tokens() {
    let hub = hub();
    for typ in ["at+jwt", "application/at+jwt", "AT+JWT", "Application/At+Jwt"] {
        accepted(&hub, &everything().typ(Some(typ)).signed(), typ);
    }
    for typ in [None, Some("JWT"), Some("jwt+at"), Some("at+jwt "), Some("text/at+jwt"), Some("")] {
        let token = everything().typ(typ).signed();
        let answer = Client::with(&hub, &token).refused(&[("match", "a")]);
        assert_eq!(answer.status(), 401, "{typ:?}: {}", answer.text());
        assert!(challenge(&answer).contains("error=\"invalid_token\""), "{typ:?}");
        assert_eq!(Client::with(&hub, &token).publish(&[("topic", "a")]).status(), 401, "{typ:?}");
    }
}

// 1.6 Validation: a static key pins exactly one algorithm.
#[test]
fn a_key_has_one_algorithm() {
    let hub = hub();
    accepted(&hub, &everything().signed(), "HS256");
    for algorithm in [Algorithm::HS384, Algorithm::HS512] {
        invalid(&hub, &everything().signed_with(algorithm, &secret(SECRET)), &format!("{algorithm:?}"));
    }
    // {"alg":"none","typ":"at+jwt"}
    let signed = everything().signed();
    let claims = signed.split('.').nth(1).unwrap();
    for signature in ["", signed.rsplit('.').next().unwrap()] {
        invalid(&hub, &format!("eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.{claims}.{signature}"), "none");
    }
}

// 1.6 Validation: signed with the issuer's key, and not changed since.
#[test]
fn a_token_is_signed() {
    let hub = hub();
    invalid(
        &hub,
        &everything().signed_with(Algorithm::HS256, &secret("another secret of enough bytes!!")),
        "key",
    );
    let (one, other) = (v1(&["subscribe"], &["a"]), v1_all());
    let parts: Vec<_> = one.split('.').zip(other.split('.')).collect();
    invalid(&hub, &format!("{}.{}.{}", parts[0].0, parts[1].1, parts[2].0), "claims of another");
    invalid(&hub, "not-a-token-although-it-is-long-enough-to-be-one", "no token at all");
    invalid(
        &hub,
        "eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9.bm90IGpzb24.AAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "no claims",
    );
}

// 1.6 Validation: a PEM key is for an asymmetric algorithm; the public key is no shared secret.
#[test]
fn a_pem_key_verifies_what_its_private_key_signs() {
    let configuration = format!(
        "[mercure]\nurl = '{URL}'\n[[jwt]]\nissuer = '{ISSUER}'\nalgorithm = 'EdDSA'\nkey = '''\n{PUBLIC_PEM}'''\n"
    );
    let hub = Hub::configured(&configuration);
    let key = EncodingKey::from_ed_pem(PRIVATE_PEM.as_bytes()).unwrap();
    accepted(&hub, &everything().signed_with(Algorithm::EdDSA, &key), "EdDSA");
    invalid(
        &hub,
        &everything().signed_with(Algorithm::HS256, &secret(PUBLIC_PEM)),
        "the public key as a secret",
    );
}

// 1.6 Validation: a PEM key with an HS algorithm refuses to start.
#[test]
fn a_pem_key_for_a_shared_secrets_algorithm_is_an_error_at_start() {
    for algorithm in ["algorithm = 'HS256'", ""] {
        let program = Program::new();
        let table = format!("[[jwt]]\nissuer = '{ISSUER}'\n{algorithm}\nkey = '''\n{PUBLIC_PEM}'''\n");
        program.write("tidings.toml", &table);
        let answer = program.run(&["serve", "--listen", "127.0.0.1:0"]);
        assert_ne!(answer.code, Some(0), "{answer:?}");
        assert!(answer.stderr.contains("PEM"), "{answer:?}");
        assert!(!answer.stderr.contains("MCowBQ"), "the key is shown: {answer:?}");
    }
}

// 1.6 Validation: keys of a set are chosen by their id, and none of them is a shared secret.
#[test]
fn a_key_set_verifies_by_the_key_that_a_token_names() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("jwks.json");
    std::fs::write(&path, JWKS).unwrap();
    let hub = Hub::configured(&format!(
        "[mercure]\nurl = '{URL}'\n[[jwt]]\nissuer = '{ISSUER}'\njwks = 'file://{}'\n",
        path.display()
    ));
    let key = EncodingKey::from_ed_pem(PRIVATE_PEM.as_bytes()).unwrap();
    accepted(&hub, &everything().signed_as(Algorithm::EdDSA, &key, Some("2026")), "the key of the set");
    invalid(&hub, &everything().signed_as(Algorithm::EdDSA, &key, Some("2025")), "no key of the set");
    let public = secret(PUBLIC_PEM);
    invalid(&hub, &everything().signed_as(Algorithm::HS256, &public, Some("2026")), "HS256 with a key set");
}

// 1.6 Validation: the key is that of the configured issuer which the token names, and of no other.
#[test]
fn each_issuer_has_its_own_key() {
    const OTHER: &str = "https://other.example";
    const OTHERS_SECRET: &str = "the secret of the other issuer, which is long enough";
    let hub = configured("", &format!("[[jwt]]\nissuer = '{OTHER}'\nkey = '{OTHERS_SECRET}'"));
    let own = secret(OTHERS_SECRET);
    accepted(&hub, &everything().signed(), "the first issuer");
    accepted(&hub, &everything().claim("iss", OTHER).signed_with(Algorithm::HS256, &own), "the other issuer");
    invalid(&hub, &everything().claim("iss", OTHER).signed(), "the first one's key in the other's name");
    invalid(&hub, &everything().signed_with(Algorithm::HS256, &own), "and the other way round");
}

// 1.6 Validation: `iss` equals a configured issuer.
#[test]
fn only_configured_issuers_are_believed() {
    let hub = hub();
    for issuer in
        [Value::Null, json!("https://evil.example"), json!(format!("{ISSUER}/")), json!(""), json!([ISSUER])]
    {
        invalid(&hub, &everything().claim("iss", issuer.clone()).signed(), &format!("iss {issuer}"));
    }
}

// 1.6 Validation: `exp` is required, and `nbf` honoured.
#[test]
fn a_token_is_good_for_its_time() {
    let hub = hub();
    for exp in [
        Value::Null,
        json!(in_seconds(-60)),
        json!(0),
        json!("tomorrow"),
        json!(in_seconds(3600).to_string()),
    ] {
        invalid(&hub, &everything().claim("exp", exp.clone()).signed(), &format!("exp {exp}"));
    }
    invalid(&hub, &everything().claim("nbf", in_seconds(600)).signed(), "nbf to come");
    accepted(&hub, &everything().claim("nbf", in_seconds(-600)).signed(), "nbf over");
}

// 1.6 Validation: `aud`, a string or an array, holds the hub's resource identifier.
#[test]
fn a_token_is_for_this_hub() {
    let hub = hub();
    accepted(
        &hub,
        &everything().claim("aud", json!(["https://other.example", URL])).signed(),
        "one of several",
    );
    for audience in [
        Value::Null,
        json!("https://other.example/.well-known/mercure"),
        json!(["https://other.example"]),
        json!([]),
        json!("https://hub.example"),
        json!(format!("{URL}/")),
    ] {
        invalid(&hub, &everything().claim("aud", audience.clone()).signed(), &format!("aud {audience}"));
    }
}

// 1.6 Resource identifier: as configured, else `scheme://host/.well-known/mercure` of each request.
#[test]
fn without_a_configured_address_the_request_says_whom_a_token_is_for() {
    let hub = Hub::configured(&format!("[[jwt]]\nissuer = '{ISSUER}'\nkey = '{SECRET}'\n"));
    let own = everything().claim("aud", format!("{}{PATH}", hub.url())).signed();
    let public = everything().claim("aud", URL).signed();
    let ask = |token: &str, headers: &[(&'static str, &str)]| {
        let client = Client::with(&hub, token);
        let client = headers.iter().fold(client, |client, (name, value)| client.header(name, *value));
        client.subscribe(&[("match", "a")]).map_or_else(|answer| answer.status(), |_| 200)
    };
    assert_eq!(ask(&own, &[]), 200);
    assert_eq!(ask(&public, &[]), 401);
    let proxied = [("Host", "hub.example"), ("X-Forwarded-Proto", "https")];
    assert_eq!(ask(&public, &proxied), 200);
    assert_eq!(ask(&own, &proxied), 401);
}

// 1.6 Validation: `aud` as configured for the issuer, which goes before the hub's own.
#[test]
fn an_issuer_can_have_an_audience_of_its_own() {
    let hub = Hub::configured(&format!(
        "[mercure]\nurl = '{URL}'\n[[jwt]]\nissuer = '{ISSUER}'\nkey = '{SECRET}'\naudience = 'urn:our:hub'\n"
    ));
    accepted(&hub, &everything().claim("aud", "urn:our:hub").signed(), "the configured one");
    invalid(&hub, &everything().signed(), "the hub's own");
}

// 1.6 `sub`, `client_id`, `iat` and `jti` are for issuers to give, and not checked here. All other tests have none.
#[test]
fn further_claims_are_not_checked() {
    let hub = hub();
    let token = everything().claim("client_id", 5).claim("iat", in_seconds(600)).claim("scope", json!({}));
    accepted(&hub, &token.signed(), "odd claims");
}

// 1.6 Separate keys for each role of an issuer.
#[test]
fn publishers_and_subscribers_can_have_keys_of_their_own() {
    const OTHERS_SECRET: &str = "the secret of those who subscribe, which is long enough";
    let hub = Hub::configured(&format!(
        "[mercure]\nurl = '{URL}'\n\
         [[jwt]]\nissuer = '{ISSUER}'\nkey = '{SECRET}'\nactions = ['publish']\n\
         [[jwt]]\nissuer = '{ISSUER}'\nkey = '{OTHERS_SECRET}'\nactions = ['subscribe']\n"
    ));
    let publisher = everything().signed();
    let subscriber = everything().signed_with(Algorithm::HS256, &secret(OTHERS_SECRET));
    let mut listener = Client::with(&hub, &subscriber).listen(&[("match", "a")]);
    Client::with(&hub, &publisher).published(&[("topic", "a"), ("data", "x"), ("private", "on")]);
    assert_eq!(listener.event().data, "x");
    assert_eq!(Client::with(&hub, &publisher).refused(&[("match", "a")]).status(), 401);
    assert_eq!(Client::with(&hub, &subscriber).publish(&[("topic", "a")]).status(), 401);
}

// 1.6 Errors: a token is needed and none given → 401, a challenge without `error`.
#[test]
fn who_has_no_token_is_told_where_to_get_one() {
    let hub = configured("subscriptions = true", "");
    let client = Client::of(&hub);
    for answer in [
        client.refused(&[("match", "a")]),
        client.publish(&[("topic", "a")]),
        client.get("/.well-known/mercure/subscriptions"),
    ] {
        assert_eq!(answer.status(), 401, "{}", answer.text());
        assert_eq!(challenge(&answer), format!("Bearer {RESOURCE_METADATA}"));
        assert!(answer.text().starts_with("Unauthorized"), "{}", answer.text());
    }
}

// 1.6 Errors: a good token that does not grant it → 403 insufficient_scope.
#[test]
fn who_is_not_granted_is_told_so() {
    let hub = configured("subscriptions = true", "");
    let client = Client::with(&hub, &v1(&["publish", "subscribe"], &["granted"]));
    for answer in [client.publish(&[("topic", "a")]), client.get("/.well-known/mercure/subscriptions")] {
        assert_eq!(answer.status(), 403, "{}", answer.text());
        assert!(challenge(&answer).contains("error=\"insufficient_scope\""), "{}", challenge(&answer));
        assert!(challenge(&answer).contains(RESOURCE_METADATA), "{}", challenge(&answer));
        assert!(answer.text().starts_with("Forbidden"), "{}", answer.text());
    }
}

// 5 (9) The reason is told, in the answer and in a log line, and neither holds the token.
#[test]
fn the_reason_is_told_and_logged() {
    let hub = hub();
    let expired = everything().claim("exp", in_seconds(-300)).signed();
    let for_another = everything().claim("aud", "https://other.example").signed();
    let limited = v1(&["publish"], &["granted"]);
    for (token, reason) in [
        (&expired, "the token expired 5 minutes ago"),
        (&for_another, "the token's aud is"),
        (&limited, "may not publish"),
    ] {
        let answer = Client::with(&hub, token).publish(&[("topic", "a")]);
        assert!(answer.text().contains(reason), "{}", answer.text());
        wait_until("the reason is logged", || hub.stderr().contains(reason));
        let shown = format!("{:?}{}{}", answer.head, answer.text(), hub.stderr());
        assert!(!shown.contains(token.as_str()) && !shown.contains(SECRET));
    }
}

// 1.6 Errors: a malformed request otherwise → 400 without a challenge; a body too large → 413.
#[test]
fn what_has_nothing_to_do_with_tokens_has_no_challenge() {
    let hub = hub();
    let client = Client::with(&hub, &v1_all());
    let mut answers = vec![
        client.refused(&[]),
        client.refused(&[("match_urlpattern", "{unclosed")]),
        client.refused(&[("match_regexp", "x")]),
        client.publish(&[]),
        client.publish(&[("topic", "*")]),
        client.publish(&[("topic", "a"), ("id", "#x")]),
    ];
    for answer in &answers {
        assert_eq!(answer.status(), 400, "{}", answer.text());
    }
    let too_large = format!("topic=a&data={}", "x".repeat(1 << 20));
    answers.push(client.post(too_large.as_bytes()));
    assert_eq!(answers.last().unwrap().status(), 413);
    for answer in &answers {
        assert_eq!(answer.header("www-authenticate"), None, "{}", answer.text());
    }
}

// 1.6 Errors: a request for an address that is not among `public_urls` → 421.
#[test]
fn a_request_for_another_address_is_misdirected() {
    let hub = configured("public_urls = ['https://hub.example']", "");
    let ask = |host: &'static str, scheme: &'static str| {
        let client = Client::with(&hub, &v1_all()).header("Host", host).header("X-Forwarded-Proto", scheme);
        let subscribed = client.subscribe(&[("match", "a")]).map_or_else(|answer| answer.status(), |_| 200);
        assert_eq!(client.publish(&[("topic", "a")]).status(), subscribed);
        subscribed
    };
    assert_eq!(ask("hub.example", "https"), 200);
    assert_eq!(ask("hub.example:443", "https"), 200);
    assert_eq!(ask("other.example", "https"), 421);
    assert_eq!(ask("hub.example", "http"), 421);
}

// 1.6 Errors: no room for a subscriber. The reference answers 503, at which a browser gives up for good: here it is told
// to come back, as on every front.
#[test]
fn who_finds_no_room_is_told_to_come_back() {
    let hub = configured("", "[limits]\nconnections = 2");
    let client = Client::with(&hub, &v1_all());
    let _taken = [client.listen(&[("match", "a")]), client.listen(&[("match", "a")])];
    let mut connection = Connection::open(hub.address, BOUND).unwrap();
    let authorization = format!("Bearer {}", v1_all());
    let target = format!("{PATH}?match={}", segment("a"));
    let answer = connection.request("GET", &target, &[("Authorization", &authorization)], b"").unwrap();
    assert_eq!(answer.status(), 200);
    assert!(
        answer.text().starts_with("retry: ") || answer.text().contains("\nretry: "),
        "{:?}",
        answer.text()
    );
}
