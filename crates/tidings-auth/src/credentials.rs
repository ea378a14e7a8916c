//! Finds what a request presents: a key or token in a header, a cookie or the query.
//!
//! Which of them a front looks at, and in which order, is its own rule; each finder says `None` when there is nothing
//! of its kind, and refuses what is there and malformed.

use http::{
    HeaderMap, HeaderValue,
    header::{AUTHORIZATION, COOKIE},
};

use crate::{
    refusal::{Reason, Refusal},
    secret::Secret,
};

/// A key or token as it was presented.
#[derive(Clone, Debug)]
pub struct Presented {
    /// The key or token.
    pub token: Secret,
    /// What carried it.
    pub by: Carrier,
}

/// What carried a key or token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Carrier {
    /// The `Authorization` header.
    Header,
    /// A cookie, which a browser sends without being asked to: whoever publishes with one must check the origin
    /// ([`crate::check_origin`]).
    Cookie,
    /// A parameter of the query.
    Query,
}

/// The shortest token of Mercure 0.x (section 2, "Token"): what is shorter cannot be one.
pub const MIN_V0_TOKEN_BYTES: usize = 41;

/// The token of the one `Authorization: Bearer …` header, however the scheme is spelt (RFC 9110, and section 1.6 of the
/// facts about Mercure).
///
/// # Errors
/// When there are several such headers, or the one is of another form.
pub fn bearer(headers: &HeaderMap) -> Result<Option<Presented>, Refusal> {
    let Some(value) = authorization(headers)? else { return Ok(None) };
    let (scheme, token) = value.split_once(' ').ok_or(Reason::NotBearer)?;
    let token = token.trim_matches(' ');
    if !scheme.eq_ignore_ascii_case("bearer") || token.contains(' ') {
        return Err(Reason::NotBearer.into());
    }
    if token.is_empty() {
        return Err(Reason::TooShort.into());
    }
    Ok(Some(presented(token, Carrier::Header)))
}

/// As [`bearer`], by the rule of Mercure 0.x: exactly `Bearer `, and at least [`MIN_V0_TOKEN_BYTES`] after it.
///
/// # Errors
/// As [`bearer`], and when the token is too short.
pub fn bearer_v0(headers: &HeaderMap) -> Result<Option<Presented>, Refusal> {
    let Some(value) = authorization(headers)? else { return Ok(None) };
    let token = value.strip_prefix("Bearer ").ok_or(Reason::NotBearer)?;
    long_enough(token)?;
    Ok(Some(presented(token, Carrier::Header)))
}

/// The value of the cookie `name`. The first one counts, which is the one of the most specific path. An empty one is
/// none: that is how applications clear it.
pub fn cookie(headers: &HeaderMap, name: &str) -> Option<Presented> {
    let pairs = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let value = pairs
        .flat_map(|pairs| pairs.split(';'))
        .filter_map(|pair| pair.trim_matches([' ', '\t']).split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))?;
    let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
    (!value.is_empty()).then(|| presented(value, Carrier::Cookie))
}

/// The value of the parameter `name` among those of a query, decoded, of which there may be one.
///
/// # Errors
/// When there are several, or the value is empty.
pub fn query<'q>(
    parameters: impl IntoIterator<Item = (&'q str, &'q str)>,
    name: &str,
) -> Result<Option<Presented>, Refusal> {
    let mut values = parameters.into_iter().filter(|(key, _)| *key == name).map(|(_, value)| value);
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Reason::SeveralParameters(name.to_owned()).into());
    }
    if value.is_empty() {
        return Err(Reason::TooShort.into());
    }
    Ok(Some(presented(value, Carrier::Query)))
}

/// As [`query`], by the rule of Mercure 0.x: at least [`MIN_V0_TOKEN_BYTES`].
///
/// # Errors
/// As [`query`], and when the value is too short.
pub fn query_v0<'q>(
    parameters: impl IntoIterator<Item = (&'q str, &'q str)>,
    name: &str,
) -> Result<Option<Presented>, Refusal> {
    let found = query(parameters, name)?;
    if let Some(presented) = &found {
        long_enough(presented.token.expose())?;
    }
    Ok(found)
}

