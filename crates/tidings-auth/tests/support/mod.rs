//! What the tests of the authority share: a hub's settings, and tokens with any header and claims.

#![allow(dead_code, unused_imports, reason = "not every test uses all of it")]

mod application;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::{Value, json};
use tidings_auth::{
    Action, Algorithm, Asked, Authority, Carrier, Dialects, Grant, Issuer, KeySource, Presented, Reason,
    Roles, Secret, Settings,
};
use tidings_hub::{Selection, Selector};

pub(crate) use application::{Application, headers};

pub(crate) const KEY: &str = "the secret that issuer and hub share";
pub(crate) const ISSUER: &str = "https://issuer.example";
pub(crate) const HUB: &str = "https://hub.example/.well-known/mercure";
pub(crate) const BOTH: Dialects = Dialects { v1: true, v0: true };

/// The secret half of a pair in `tests/keys`, or the public one.
#[macro_export]
macro_rules! pem {
    ($name:literal) => {
        include_str!(concat!("keys/", $name, ".pem"))
    };
}

pub(crate) fn issuer() -> Issuer {
    Issuer {
        name: "test".to_owned(),
        issuer: Some(ISSUER.to_owned()),
        audience: Vec::new(),
        roles: Roles::default(),
        keys: KeySource::Static { key: KEY.into(), algorithm: Algorithm::HS256 },
        leeway: Duration::ZERO,
    }
}

pub(crate) fn hub(issuers: Vec<Issuer>) -> Authority {
    Authority::start(Settings { issuers, dialects: BOTH, ..Settings::default() }).unwrap()
}

pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

pub(crate) fn selection(texts: &[&str]) -> Selection {
    texts.iter().map(|text| Selector::from_text(text).unwrap()).collect()
}

/// A token with this header's type and these claims, signed with [`KEY`].
pub(crate) fn token(typ: &str, claims: &Value) -> Secret {
    let header = Header { typ: Some(typ.to_owned()), ..Header::new(Algorithm::HS256) };
    encode(&header, claims, &EncodingKey::from_secret(KEY.as_bytes())).unwrap().into()
}

/// `base` with the members of `more` added, or taken out where they are null.
pub(crate) fn with(base: &Value, more: &Value) -> Value {
    let mut claims = base.as_object().unwrap().clone();
    for (claim, value) in more.as_object().unwrap() {
        match value {
            Value::Null => claims.remove(claim),
            value => claims.insert(claim.clone(), value.clone()),
        };
    }
    Value::Object(claims)
}

/// A good set of claims of Mercure 1.0.
pub(crate) fn v1() -> Value {
    json!({
        "iss": ISSUER, "aud": HUB, "exp": now() + 60,
        "authorization_details": [{
            "type": "https://mercure.rocks/authorization-detail",
            "actions": ["publish", "subscribe"],
            "topics": [{"match": "https://example.com/a"}],
        }]
    })
}

/// A good set of claims of Mercure 0.x.
pub(crate) fn v0() -> Value {
    json!({"mercure": {"publish": ["a"], "subscribe": ["b"]}})
}

/// A good set of native claims.
pub(crate) fn native() -> Value {
    json!({"iss": ISSUER, "tidings": {"publish": ["orders.*"], "subscribe": ["news"]}})
}

pub(crate) async fn verify(
    hub: &Authority,
    token: &Secret,
    action: Action,
) -> Result<std::sync::Arc<Grant>, Reason> {
    let presented = Presented { token: token.clone(), by: Carrier::Header };
    let asked = Asked { action, audience: HUB, dialects: BOTH };
    hub.verify(&presented, &asked).await.map_err(|refusal| {
        assert_eq!(refusal.kind, refusal.reason.kind());
        refusal.reason
    })
}

/// What a token may publish to, and where it sees public and private events.
pub(crate) fn rights(grant: &Grant) -> (String, String, String) {
    let read = &grant.rights.read;
    (grant.rights.publish.to_string(), read.public.to_string(), read.private.to_string())
}
