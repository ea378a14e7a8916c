//! Where a browser says that a request comes from. A cookie is sent whoever makes the browser send it, so what is done
//! with one must come from an origin that is trusted (section 1.6 of the facts about Mercure).

use http::{
    HeaderMap,
    header::{ORIGIN, REFERER},
};

use crate::refusal::{Reason, Refusal};

/// The origin that a request names: its `Origin`, else scheme and host of its `Referer`.
pub fn origin_of(headers: &HeaderMap) -> Option<String> {
    if let Some(origin) = headers.get(ORIGIN) {
        return origin.to_str().ok().map(str::to_owned);
    }
    let referer = headers.get(REFERER)?.to_str().ok()?;
    let (scheme, rest) = referer.split_once("://")?;
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    // What stands before an @ is a name, which could be written to look like a host.
    let host = authority.rsplit('@').next().unwrap_or_default();
    (!scheme.is_empty() && !host.is_empty()).then(|| format!("{scheme}://{host}"))
}

/// Whether `origin` is among the allowed: the same text in either case, `*` for any, or with one `*` within, such as
/// `https://*.example.com`, which stands for one or more characters of a host or port.
pub fn is_allowed(origin: &str, allowed: &[String]) -> bool {
    allowed.iter().any(|pattern| match pattern.split_once('*') {
        Some(("", "")) => true,
        Some((before, after)) => holds(origin, before, after),
        None => origin.eq_ignore_ascii_case(pattern),
    })
}

/// Whether a request that is authorised by a cookie comes from an allowed origin.
///
/// # Errors
/// When it does not, or does not say where it comes from.
pub fn check_origin(headers: &HeaderMap, allowed: &[String]) -> Result<(), Refusal> {
    match origin_of(headers) {
        Some(origin) if is_allowed(&origin, allowed) => Ok(()),
        origin => Err(Reason::Origin(origin).into()),
    }
}

fn holds(origin: &str, before: &str, after: &str) -> bool {
    let (origin, before, after) =
        (origin.to_ascii_lowercase(), before.to_ascii_lowercase(), after.to_ascii_lowercase());
    let Some(rest) = origin.strip_prefix(&before) else { return false };
    let Some(within) = rest.strip_suffix(&after) else { return false };
    // An origin has nothing else in its host; a `/` or `@` would make it an origin of somebody else.
    !within.is_empty() && within.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn rule_1_6_the_origin_else_scheme_and_host_of_the_referer() {
        let table = [
            (&[("origin", "https://a.example")][..], Some("https://a.example")),
            (&[("origin", "null"), ("referer", "https://a.example/")], Some("null")),
            (&[("referer", "https://a.example:8443/x?y=https://b.example")], Some("https://a.example:8443")),
            (&[("referer", "https://a.example@b.example/x")], Some("https://b.example")),
            (&[("referer", "https://b.example\\@a.example/x")], Some("https://b.example")),
            (&[("referer", "about:blank")], None),
            (&[], None),
        ];
        for (pairs, expected) in table {
            assert_eq!(origin_of(&headers(pairs)).as_deref(), expected, "{pairs:?}");
        }
    }

    #[test]
    fn rule_1_6_an_allowed_origin_is_exact_or_has_one_star() {
        let allowed = |origin: &str, pattern: &str| is_allowed(origin, &[pattern.to_owned()]);
        assert!(allowed("https://a.example", "https://a.example"));
        assert!(allowed("https://A.example", "https://a.example"));
        assert!(!allowed("https://a.example", "http://a.example"));
        assert!(!allowed("https://a.example.evil", "https://a.example"));
        assert!(allowed("https://shop.a.example", "https://*.a.example"));
        assert!(allowed("http://localhost:3000", "http://localhost:*"));
        assert!(!allowed("https://a.example", "https://*.a.example"));
        assert!(!allowed("https://evil/.a.example", "https://*.a.example"));
        assert!(!allowed("https://.a.example", "https://*.a.example"));
        assert!(allowed("null", "*"));
        assert!(!is_allowed("https://a.example", &[]));
    }

    #[test]
    fn rule_1_6_without_an_origin_a_cookie_does_not_authorise() {
        let allowed = ["https://a.example".to_owned()];
        assert_eq!(check_origin(&headers(&[("origin", "https://a.example")]), &allowed), Ok(()));
        assert_eq!(check_origin(&headers(&[]), &allowed).unwrap_err().reason, Reason::Origin(None));
        let foreign = check_origin(&headers(&[("origin", "https://b.example")]), &allowed).unwrap_err();
        assert_eq!(foreign.reason, Reason::Origin(Some("https://b.example".to_owned())));
    }
}
