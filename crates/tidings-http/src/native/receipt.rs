//! What a publisher is answered.

use axum::response::{IntoResponse, Response};
use http::header;
use serde::Serialize;
use tidings_hub::Receipt;

/// The media type of one.
pub(super) const JSON: &str = "application/json";
/// The media type of many.
pub(super) const NDJSON: &str = "application/x-ndjson";

/// The log has the event.
#[derive(Serialize)]
struct Body {
    id: String,
    epoch: String,
    offset: u64,
    /// Present when an event of this id was there before, and nothing was added.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    duplicate: bool,
}

/// The answer to publications: an object each, a line each, in their order.
pub(super) fn answer(receipts: impl IntoIterator<Item = Receipt>, media_type: &'static str) -> Response {
    let mut text = String::new();
    for Receipt { id, position, duplicate } in receipts {
        let body = Body { id, epoch: position.epoch.to_string(), offset: position.offset, duplicate };
        // Strings and numbers always serialize. The line end is for people with curl.
        text += &serde_json::to_string(&body).unwrap_or_default();
        text.push('\n');
    }
    ([(header::CONTENT_TYPE, media_type)], text).into_response()
}