fn authorization(headers: &HeaderMap) -> Result<Option<&str>, Refusal> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Reason::SeveralHeaders.into());
    }
    HeaderValue::to_str(value).map(Some).map_err(|_| Reason::NotBearer.into())
}

fn long_enough(token: &str) -> Result<(), Refusal> {
    if token.len() < MIN_V0_TOKEN_BYTES { Err(Reason::TooShort.into()) } else { Ok(()) }
}

fn presented(token: &str, by: Carrier) -> Presented {
    Presented { token: Secret::new(token), by }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn headers(name: &'static str, values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    fn text(found: Result<Option<Presented>, Refusal>) -> Result<Option<String>, Reason> {
        found
            .map(|found| found.map(|found| found.token.expose().to_owned()))
            .map_err(|refusal| refusal.reason)
    }

    #[test]
    fn rule_1_6_one_authorization_header_of_the_scheme_bearer() {
        let table = [
            (&[][..], Ok(None)),
            (&["Bearer abc"], Ok(Some("abc"))),
            (&["bEARER abc"], Ok(Some("abc"))),
            (&["Bearer  abc "], Ok(Some("abc"))),
            (&["Bearer abc", "Bearer abc"], Err(Reason::SeveralHeaders)),
            (&["Basic abc"], Err(Reason::NotBearer)),
            (&["Bearer"], Err(Reason::NotBearer)),
            (&["Bearer a b"], Err(Reason::NotBearer)),
            (&["Bearer "], Err(Reason::TooShort)),
        ];
        for (values, expected) in table {
            let expected = expected.map(|token| token.map(str::to_owned));
            assert_eq!(text(bearer(&headers("authorization", values))), expected, "{values:?}");
        }
    }

    #[test]
    fn rule_2_token_exact_scheme_and_41_characters() {
        let (short, long) = ("a".repeat(40), "a".repeat(41));
        let table = [
            (format!("Bearer {long}"), Ok(Some(long.clone()))),
            (format!("bearer {long}"), Err(Reason::NotBearer)),
            (format!("Bearer {short}"), Err(Reason::TooShort)),
        ];
        for (value, expected) in table {
            assert_eq!(text(bearer_v0(&headers("authorization", &[&value]))), expected, "{value}");
        }
        assert_eq!(text(query_v0([("authorization", &*long)], "authorization")), Ok(Some(long.clone())));
        assert_eq!(text(query_v0([("authorization", &*short)], "authorization")), Err(Reason::TooShort));
    }

    #[test]
    fn rule_1_6_a_token_in_a_cookie() {
        let find = |values: &[&str]| text(Ok(cookie(&headers("cookie", values), "token"))).unwrap();
        assert_eq!(find(&["a=1; token=abc; b=2"]), Some("abc".to_owned()));
        assert_eq!(find(&["a=1", "token=abc"]), Some("abc".to_owned()));
        assert_eq!(find(&["token=\"abc\""]), Some("abc".to_owned()));
        assert_eq!(find(&["token=first; token=second"]), Some("first".to_owned()));
        assert_eq!(find(&["Token=abc; atoken=abc; token; token="]), None);
        assert_eq!(find(&[]), None);
    }

    #[test]
    fn a_token_in_the_query_is_there_once() {
        assert_eq!(text(query([("a", "1"), ("t", "abc")], "t")), Ok(Some("abc".to_owned())));
        assert_eq!(text(query([("a", "1")], "t")), Ok(None));
        assert_eq!(text(query([("t", "")], "t")), Err(Reason::TooShort));
        let twice = [("t", "abc"), ("t", "abc")];
        assert_eq!(text(query(twice, "t")), Err(Reason::SeveralParameters("t".to_owned())));
    }

    proptest! {
        #[test]
        fn finders_never_panic_and_never_find_nothing(value in "\\PC{0,60}") {
            let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) else { return Ok(()) };
            let map = |name| HeaderMap::from_iter([(name, value.clone())]);
            for found in [bearer(&map(AUTHORIZATION)), bearer_v0(&map(AUTHORIZATION)), Ok(cookie(&map(COOKIE), "a"))] {
                prop_assert!(!matches!(found, Ok(Some(found)) if found.token.expose().is_empty()));
            }
        }
    }
}
