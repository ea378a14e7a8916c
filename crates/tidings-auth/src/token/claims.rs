//! The claims that every token may have (RFC 7519), read strictly and shown to nobody.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use crate::{object::object, refusal::Reason};

/// The last second of the year 9999. Later times are as good as this one, and some would not fit.
const LAST: f64 = 253_402_300_799.0;

/// The claims of a token. Those of the kinds of tokens are left as they are.
#[derive(Debug)]
pub(crate) struct Claims<'a> {
    pub(crate) iss: Option<String>,
    pub(crate) sub: Option<String>,
    /// Absent, or those for whom it is.
    pub(crate) aud: Option<Vec<String>>,
    pub(crate) exp: Option<SystemTime>,
    pub(crate) nbf: Option<SystemTime>,
    pub(crate) jti: Option<String>,
    /// Of Mercure 1.0.
    pub(crate) details: Option<&'a RawValue>,
    /// Of Mercure 0.x.
    pub(crate) mercure: Option<&'a RawValue>,
    /// Of Tidings.
    pub(crate) tidings: Option<&'a RawValue>,
}

/// A claim that is `null` is none.
#[derive(Deserialize)]
struct Raw<'a> {
    #[serde(borrow)]
    iss: Option<&'a RawValue>,
    #[serde(borrow)]
    sub: Option<&'a RawValue>,
    #[serde(borrow)]
    aud: Option<&'a RawValue>,
    #[serde(borrow)]
    exp: Option<&'a RawValue>,
    #[serde(borrow)]
    nbf: Option<&'a RawValue>,
    #[serde(borrow)]
    jti: Option<&'a RawValue>,
    #[serde(borrow)]
    authorization_details: Option<&'a RawValue>,
    #[serde(borrow)]
    mercure: Option<&'a RawValue>,
    /// What identity providers that allow only claims with a namespace write instead of `mercure` (section 2, "Token").
    #[serde(borrow, rename = "https://mercure.rocks/")]
    namespaced: Option<&'a RawValue>,
    #[serde(borrow)]
    tidings: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl<'a> Claims<'a> {
    /// Reads the payload of a token.
    pub(crate) fn read(payload: &'a [u8]) -> Result<Self, Reason> {
        let raw: Raw<'_> = object(payload).map_err(|_| {
            Reason::Unreadable("its claims are not a JSON object, or one of them is there twice")
        })?;
        let aud = read(raw.aud, "aud", "it is neither a text nor a list of texts")?;
        Ok(Self {
            iss: text(raw.iss, "iss")?,
            sub: text(raw.sub, "sub")?,
            aud: aud.map(|aud| match aud {
                Audience::One(one) => vec![one],
                Audience::Many(many) => many,
            }),
            exp: time(raw.exp, "exp")?,
            nbf: time(raw.nbf, "nbf")?,
            jti: text(raw.jti, "jti")?,
            details: raw.authorization_details,
            mercure: raw.namespaced.or(raw.mercure),
            tidings: raw.tidings,
        })
    }
}

fn read<T: DeserializeOwned>(
    value: Option<&RawValue>,
    claim: &'static str,
    problem: &str,
) -> Result<Option<T>, Reason> {
    let Some(value) = value else { return Ok(None) };
    // What serde says could quote the claim.
    serde_json::from_str(value.get())
        .map(Some)
        .map_err(|_| Reason::Claim { claim, problem: problem.to_owned() })
}

fn text(value: Option<&RawValue>, claim: &'static str) -> Result<Option<String>, Reason> {
    read(value, claim, "it is no text")
}

fn time(value: Option<&RawValue>, claim: &'static str) -> Result<Option<SystemTime>, Reason> {
    let seconds: Option<f64> = read(value, claim, "it is no number of seconds since 1970")?;
    // What lies before 1970 is as long past as 1970 itself.
    let since = |seconds: f64| Duration::from_secs_f64(seconds.clamp(0.0, LAST));
    Ok(seconds.and_then(|seconds| UNIX_EPOCH.checked_add(since(seconds))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: f64) -> Option<SystemTime> {
        Some(UNIX_EPOCH + Duration::from_secs_f64(seconds))
    }

    #[test]
    fn times_may_have_fractions_and_be_far_off() {
        for (exp, expected) in [
            ("0", at(0.0)),
            ("-5", at(0.0)),
            ("1700000000", at(1_700_000_000.0)),
            ("1.5", at(1.5)),
            ("1e300", at(LAST)),
            ("18446744073709551615", at(LAST)),
            ("null", None),
        ] {
            let payload = format!(r#"{{"exp":{exp}}}"#);
            assert_eq!(Claims::read(payload.as_bytes()).unwrap().exp, expected, "{exp}");
        }
    }

    #[test]
    fn a_claim_of_another_form_is_refused_and_not_quoted() {
        for (claim, value) in [
            ("exp", r#""1700000000""#),
            ("nbf", "true"),
            ("aud", "7"),
            ("aud", r#"["a", 7]"#),
            ("iss", "[]"),
            ("sub", "7"),
            ("jti", "{}"),
        ] {
            let payload = format!(r#"{{"{claim}":{value}}}"#);
            let reason = Claims::read(payload.as_bytes()).unwrap_err();
            assert!(matches!(reason, Reason::Claim { claim: found, .. } if found == claim), "{payload}");
            assert!(!reason.to_string().contains(value), "{reason}");
        }
    }

    #[test]
    fn an_audience_is_a_text_or_a_list() {
        let aud = |aud| Claims::read(format!(r#"{{"aud":{aud}}}"#).leak().as_bytes()).unwrap().aud;
        assert_eq!(aud(r#""a""#), Some(vec!["a".to_owned()]));
        assert_eq!(aud(r#"["a","b"]"#), Some(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(aud("[]"), Some(vec![]));
        assert_eq!(aud("null"), None);
    }

    #[test]
    fn a_claim_that_is_there_twice_is_refused() {
        assert!(matches!(Claims::read(br#"{"iss":"a","iss":"b"}"#), Err(Reason::Unreadable(_))));
    }

    #[test]
    fn rule_2_token_the_namespaced_claim_replaces_the_short_one() {
        let payload = br#"{"mercure":{"publish":["a"]},"https://mercure.rocks/":{"publish":["b"]}}"#;
        assert_eq!(Claims::read(payload).unwrap().mercure.unwrap().get(), r#"{"publish":["b"]}"#);
    }
}
