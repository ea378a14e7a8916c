//! The Mercure front: the protocol's two dialects, 0.x and 1.0, on one URL. Each request says by itself which one it
//! speaks ([`dialect`]), so that an application can move from one to the other client by client.
//!
//! The numbers of sections in this folder are those of the notes that it was built by: 0 the two dialects, 1.1 to 1.10
//! protocol 1.0 (draft-dunglas-mercure-08), 2 protocol 0.x (draft-dunglas-mercure-07), 5 what users ask for beyond.

mod access;
mod bearer_error;
mod cursor;
mod dialect;
mod documents;
mod fuzz;
mod matcher;
mod metadata;
mod presence;
mod publish;
mod publish_request;
mod reserved;
mod resource;
mod settings;
mod subscribe;
mod subscribe_request;
mod subscriptions;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::State,
    middleware,
    response::{IntoResponse as _, Response},
    routing::{any, get},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use tidings_auth::Authority;
use tidings_hub::{Hub, UrlBase};

use self::bearer_error::Failure;
pub use self::{
    fuzz::fuzz,
    presence::Presence,
    settings::{Ids, MercureSettings, mercure_base},
};
pub(crate) use self::{reserved::is_like_announcements, resource::audience};
use crate::{
    body::{BodyLimit, media_type},
    client::Client,
    problem::Problem,
    stream::Carrier,
};

/// Where the hub is, on every host.
const PATH: &str = "/.well-known/mercure";
/// The media type of what a `POST` and a `QUERY` send.
const FORM: &str = "application/x-www-form-urlencoded";
/// What can be done at [`PATH`].
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, QUERY, POST");
/// Said with every answer, for browsers that are made to open one as a page: it is none, whatever a publisher wrote.
const SECURITY: [(HeaderName, HeaderValue); 3] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'self'")),
];

/// What the handlers share.
#[derive(Clone, Debug)]
struct Front {
    hub: Hub,
    authority: Authority,
    settings: Arc<MercureSettings>,
    base: UrlBase,
}

/// The routes of the Mercure front, to be merged into any axum application. They ask the authority who may do what.
pub fn mercure(hub: Hub, authority: Authority, settings: MercureSettings) -> Router {
    let has_presence = settings.presence.is_some();
    let base = mercure_base(settings.url.as_ref());
    let front =
        Front { hub: hub.via(tidings_hub::Front::Mercure), authority, settings: Arc::new(settings), base };
    let mut routes = Router::new()
        .route(PATH, any(serve))
        .route(&format!("{}{PATH}", resource::METADATA_PREFIX), get(metadata::metadata));
    if has_presence {
        routes = routes
            .route(&format!("{PATH}/subscriptions"), get(subscriptions::subscriptions))
            .route(&format!("{PATH}/subscriptions/{{*address}}"), get(subscriptions::subscriptions));
    }
    routes.with_state(front).layer(middleware::map_response(secured))
}

async fn secured(mut response: Response) -> Response {
    response.headers_mut().extend(SECURITY);
    response
}

/// `QUERY`, a `GET` with a body (RFC 10008).
pub(crate) fn query_method() -> Method {
    // A constant that is a method; `http` has no name for it yet.
    Method::from_bytes(b"QUERY").unwrap_or(Method::GET)
}

/// The one address. Its methods are told apart here, because axum has no name for `QUERY` either.
async fn serve(
    State(front): State<Front>,
    carrier: Carrier,
    client: Client,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Failure> {
    match method {
        Method::POST => publish::publish(&front, &client, uri, headers, body).await,
        _ if [Method::GET, Method::HEAD, query_method()].contains(&method) => {
            subscribe::subscribe(&front, carrier, subscribe::Request { method, uri, headers, body }).await
        }
        _ => {
            let problem = Problem::new(
                StatusCode::METHOD_NOT_ALLOWED,
                format!("{method} is not understood here: subscribe with GET or QUERY, publish with POST"),
            );
            Ok(([(header::ALLOW, METHODS)], problem).into_response())
        }
    }
}

/// The form that a body is.
async fn read_form(headers: &HeaderMap, body: Body, limit: BodyLimit<'_>) -> Result<Bytes, Problem> {
    match &*media_type(headers) {
        "" | FORM => limit.read(body).await,
        other => Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            format!("{other} is not understood here: send {FORM}"),
        )),
    }
}
