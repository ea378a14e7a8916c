//! Section 3: the environment variables of the reference hub, with which its deployments start this one.

use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::json;

use super::{
    client::{Client, PATH, SUBSCRIPTIONS},
    token::{SECRET, Token, detail},
};
use crate::support::{Hub, Options, wait_until};

const SUBSCRIBERS_SECRET: &str = "the-secret-of-those-who-subscribe-which-is-long-enough-for-hs512-too";

fn hub(variables: &[(&'static str, &str)]) -> Hub {
    let environment = variables.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    Hub::with(Options { environment, ..Options::default() })
}

fn keys() -> [(&'static str, &'static str); 2] {
    [("MERCURE_PUBLISHER_JWT_KEY", SECRET), ("MERCURE_SUBSCRIBER_JWT_KEY", SUBSCRIBERS_SECRET)]
}

fn secret(text: &str) -> EncodingKey {
    EncodingKey::from_secret(text.as_bytes())
}

fn publisher() -> String {
    Token::v0(json!({ "publish": ["*"] })).signed()
}

fn subscriber() -> String {
    Token::v0(json!({ "subscribe": ["*"] })).signed_with(Algorithm::HS256, &secret(SUBSCRIBERS_SECRET))
}

// 3 MERCURE_PUBLISHER_JWT_KEY and MERCURE_SUBSCRIBER_JWT_KEY: applications of 0.x go on as they are, each key in its role,
// with ids as they know them.
#[test]
fn the_keys_of_the_stock_image_are_understood() {
    let hub = hub(&keys());
    let mut listener = Client::with(&hub, &subscriber()).listen(&[("topic", "https://example.com/{id}")]);
    let fields = [("topic", "https://example.com/1"), ("data", "x"), ("private", "on")];
    let id = Client::with(&hub, &publisher()).published(&fields);
    assert!(id.starts_with("urn:uuid:"), "{id}");
    let event = listener.event();
    assert_eq!((event.id, event.data.as_str()), (id, "x"));
    assert_eq!(Client::with(&hub, &subscriber()).publish(&fields).status(), 401);
    assert_eq!(Client::with(&hub, &publisher()).refused(&[("topic", "a")]).status(), 401);
    // Nobody is anonymous unless it is said.
    assert_eq!(Client::of(&hub).refused(&[("topic", "a")]).status(), 401);
}

// 3 …_ALG.
#[test]
fn the_algorithms_are_understood() {
    let [publishers, subscribers] = keys();
    let hub = hub(&[
        publishers,
        ("MERCURE_PUBLISHER_JWT_ALG", "HS512"),
        subscribers,
        ("MERCURE_SUBSCRIBER_JWT_ALG", "HS384"),
    ]);
    let claims = Token::v0(json!({ "publish": ["*"], "subscribe": ["*"] }));
    let publisher = claims.signed_with(Algorithm::HS512, &secret(SECRET));
    let subscriber = claims.signed_with(Algorithm::HS384, &secret(SUBSCRIBERS_SECRET));
    let mut listener = Client::with(&hub, &subscriber).listen(&[("topic", "a")]);
    Client::with(&hub, &publisher).published(&[("topic", "a"), ("data", "x")]);
    assert_eq!(listener.event().data, "x");
    assert_eq!(Client::with(&hub, &claims.signed()).publish(&[("topic", "a")]).status(), 401);
}

// 3 MERCURE_TRUSTED_ISSUERS: whose tokens of 1.0 are believed.
#[test]
fn the_trusted_issuers_are_understood() {
    let [publishers, subscribers] = keys();
    let hub = hub(&[publishers, subscribers, ("MERCURE_TRUSTED_ISSUERS", "https://localhost")]);
    let audience = format!("{}{PATH}", hub.url());
    let token = |issuer: &str, action: &str, key: &str| {
        Token::v1(json!([detail(&[action], &["*"])]))
            .claim("iss", issuer)
            .claim("aud", audience.as_str())
            .signed_with(Algorithm::HS256, &secret(key))
    };
    let subscriber = token("https://localhost", "subscribe", SUBSCRIBERS_SECRET);
    let mut listener = Client::with(&hub, &subscriber).listen(&[("match", "a")]);
    let publisher = token("https://localhost", "publish", SECRET);
    Client::with(&hub, &publisher).published(&[("topic", "a"), ("data", "x")]);
    assert_eq!(listener.event().data, "x");
    let stranger = token("https://stranger.example", "publish", SECRET);
    assert_eq!(Client::with(&hub, &stranger).publish(&[("topic", "a")]).status(), 401);
}

// 3 MERCURE_EXTRA_DIRECTIVES: lines of a Caddyfile. What has a meaning is obeyed, what has none is named in a warning.
#[test]
fn directives_are_obeyed_or_named() {
    let [publishers, subscribers] = keys();
    let directives = "anonymous\nsubscriptions\ncors_origins https://app.example https://other.example\n\
                      publish_origins https://app.example\ncookie_name hub_token\nheartbeat 100ms\nwrite_timeout 2s\n\
                      demo\ntransport bolt {\n  path updates.db\n  size 1000\n}\n";
    let hub = hub(&[publishers, subscribers, ("MERCURE_EXTRA_DIRECTIVES", directives)]);
    // heartbeat, cors_origins, write_timeout
    let anonymous = Client::of(&hub).header("Origin", "https://other.example");
    let mut listener = anonymous.listen(&[("topic", "a")]);
    assert_eq!(listener.head.header("access-control-allow-origin"), Some("https://other.example"));
    listener.bytes_to("\n:\n:\n");
    listener.rest();
    // subscriptions
    let answer = Client::with(&hub, &subscriber()).get(SUBSCRIPTIONS);
    assert_eq!(answer.status(), 200, "{}", answer.text());
    // cookie_name, publish_origins
    let page = Client::of(&hub).header("Cookie", format!("hub_token={}", publisher()));
    page.clone().header("Origin", "https://app.example").published(&[("topic", "a")]);
    let other = page.header("Origin", "https://other.example");
    assert_ne!(other.publish(&[("topic", "a")]).status(), 200);
    for name in ["demo", "transport"] {
        assert!(hub.stderr().contains(name), "{}", hub.stderr());
    }
    assert!(!hub.stderr().contains(SECRET));
}

// 3 An unknown directive is an error at start, and nothing is served.
#[test]
fn an_unknown_directive_is_an_error_at_start() {
    let program = crate::support::Program::new();
    let answer = program.run_in(
        &["serve", "--listen", "127.0.0.1:0"],
        &[("MERCURE_PUBLISHER_JWT_KEY", SECRET), ("MERCURE_EXTRA_DIRECTIVES", "anonymous\nanonimous\n")],
    );
    assert_ne!(answer.code, Some(0), "{answer:?}");
    assert!(answer.stderr.contains("anonimous"), "{answer:?}");
    assert!(!answer.stderr.contains(SECRET), "{answer:?}");
}

// 3 The configuration's own keys go before the variables.
#[test]
fn our_own_keys_go_first() {
    let environment = keys().map(|(name, value)| (name, value.to_owned())).to_vec();
    let configuration = "[mercure]\ndialects = ['1.0']\nids = 'hub'\n".to_owned();
    let hub = Hub::with(Options { configuration, environment, ..Options::default() });
    assert_eq!(Client::with(&hub, &publisher()).publish(&[("topic", "a")]).status(), 401);
    assert_eq!(Client::with(&hub, &subscriber()).refused(&[("topic", "a")]).status(), 400);
}

// 3 The variables alone make a hub that is not open, and one that waits for nobody's key.
#[test]
fn a_hub_with_the_variables_is_not_open() {
    let hub = hub(&keys()[..1]);
    assert_eq!(hub.request("POST", "/topics/a", &[], b"x").status(), 401);
    Client::with(&hub, &publisher()).published(&[("topic", "a")]);
    wait_until("it is ready", || hub.get("/readyz").status() == 200);
}
