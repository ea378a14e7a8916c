//! Tokens, made here with the library alone and not by the code that is tested.

use std::time::{SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use super::client::URL;

/// The secret of the issuer that the hubs believe.
pub(super) const SECRET: &str = "an-example-that-is-long-enough-for-every-hash-that-there-is-in-hs512";
pub(super) const ISSUER: &str = "https://issuer.example";
/// The type of the entries of `authorization_details` that are Mercure's.
pub(super) const DETAIL: &str = "https://mercure.rocks/authorization-detail";

/// A token before it is signed.
#[derive(Clone)]
pub(super) struct Token {
    typ: Option<&'static str>,
    claims: Value,
}

impl Token {
    /// One of 1.0, with these details.
    pub(super) fn v1(details: Value) -> Self {
        let claims =
            json!({ "iss": ISSUER, "aud": URL, "exp": in_seconds(3600), "authorization_details": details });
        Self { typ: Some("at+jwt"), claims }
    }

    /// One of 0.x, with what it says of Mercure.
    pub(super) fn v0(mercure: Value) -> Self {
        Self { typ: Some("JWT"), claims: json!({ "mercure": mercure }) }
    }

    /// With this claim, or without it if it is null.
    pub(super) fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        let claims = self.claims.as_object_mut().unwrap();
        match value.into() {
            Value::Null => claims.remove(name),
            value => claims.insert(name.to_owned(), value),
        };
        self
    }

    pub(super) fn typ(self, typ: Option<&'static str>) -> Self {
        Self { typ, ..self }
    }

    pub(super) fn signed(&self) -> String {
        self.signed_with(Algorithm::HS256, &EncodingKey::from_secret(SECRET.as_bytes()))
    }

    pub(super) fn signed_with(&self, algorithm: Algorithm, key: &EncodingKey) -> String {
        self.signed_as(algorithm, key, None)
    }

    /// With the name of the key, too.
    pub(super) fn signed_as(&self, algorithm: Algorithm, key: &EncodingKey, kid: Option<&str>) -> String {
        let mut header = Header::new(algorithm);
        header.typ = self.typ.map(str::to_owned);
        header.kid = kid.map(str::to_owned);
        encode(&header, &self.claims, key).unwrap()
    }
}

/// An entry of `authorization_details`, with exact topics or `*`.
pub(super) fn detail(actions: &[&str], topics: &[&str]) -> Value {
    let topics: Vec<_> = topics.iter().map(|topic| json!({ "match": topic })).collect();
    json!({ "type": DETAIL, "actions": actions, "topics": topics })
}

/// A token of 1.0 for these actions on exact topics or `*`.
pub(super) fn v1(actions: &[&str], topics: &[&str]) -> String {
    Token::v1(json!([detail(actions, topics)])).signed()
}

/// A token of 1.0 for everything.
pub(super) fn v1_all() -> String {
    v1(&["publish", "subscribe"], &["*"])
}

/// A token of 0.x.
pub(super) fn v0(publish: &[&str], subscribe: &[&str]) -> String {
    Token::v0(json!({ "publish": publish, "subscribe": subscribe })).signed()
}

/// A token of 0.x for everything.
pub(super) fn v0_all() -> String {
    v0(&["*"], &["*"])
}

/// A time from now, as tokens have it.
pub(super) fn in_seconds(seconds: i64) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    i64::try_from(now).unwrap() + seconds
}
