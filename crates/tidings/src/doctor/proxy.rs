//! What stands in front of the hub, as far as it gives itself away.

use clap::ValueEnum;
use http::{HeaderMap, header};
use serde::Serialize;

/// A kind of proxy for which the fixes are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Proxy {
    Nginx,
    Caddy,
    Haproxy,
    Apache,
    Traefik,
    Cloudflare,
    Alb,
    Cloudfront,
    Envoy,
}

impl Proxy {
    /// As its makers write it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Caddy => "Caddy",
            Self::Haproxy => "HAProxy",
            Self::Apache => "Apache",
            Self::Traefik => "Traefik",
            Self::Cloudflare => "Cloudflare",
            Self::Alb => "AWS load balancer",
            Self::Cloudfront => "CloudFront",
            Self::Envoy => "Envoy",
        }
    }

    /// By the headers of an answer, the body of an error, and the headers that it has put into the request.
    pub(crate) fn recognise(headers: &HeaderMap, body: &str, added: &[String]) -> Option<Self> {
        let text = |name| {
            let values = headers.get_all(name).iter();
            let values: Vec<_> = values.filter_map(|value| value.to_str().ok()).collect();
            values.join(" ").to_ascii_lowercase()
        };
        let (server, via) = (text(header::SERVER), text(header::VIA));
        let has_added = |name: &str| added.iter().any(|added| added == name);
        // What is nearest to the browser comes first: it is what browsers meet.
        if server.contains("cloudflare") || headers.contains_key("cf-ray") {
            Some(Self::Cloudflare)
        } else if via.contains("cloudfront") || headers.contains_key("x-amz-cf-id") {
            Some(Self::Cloudfront)
        } else if server.starts_with("awselb") {
            Some(Self::Alb)
        } else if server.starts_with("nginx") || server.starts_with("openresty") {
            Some(Self::Nginx)
        } else if server.starts_with("caddy") || via.contains("caddy") {
            Some(Self::Caddy)
        } else if server.starts_with("apache") {
            Some(Self::Apache)
        } else if server.starts_with("envoy") || headers.contains_key("x-envoy-upstream-service-time") {
            Some(Self::Envoy)
        } else if is_haproxy_page(body) {
            Some(Self::Haproxy)
        } else if has_added("x-amzn-trace-id") {
            Some(Self::Alb)
        } else if has_added("x-envoy-expected-rq-timeout-ms") {
            Some(Self::Envoy)
        } else if has_added("x-forwarded-server") && has_added("x-real-ip") {
            Some(Self::Traefik)
        } else {
            None
        }
    }
}

/// HAProxy adds nothing to answers; its own error pages are all that tells.
fn is_haproxy_page(body: &str) -> bool {
    [
        "No server is available to handle this request",
        "The server didn't respond in time",
        "The server returned an invalid or incomplete response",
    ]
    .iter()
    .any(|sentence| body.contains(sentence))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_told_by_what_it_says_or_adds() {
        let by = |name: &'static str, value: &str| {
            let headers =
                HeaderMap::from_iter([(http::HeaderName::from_static(name), value.parse().unwrap())]);
            Proxy::recognise(&headers, "", &[])
        };
        assert_eq!(by("server", "nginx/1.22.1"), Some(Proxy::Nginx));
        assert_eq!(by("server", "Apache/2.4.71 (Debian)"), Some(Proxy::Apache));
        assert_eq!(by("via", "1.1 Caddy"), Some(Proxy::Caddy));
        assert_eq!(by("cf-ray", "8"), Some(Proxy::Cloudflare));
        assert_eq!(by("server", "something"), None);
        let added = ["x-forwarded-server", "x-real-ip"].map(str::to_owned);
        assert_eq!(Proxy::recognise(&HeaderMap::new(), "", &added), Some(Proxy::Traefik));
        let page = "<h1>503 Service Unavailable</h1>\nNo server is available to handle this request.";
        assert_eq!(Proxy::recognise(&HeaderMap::new(), page, &[]), Some(Proxy::Haproxy));
    }
}
