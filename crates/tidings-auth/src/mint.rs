//! Makes tokens: for `tidings token mint`, and for tests.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand;
use jsonwebtoken::{Header, encode};
use serde::Serialize;
use serde_json::value::RawValue;
use tidings_hub::UrlBase;

use crate::{
    Action, Algorithm, Dialect, Secret,
    pem::{self, KeyError},
    refusal::Reason,
    token::{self, DETAIL_TYPE, Says, Token},
};

/// What a token is to say.
#[derive(Clone, Debug)]
pub struct Mint {
    /// Its kind.
    pub dialect: Dialect,
    /// What it may publish to, in the notation of the kind: native as [`tidings_hub::Selector::from_text`]; 0.x a topic,
    /// a URI template or `*`; 1.0 a topic, `*`, or a URL pattern, which a text with `*`, `{`, `(` or `/:` is taken for.
    pub publish: Vec<String>,
    /// What it may subscribe to, likewise.
    pub subscribe: Vec<String>,
    /// The claim `sub`.
    pub user: Option<String>,
    /// The claim `exp`. Tokens of Mercure 1.0 need it.
    pub expires: Option<SystemTime>,
    /// What presence says about the bearer. Native tokens have none.
    pub payload: Option<Box<RawValue>>,
    /// The claim `iss`. Tokens of Mercure 1.0 need it.
    pub issuer: Option<String>,
    /// The claim `aud`. Tokens of Mercure 1.0 need it.
    pub audience: Vec<String>,
    /// Whether the bearer may administer the hub. Native tokens only.
    pub admin: bool,
    /// The `kid` of the header, by which a JWKS finds the key.
    pub kid: Option<String>,
}

impl Mint {
    /// A token that says nothing yet.
    pub fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            publish: Vec::new(),
            subscribe: Vec::new(),
            user: None,
            expires: None,
            payload: None,
            issuer: None,
            audience: Vec::new(),
            admin: false,
            kid: None,
        }
    }
}

/// Why a token cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MintError {
    /// The key cannot sign with the algorithm.
    #[error("the key cannot be used: {0}")]
    Key(#[from] KeyError),
    /// A token of Mercure 1.0 lacks a claim that it needs.
    #[error("a Mercure 1.0 token needs {0}")]
    Needs(&'static str),
    /// Only native tokens can administer.
    #[error("only a native token can hold admin: set the dialect to native")]
    Admin,
    /// Only tokens of Mercure have a payload.
    #[error("a native token has no payload: set the dialect to 1.0 or 0.x")]
    Payload,
    /// A hub would refuse what it says, as when a selector is none.
    #[error("{0}")]
    Refused(#[from] Reason),
    /// Signing failed.
    #[error("the token cannot be signed: {0}")]
    Signing(String),
}

/// The type of a token of Mercure 1.0 (RFC 9068).
const V1_TYPE: &str = "at+jwt";

/// Who made the token, where a claim must say so (RFC 9068).
const CLIENT: &str = "tidings";

#[derive(Serialize)]
struct Claims<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    aud: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<u64>,
    iat: u64,
    jti: String,
    #[serde(flatten)]
    own: Own<'a>,
}

/// The claim that makes a token one of its kind.
#[derive(Serialize)]
#[serde(untagged)]
enum Own<'a> {
    Native { tidings: Native<'a> },
    V0 { mercure: V0<'a> },
    V1 { client_id: &'static str, authorization_details: Vec<Detail<'a>> },
}

#[derive(Serialize)]
struct Native<'a> {
    publish: &'a [String],
    subscribe: &'a [String],
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    admin: bool,
}

#[derive(Serialize)]
struct V0<'a> {
    publish: &'a [String],
    subscribe: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct Detail<'a> {
    r#type: &'static str,
    actions: [Action; 1],
    topics: Vec<Matcher<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct Matcher<'a> {
    r#match: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    match_type: Option<&'static str>,
}

/// Makes a token and signs it.
///
/// # Errors
/// When the key cannot sign with the algorithm, or the kind of token needs or lacks something.
pub fn mint(token: &Mint, key: &Secret, algorithm: Algorithm) -> Result<Secret, MintError> {
    if token.admin && token.dialect != Dialect::Native {
        return Err(MintError::Admin);
    }
    let key = pem::signing(key, algorithm)?;
    let mut header = Header::new(algorithm);
    header.kid.clone_from(&token.kid);
    if token.dialect == Dialect::V1 {
        header.typ = Some(V1_TYPE.to_owned());
    }
    let claims = Claims {
        iss: token.issuer.as_deref(),
        sub: token.user.as_deref(),
        aud: &token.audience,
        exp: token.expires.map(seconds),
        iat: seconds(SystemTime::now()),
        jti: random_id()?,
        own: own(token)?,
    };
    let text = encode(&header, &claims, &key).map_err(|error| MintError::Signing(error.to_string()))?;
    let text = Secret::new(text);
    check(&text, token.dialect)?;
    Ok(text)
}

/// Whether a hub can read what was made, so that it is not the hub who says that a selector is none.
fn check(text: &Secret, dialect: Dialect) -> Result<(), Reason> {
    let token = Token::split(text.expose())?;
    Says::read(dialect, &token::Claims::read(&token.payload)?, &UrlBase::default()).map(drop)
}

