//! The one form of success that all SDKs take: status 200 with a JSON object, be it an empty one.

use axum::{
    Json,
    response::{IntoResponse as _, Response},
};
use serde::Serialize;
use serde_json::json;

/// Nothing to say.
pub(super) fn done() -> Response {
    object(&json!({}))
}

/// An object.
pub(super) fn object<T: Serialize>(object: &T) -> Response {
    Json(object).into_response()
}
