//! Errors as JSON problem documents (RFC 9457), whose `detail` says to a person what was wrong and what to do.

use axum::{
    Json,
    extract::rejection::{PathRejection, QueryRejection},
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use tidings_auth::{Refusal, RefusalKind};
use tidings_hub::{AppendError, PublishError, ReadError};

use crate::{
    challenge::challenge,
    quota::{TooMany, whole_seconds},
};

/// An error answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Problem {
    title: &'static str,
    #[serde(serialize_with = "as_number")]
    status: StatusCode,
    detail: String,
    /// What `WWW-Authenticate` says (RFC 6750, section 3).
    #[serde(skip)]
    challenge: Option<HeaderValue>,
    /// What `Retry-After` says, in seconds.
    #[serde(skip)]
    retry_after: Option<u64>,
}

fn as_number<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

impl Problem {
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        let title = status.canonical_reason().unwrap_or("Error");
        // When publishing is impossible for the moment, it is worth trying again soon.
        let retry_after = (status == StatusCode::SERVICE_UNAVAILABLE).then_some(1);
        Self { title, status, detail: detail.into(), challenge: None, retry_after }
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// What it says to a person, for fronts with another form of errors.
    pub(crate) fn into_detail(self) -> String {
        self.detail
    }

    /// What came too fast, and when to try again.
    pub(crate) fn too_many(detail: impl Into<String>, retry_after: u64) -> Self {
        Self { retry_after: Some(retry_after), ..Self::new(StatusCode::TOO_MANY_REQUESTS, detail) }
    }

    /// When to try again, in seconds.
    pub(crate) fn retry_after(&self) -> Option<u64> {
        self.retry_after
    }

    pub(crate) fn bad_request(detail: impl ToString) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, retry_after, challenge) = (self.status, self.retry_after, self.challenge.clone());
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(challenge) = challenge {
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<PublishError> for Problem {
    fn from(error: PublishError) -> Self {
        let status = match &error {
            PublishError::Invalid { .. } => StatusCode::BAD_REQUEST,
            PublishError::Log(AppendError::TooLarge(_)) => StatusCode::PAYLOAD_TOO_LARGE,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(status, error.to_string())
    }
}

impl From<TooMany> for Problem {
    fn from(TooMany { retry_after, rate }: TooMany) -> Self {
        Self::too_many(
            format!(
                "from this address come more than {rate} publications a second (setting limits.publish_rate): wait a moment"
            ),
            retry_after,
        )
    }
}

impl From<&Refusal> for Problem {
    fn from(refusal: &Refusal) -> Self {
        let reason = refusal.to_string();
        let because = |code| Some(challenge(Some((code, reason.as_str())), None));
        let (status, challenge) = match refusal.kind {
            RefusalKind::Missing => (StatusCode::UNAUTHORIZED, Some(challenge(None, None))),
            RefusalKind::Malformed => (StatusCode::BAD_REQUEST, because("invalid_request")),
            RefusalKind::Forbidden => (StatusCode::FORBIDDEN, because("insufficient_scope")),
            RefusalKind::TooMany => (StatusCode::TOO_MANY_REQUESTS, None),
            RefusalKind::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, None),
            // Also any kind that is still unknown here: whoever is refused is not let in.
            _ => (StatusCode::UNAUTHORIZED, because("invalid_token")),
        };
        let problem = Self::new(status, reason);
        let wait = refusal.retry_after().map(whole_seconds);
        Self { challenge, retry_after: wait.or(problem.retry_after), ..problem }
    }
}

impl From<PathRejection> for Problem {
    fn from(error: PathRejection) -> Self {
        Self::new(error.status(), error.body_text())
    }
}

impl From<QueryRejection> for Problem {
    fn from(error: QueryRejection) -> Self {
        Self::new(error.status(), error.body_text())
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
    }
}