fn own(token: &Mint) -> Result<Own<'_>, MintError> {
    let (publish, subscribe, payload) = (&*token.publish, &*token.subscribe, token.payload.as_deref());
    match token.dialect {
        Dialect::Native if payload.is_some() => Err(MintError::Payload),
        Dialect::Native => Ok(Own::Native { tidings: Native { publish, subscribe, admin: token.admin } }),
        Dialect::V0 => Ok(Own::V0 { mercure: V0 { publish, subscribe, payload } }),
        Dialect::V1 => {
            let needed = [
                (token.issuer.is_some(), "an issuer (iss)"),
                (!token.audience.is_empty(), "an audience (aud): the hub's URL"),
                (token.expires.is_some(), "an expiry (exp)"),
            ];
            if let Some((_, what)) = needed.into_iter().find(|(there, _)| !there) {
                return Err(MintError::Needs(what));
            }
            let details = [(Action::Publish, publish, None), (Action::Subscribe, subscribe, payload)];
            let details = details.into_iter().filter(|(_, texts, _)| !texts.is_empty());
            let authorization_details =
                details.map(|(action, texts, payload)| detail(action, texts, payload)).collect();
            Ok(Own::V1 { client_id: CLIENT, authorization_details })
        }
    }
}

fn detail<'a>(action: Action, texts: &'a [String], payload: Option<&'a RawValue>) -> Detail<'a> {
    let topics = texts
        .iter()
        .map(|text| Matcher { r#match: text, match_type: is_pattern(text).then_some("urlpattern") });
    Detail { r#type: DETAIL_TYPE, actions: [action], topics: topics.collect(), payload }
}

/// Whether a text is meant as a URL pattern. `*` alone is everything, whatever its type.
fn is_pattern(text: &str) -> bool {
    text != "*" && (text.contains(['*', '{', '(']) || text.contains("/:"))
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs()
}

/// 128 random bits, by which the token can be revoked.
fn random_id() -> Result<String, MintError> {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).map_err(|_| MintError::Signing("there are no random numbers".to_owned()))?;
    Ok(crate::digest::hex(&bytes))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::inspect;

    fn minted(token: &Mint) -> Result<crate::Inspection, MintError> {
        mint(token, &"a shared secret".into(), Algorithm::HS256).map(|token| inspect(&token).unwrap())
    }

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|&text| text.to_owned()).collect()
    }

    fn v1() -> Mint {
        Mint {
            issuer: Some("https://issuer.example".to_owned()),
            audience: texts(&["https://hub.example/.well-known/mercure"]),
            expires: Some(SystemTime::now() + Duration::from_secs(60)),
            ..Mint::new(Dialect::V1)
        }
    }

    #[test]
    fn a_native_token() {
        let token = Mint {
            publish: texts(&["orders.*"]),
            subscribe: texts(&["*"]),
            user: Some("42".to_owned()),
            admin: true,
            kid: Some("k".to_owned()),
            ..Mint::new(Dialect::Native)
        };
        let token = minted(&token).unwrap();
        assert_eq!(
            token.claims["tidings"],
            json!({"publish": ["orders.*"], "subscribe": ["*"], "admin": true})
        );
        assert_eq!((&token.claims["sub"], &token.header["kid"]), (&json!("42"), &json!("k")));
        assert!(token.claims.get("exp").is_none());
        assert_eq!(token.dialect, Some(Dialect::Native));
    }

    #[test]
    fn a_token_of_0_x() {
        let payload = Some(RawValue::from_string("{\"b\":1,\"a\":1.0}".to_owned()).unwrap());
        let token = Mint { subscribe: texts(&["/books/{id}"]), payload, ..Mint::new(Dialect::V0) };
        let token = minted(&token).unwrap();
        let expected = json!({"publish": [], "subscribe": ["/books/{id}"], "payload": {"b": 1, "a": 1.0}});
        assert_eq!(token.claims["mercure"], expected);
        assert_eq!(token.dialect, Some(Dialect::V0));
    }

    #[test]
    fn rule_1_6_a_token_of_1_0() {
        let token = Mint {
            publish: texts(&["https://example.com/a", "*"]),
            subscribe: texts(&[
                "https://example.com/b/:id",
                "https://example.com/*",
                "https://example.com/?a=1",
            ]),
            payload: Some(RawValue::from_string("1".to_owned()).unwrap()),
            ..v1()
        };
        let token = minted(&token).unwrap();
        let expected = json!([
            {"type": DETAIL_TYPE, "actions": ["publish"], "topics": [{"match": "https://example.com/a"}, {"match": "*"}]},
            {
                "type": DETAIL_TYPE, "actions": ["subscribe"], "payload": 1,
                "topics": [
                    {"match": "https://example.com/b/:id", "match_type": "urlpattern"},
                    {"match": "https://example.com/*", "match_type": "urlpattern"},
                    {"match": "https://example.com/?a=1"},
                ],
            },
        ]);
        assert_eq!(token.claims["authorization_details"], expected);
        assert_eq!((&token.header["typ"], token.dialect), (&json!("at+jwt"), Some(Dialect::V1)));
    }

    #[test]
    fn every_token_has_an_id_of_its_own() {
        let id = || minted(&Mint::new(Dialect::Native)).unwrap().id;
        assert_ne!(id(), id());
        assert_eq!(id().len(), 32);
    }

    #[test]
    fn a_token_that_no_hub_would_take_is_not_made() {
        let payload = Some(RawValue::from_string("1".to_owned()).unwrap());
        for (token, words) in [
            (Mint { issuer: None, ..v1() }, "needs an issuer"),
            (Mint { audience: Vec::new(), ..v1() }, "needs an audience"),
            (Mint { expires: None, ..v1() }, "needs an expiry"),
            (Mint { admin: true, ..v1() }, "only a native token"),
            (Mint { payload, ..Mint::new(Dialect::Native) }, "has no payload"),
            (Mint { publish: texts(&["a", ""]), ..v1() }, "topic 2: match must be a text"),
            (
                Mint { publish: texts(&["{"]), ..Mint::new(Dialect::Native) },
                "publish, selector 1: not a URI template",
            ),
        ] {
            let error = minted(&token).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }
}
