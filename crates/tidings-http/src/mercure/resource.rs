//! Where the hub is for a request: the resource that tokens are for, and where its metadata is (sections 1.6 and 1.9).

use http::{HeaderMap, StatusCode, Uri};
use url::Url;

use super::{MercureSettings, PATH};
use crate::{origin, problem::Problem};

/// Where a resource's metadata is (RFC 9728, section 3), before the resource's own path.
pub(super) const METADATA_PREFIX: &str = "/.well-known/oauth-protected-resource";
/// The origin of a request that names none (HTTP/1.0).
const NO_ORIGIN: &str = "http://mercure.invalid";

/// The hub, as the one who asks knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Resource {
    /// Whom tokens of 1.0 are for.
    pub(super) identifier: String,
    /// Where its metadata is; a hub that does not speak 1.0 has none.
    pub(super) metadata: Option<String>,
}

impl Resource {
    /// The resource that a request asks for: the configured one, else what the request was sent to.
    ///
    /// # Errors
    /// 421 when the request was sent to none of the configured public addresses.
    pub(super) fn of(uri: &Uri, headers: &HeaderMap, settings: &MercureSettings) -> Result<Self, Problem> {
        let origin = origin(uri, headers);
        if !is_public(&origin, &settings.public_urls) {
            return Err(Problem::new(
                StatusCode::MISDIRECTED_REQUEST,
                format!(
                    "this hub is not at {origin}: use its public address, or add this one to [mercure] public_urls"
                ),
            ));
        }
        let (identifier, metadata) = match &settings.url {
            Some(url) => (
                url.to_string(),
                format!("{}{METADATA_PREFIX}{}", url.origin().ascii_serialization(), url.path()),
            ),
            None => (format!("{origin}{PATH}"), format!("{origin}{METADATA_PREFIX}{PATH}")),
        };
        Ok(Self { identifier, metadata: settings.dialects.v1.then_some(metadata) })
    }
}

/// Whom tokens of 1.0 are for, on the fronts that are not Mercure's: as [`Resource::of`] has it. Those fronts answer at
/// any address, and where the public ones are known and this is none, tokens are for the first of them.
pub(crate) fn audience(uri: &Uri, headers: &HeaderMap, url: Option<&Url>, public_urls: &[String]) -> String {
    let origin = origin(uri, headers);
    match (url, public_urls.first()) {
        (Some(url), _) => url.to_string(),
        (None, Some(public)) if !is_public(&origin, public_urls) => {
            format!("{}{PATH}", public.trim_end_matches('/'))
        }
        (None, _) => format!("{origin}{PATH}"),
    }
}

/// Whether an origin is one of the public ones; where none is named, each is.
fn is_public(origin: &str, public_urls: &[String]) -> bool {
    let is_same = |url: &String| {
        Url::parse(url).is_ok_and(|url| Url::parse(origin).is_ok_and(|own| own.origin() == url.origin()))
    };
    public_urls.is_empty() || public_urls.iter().any(is_same)
}

/// Scheme and host that a request was sent to.
fn origin(uri: &Uri, headers: &HeaderMap) -> String {
    match origin::authority(uri, headers) {
        Some(host) => format!("{}://{host}", origin::scheme(uri, headers)),
        None => NO_ORIGIN.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use tidings_auth::Dialects;

    use super::*;

    fn resource(uri: &str, headers: &[(&'static str, &str)], settings: &MercureSettings) -> Option<Resource> {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        Resource::of(&uri.parse().unwrap(), &headers.collect(), settings).ok()
    }

    fn identifier(uri: &str, headers: &[(&'static str, &str)]) -> String {
        resource(uri, headers, &MercureSettings::default()).unwrap().identifier
    }

    // 1.6
    #[test]
    fn without_a_configured_one_the_resource_is_what_was_asked() {
        let host = ("host", "hub.example:8080");
        let table = [
            (PATH, &[host][..], "http://hub.example:8080/.well-known/mercure"),
            (PATH, &[host, ("x-forwarded-proto", "https")], "https://hub.example:8080/.well-known/mercure"),
            (
                PATH,
                &[host, ("x-forwarded-proto", "HTTPS, http")],
                "https://hub.example:8080/.well-known/mercure",
            ),
            ("https://h2.example/.well-known/mercure", &[], "https://h2.example/.well-known/mercure"),
            (PATH, &[], "http://mercure.invalid/.well-known/mercure"),
            (PATH, &[("host", "a\"b")], "http://mercure.invalid/.well-known/mercure"),
        ];
        for (uri, headers, expected) in table {
            assert_eq!(identifier(uri, headers), expected);
        }
    }

    // 1.6, 1.9
    #[test]
    fn a_configured_resource_is_it_wherever_it_is_asked() {
        let url = Some(Url::parse("https://public.example/hub/.well-known/mercure").unwrap());
        let settings = MercureSettings { url, ..MercureSettings::default() };
        let resource = resource(PATH, &[("host", "inner:80")], &settings).unwrap();
        assert_eq!(resource.identifier, "https://public.example/hub/.well-known/mercure");
        assert_eq!(
            resource.metadata.as_deref(),
            Some("https://public.example/.well-known/oauth-protected-resource/hub/.well-known/mercure")
        );
    }

    #[test]
    fn other_fronts_have_the_same_audience_and_answer_everywhere() {
        let audience = |host: &str, url: Option<&str>, public_urls: &[&str]| {
            let headers = HeaderMap::from_iter([(http::header::HOST, host.parse().unwrap())]);
            let url = url.map(|url| Url::parse(url).unwrap());
            let public_urls: Vec<_> = public_urls.iter().map(ToString::to_string).collect();
            audience(&Uri::from_static("/events"), &headers, url.as_ref(), &public_urls)
        };
        let public = "https://public.example/.well-known/mercure";
        assert_eq!(audience("a", None, &[]), "http://a/.well-known/mercure");
        assert_eq!(audience("a", Some(public), &["https://other.example"]), public);
        assert_eq!(
            audience("a", None, &["https://public.example", "http://a"]),
            "http://a/.well-known/mercure"
        );
        assert_eq!(audience("127.0.0.1:80", None, &["https://public.example", "http://a"]), public);
    }

    // 1.6
    #[test]
    fn a_hub_of_0_x_alone_has_no_metadata() {
        let dialects = Dialects { v0: true, v1: false };
        let settings = MercureSettings { dialects, ..MercureSettings::default() };
        assert_eq!(resource(PATH, &[("host", "a")], &settings).unwrap().metadata, None);
    }

    // 1.6: 421
    #[test]
    fn other_addresses_than_the_public_ones_are_misdirected() {
        let public_urls = vec!["https://hub.example".to_owned(), "http://localhost:3000/x".to_owned()];
        let settings = MercureSettings { public_urls, ..MercureSettings::default() };
        let is_ours = |headers: &[(&'static str, &str)]| resource(PATH, headers, &settings).is_some();
        assert!(is_ours(&[("host", "hub.example"), ("x-forwarded-proto", "https")]));
        assert!(is_ours(&[("host", "hub.example:443"), ("x-forwarded-proto", "https")]));
        assert!(is_ours(&[("host", "localhost:3000")]));
        assert!(!is_ours(&[("host", "hub.example")]));
        assert!(!is_ours(&[("host", "evil.example"), ("x-forwarded-proto", "https")]));
        assert!(!is_ours(&[]));
    }
}
