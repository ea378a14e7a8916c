//! Where a request was sent to: what it says of that itself, in its line and headers.

use http::{
    HeaderMap, Request, Uri, header,
    uri::{Authority, Scheme},
};

/// The host, and perhaps port, that a request names. HTTP/2 has it in the request line; in HTTP/1.1 a request line with a
/// host wins over the header (RFC 9112, section 3.2.2).
pub(crate) fn authority(uri: &Uri, headers: &HeaderMap) -> Option<Authority> {
    let host = || headers.get(header::HOST)?.to_str().ok()?.parse().ok();
    uri.authority().cloned().or_else(host)
}

/// Lets a request say that it came by TLS, and to which host, as the requests of HTTP/2 say themselves. What names no valid
/// host is left as it is.
pub(crate) fn mark_secure<B>(request: &mut Request<B>) {
    let Some(authority) = authority(request.uri(), request.headers()) else { return };
    let mut parts = request.uri().clone().into_parts();
    parts.scheme = Some(Scheme::HTTPS);
    parts.authority = Some(authority);
    if let Ok(uri) = Uri::from_parts(parts) {
        *request.uri_mut() = uri;
    }
}

/// The scheme that a request came by. A proxy that ends TLS says so in `X-Forwarded-Proto`; nobody says of what came by
/// TLS that it did not.
pub(crate) fn scheme(uri: &Uri, headers: &HeaderMap) -> &'static str {
    if uri.scheme() == Some(&Scheme::HTTPS) {
        return "https";
    }
    let forwarded = headers.get("x-forwarded-proto").and_then(|value| value.to_str().ok());
    let forwarded = forwarded.and_then(|schemes| schemes.split(',').next()).map(str::trim);
    match forwarded.or(uri.scheme_str()) {
        Some(scheme) if scheme.eq_ignore_ascii_case("https") => "https",
        _ => "http",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_by_tls_is_not_talked_down() {
        for (uri, forwarded, expected) in [
            ("https://hub.example/", "http", "https"),
            ("http://hub.example/", "https", "https"),
            ("/", "http", "http"),
        ] {
            let headers = [(http::HeaderName::from_static("x-forwarded-proto"), forwarded.parse().unwrap())];
            assert_eq!(scheme(&uri.parse().unwrap(), &headers.into_iter().collect()), expected, "{uri}");
        }
    }

    #[test]
    fn what_came_by_tls_says_so() {
        for (uri, host, expected) in [
            ("/a?b", Some("hub.example:8443"), "https://hub.example:8443/a?b"),
            ("http://hub.example/a", None, "https://hub.example/a"),
            ("https://hub.example/", Some("other.example"), "https://hub.example/"),
            ("/a", None, "/a"),
            ("/a", Some("no host"), "/a"),
        ] {
            let mut request = Request::get(uri).body(()).unwrap();
            request.headers_mut().extend(host.map(|host| (header::HOST, host.parse().unwrap())));
            mark_secure(&mut request);
            assert_eq!(request.uri(), expected, "{uri}");
        }
    }
}
