//! Routes made into a whole: who may ask, from where, and what is answered to everything else.

use std::sync::Arc;

use axum::{Router, extract::Request, middleware};
use http::{Method, StatusCode, Uri};
use tower::util::MapRequestLayer;

use crate::{
    access,
    client::{Client, Proxies},
    cors, fair,
    guard::{Guard, guard},
    problem::Problem,
    quota::Quotas,
};

/// Who may talk to the server.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// The origins whose pages may: exact ones, or `*`.
    pub origins: Vec<String>,
    /// Whether only this machine may: the hub is open and has not been told that this is meant for everybody.
    pub loopback_only: bool,
    /// Whose word about the client is believed.
    pub proxies: Proxies,
    /// What one client may hold and send. Several sets of routes share it.
    pub quotas: Arc<Quotas>,
    /// Whether each request has a line in the log, of target `tidings::access`.
    pub log: bool,
}

/// Closes a set of routes: everything else is 404 or 405, nobody takes more than their share, cross-origin access is for
/// the configured origins, and an open hub is guarded.
pub fn app(routes: Router, access: &Access) -> Router {
    let fair = middleware::from_fn_with_state(access.quotas.clone(), fair::fair);
    // Below cross-origin access, without whose headers a page is not told what is answered.
    let mut app = routes.fallback(not_found).method_not_allowed_fallback(not_allowed).layer(fair);
    if !access.origins.is_empty() {
        app = app.layer(cors::layer(&access.origins));
    }
    if access.loopback_only {
        let guarded = Guard { origins: access.origins.clone().into() };
        app = app.layer(middleware::from_fn_with_state(guarded, guard));
    }
    if access.log {
        app = app.layer(middleware::from_fn(access::access));
    }
    let Access { proxies, quotas, .. } = access.clone();
    app.layer(MapRequestLayer::new(move |mut request: Request| {
        let client = Client::of(&request, &proxies, &quotas);
        request.extensions_mut().insert(client);
        request
    }))
}

async fn not_found(uri: Uri) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, format!("there is nothing at {}", uri.path()))
}

async fn not_allowed(method: Method, uri: Uri) -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, format!("{method} is not understood at {}", uri.path()))
}
