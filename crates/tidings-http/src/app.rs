//! Routes made into a whole: who may ask, from where, and what is answered to everything else.

use axum::{Router, middleware};
use http::{Method, StatusCode, Uri};

use crate::{
    cors,
    guard::{Guard, guard},
    problem::Problem,
};

/// Who may talk to the server.
#[derive(Clone, Debug)]
pub struct Access {
    /// The origins whose pages may: exact ones, or `*`.
    pub origins: Vec<String>,
    /// Whether only this machine may: the hub is open and has not been told that this is meant for everybody.
    pub loopback_only: bool,
}

/// Closes a set of routes: everything else is 404 or 405, cross-origin access is for the configured origins, and an
/// open hub is guarded.
pub fn app(routes: Router, access: &Access) -> Router {
    let mut app = routes.fallback(not_found).method_not_allowed_fallback(not_allowed);
    if !access.origins.is_empty() {
        app = app.layer(cors::layer(&access.origins));
    }
    match access.loopback_only {
        true => {
            app.layer(middleware::from_fn_with_state(Guard { origins: access.origins.clone().into() }, guard))
        }
        false => app,
    }
}

async fn not_found(uri: Uri) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, format!("there is nothing at {}", uri.path()))
}

async fn not_allowed(method: Method, uri: Uri) -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, format!("{method} is not understood at {}", uri.path()))
}
