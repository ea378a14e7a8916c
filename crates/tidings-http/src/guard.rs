//! The guard of an open hub. Without keys the hub serves its own machine only, and the one stranger who can reach it
//! there is a page on the internet, open in a browser on this machine: by its own requests, or by a host name that it
//! points to 127.0.0.1 (DNS rebinding). Both are told by headers that a page cannot forge.

use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::{HeaderMap, StatusCode, Uri, header};

use crate::{cors, origin, problem::Problem};

/// Which pages, beside the hub's own, may talk to an open hub: the configured CORS origins.
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    pub(crate) origins: Arc<[String]>,
}

pub(crate) async fn guard(
    State(guard): State<Guard>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    guard.check(request.uri(), request.headers())?;
    Ok(next.run(request).await)
}

impl Guard {
    fn check(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
        // Two would be one for a proxy and another for us (RFC 9112, section 3.2).
        if headers.get_all(header::HOST).iter().nth(1).is_some() {
            return Err(Problem::bad_request("the request names more than one Host"));
        }
        let Some(host) = origin::authority(uri, headers) else {
            return Err(Problem::bad_request("the request names no valid Host"));
        };
        if !is_loopback_name(host.host()) {
            return Err(forbidden(format!(
                "this hub has no keys and so answers only requests to its own machine, not to the host {:?}: open it \
                 as http://127.0.0.1 or http://localhost, or start it with --insecure-open",
                host.as_str()
            )));
        }
        let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
        let origin = origin.to_str().unwrap_or_default();
        let is_own = origin.split_once("://").is_some_and(|(_, own)| own.eq_ignore_ascii_case(host.as_str()));
        if is_own || self.origins.iter().any(|allowed| allowed == origin || allowed == cors::ANY) {
            return Ok(());
        }
        Err(forbidden(format!(
            "this hub has no keys and so answers only its own pages, not those of {origin:?}: add the origin to \
             cors.origins in the configuration"
        )))
    }
}

fn forbidden(detail: String) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, detail)
}

/// Names that always mean this machine: `localhost` and names below it (RFC 6761, section 6.3), and loopback
/// addresses.
fn is_loopback_name(host: &str) -> bool {
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost"
        || name.ends_with(".localhost")
        || name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(host: Option<&str>, origin: Option<&str>) -> Result<(), StatusCode> {
        let mut headers = HeaderMap::new();
        for (name, value) in [(header::HOST, host), (header::ORIGIN, origin)] {
            if let Some(value) = value {
                headers.insert(name, value.parse().unwrap());
            }
        }
        let guard = Guard { origins: Arc::new(["https://app.example".to_owned()]) };
        guard.check(&Uri::from_static("/events"), &headers).map_err(|problem| {
            use axum::response::IntoResponse as _;
            problem.into_response().status()
        })
    }

    #[test]
    fn only_names_of_this_machine_are_answered() {
        for host in
            ["127.0.0.1:8080", "localhost:8080", "LOCALHOST", "app.localhost:1", "[::1]:8080", "127.9.9.9"]
        {
            assert_eq!(check(Some(host), None), Ok(()), "{host}");
        }
        for host in ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1", "[::2]"]
        {
            assert_eq!(check(Some(host), None), Err(StatusCode::FORBIDDEN), "{host}");
        }
        assert_eq!(check(None, None), Err(StatusCode::BAD_REQUEST));
        assert_eq!(check(Some("a b"), None), Err(StatusCode::BAD_REQUEST));
    }

    #[test]
    fn only_own_and_configured_pages_are_answered() {
        let check = |origin| check(Some("127.0.0.1:8080"), Some(origin));
        assert_eq!(check("http://127.0.0.1:8080"), Ok(()));
        assert_eq!(check("https://app.example"), Ok(()));
        for origin in
            ["http://localhost:8080", "http://127.0.0.1:9090", "https://evil.example", "null", "file://"]
        {
            assert_eq!(check(origin), Err(StatusCode::FORBIDDEN), "{origin}");
        }
    }
}
