//! What a listener answers with, which can be exchanged while connections are open.

use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::Router;

/// Routes that can be exchanged. Cloning is cheap; all clones are the same.
#[derive(Clone, Debug)]
pub struct Routes(Arc<ArcSwap<Router>>);

impl Routes {
    /// Routes that begin as these.
    pub fn new(router: Router) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(router)))
    }

    /// Answers every request from now on by other routes, also those of connections that are open. Requests under way
    /// and streams end by the routes that they began with.
    pub fn replace(&self, router: Router) {
        self.0.store(Arc::new(router));
    }

    pub(super) fn current(&self) -> Router {
        Router::clone(&self.0.load())
    }
}
