//! Where a request was sent to: what it says of that itself, in its line and headers.

use http::{HeaderMap, Uri, header, uri::Authority};

/// The host, and perhaps port, that a request names. HTTP/2 has it in the request line; in HTTP/1.1 a request line with a
/// host wins over the header (RFC 9112, section 3.2.2).
pub(crate) fn authority(uri: &Uri, headers: &HeaderMap) -> Option<Authority> {
    let host = || headers.get(header::HOST)?.to_str().ok()?.parse().ok();
    uri.authority().cloned().or_else(host)
}

/// The scheme that a request came by. A proxy that ends TLS says so in `X-Forwarded-Proto`.
pub(crate) fn scheme(uri: &Uri, headers: &HeaderMap) -> &'static str {
    let forwarded = headers.get("x-forwarded-proto").and_then(|value| value.to_str().ok());
    let forwarded = forwarded.and_then(|schemes| schemes.split(',').next()).map(str::trim);
    match forwarded.or(uri.scheme_str()) {
        Some(scheme) if scheme.eq_ignore_ascii_case("https") => "https",
        _ => "http",
    }
}
