//! Cross-origin access for the configured origins (WHATWG Fetch, "CORS protocol").

use std::time::Duration;

use http::{HeaderName, HeaderValue, Method, header};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::mercure::query_method;

/// How long a browser may keep a preflight's answer; browsers cut it to their own limit.
const MAX_AGE: Duration = Duration::from_secs(24 * 60 * 60);
/// The origin that stands for every one. With it, no credentials are allowed: browsers would refuse both together.
pub(crate) const ANY: &str = "*";

/// The layer for these origins: exact ones, with credentials, or `*` for any, without.
pub(crate) fn layer(origins: &[String]) -> CorsLayer {
    let layer = CorsLayer::new()
        .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::DELETE, query_method()])
        .allow_headers([
            header::AUTHORIZATION,
            header::CACHE_CONTROL,
            header::CONTENT_TYPE,
            HeaderName::from_static("last-event-id"),
            HeaderName::from_static("event"),
            HeaderName::from_static("id"),
            HeaderName::from_static("retry"),
            HeaderName::from_static("private"),
            // What Laravel Echo and `laravel-wave` send.
            header::PRAGMA,
            HeaderName::from_static("x-socket-id"),
            HeaderName::from_static("x-csrf-token"),
            HeaderName::from_static("x-xsrf-token"),
            HeaderName::from_static("x-requested-with"),
        ])
        .expose_headers([
            header::LINK,
            HeaderName::from_static("last-event-id"),
            HeaderName::from_static("mercure-last-event-id"),
            HeaderName::from_static("x-socket-id"),
        ])
        .max_age(MAX_AGE);
    if origins.iter().any(|origin| origin == ANY) {
        return layer.allow_origin(tower_http::cors::Any);
    }
    let origins = origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok());
    layer.allow_origin(AllowOrigin::list(origins)).allow_credentials(true)
}
