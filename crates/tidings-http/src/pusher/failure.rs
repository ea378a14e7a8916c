//! Answers other than success.

use axum::{
    extract::rejection::PathRejection,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use tidings_hub::{PublishError, ReadError};

use crate::problem::Problem;

/// Why a request fails, in a sentence for the log of the application. Laravel puts "Pusher error: " before it and a
/// full stop behind.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) status: StatusCode,
    pub(super) sentence: String,
    /// What `Retry-After` says, in seconds.
    pub(super) retry_after: Option<u64>,
}

impl Failure {
    pub(super) fn new(status: StatusCode, sentence: impl Into<String>) -> Self {
        Self { status, sentence: sentence.into(), retry_after: None }
    }

    /// What is asked for makes no sense.
    pub(super) fn bad_request(sentence: impl ToString) -> Self {
        Self::new(StatusCode::BAD_REQUEST, sentence.to_string())
    }

    /// It is not shown who asks.
    pub(super) fn unauthorized(sentence: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, sentence)
    }

    /// Who asks may not do this.
    pub(super) fn forbidden(sentence: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, sentence)
    }
}

/// How much of a text that a stranger chose is shown, in characters.
const SHOWN: usize = 200;

/// A text that a stranger chose, in quotes, escaped and not too long.
pub(super) fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let Self { status, sentence, retry_after } = self;
        match status.is_server_error() {
            true => tracing::warn!(status = status.as_u16(), reason = sentence, "a Pusher request fails"),
            false => {
                tracing::info!(status = status.as_u16(), reason = sentence, "a Pusher request is refused")
            }
        }
        let headers = [
            (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
            (header::CACHE_CONTROL, "no-store"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ];
        let mut response = (status, headers, sentence).into_response();
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        let retry_after = problem.retry_after();
        Self { retry_after, ..Self::new(problem.status(), problem.into_detail()) }
    }
}

impl From<PublishError> for Failure {
    fn from(error: PublishError) -> Self {
        Problem::from(error).into()
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        Problem::from(error).into()
    }
}

impl From<PathRejection> for Failure {
    fn from(error: PathRejection) -> Self {
        Problem::from(error).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_stranger_chose_is_escaped_and_cut() {
        assert_eq!(shown("a\nb"), r#""a\nb""#);
        assert!(shown(&"x".repeat(1000)).len() < 300);
    }
}
