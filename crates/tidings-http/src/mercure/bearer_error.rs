//! What those are answered who are not let in (section 1.6, "Errors", after RFC 6750; section 2).

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use tidings_auth::{Reason, Refusal, RefusalKind};

use super::{dialect::Dialect, resource::Resource};
use crate::{challenge::challenge, problem::Problem};

/// Why a request fails.
#[derive(Debug)]
pub(super) enum Failure {
    /// There is something wrong with it.
    Problem(Problem),
    /// Somebody is not let in.
    Denied(Denied),
}

/// Somebody is not let in.
#[derive(Debug)]
pub(super) struct Denied {
    refusal: Refusal,
    dialect: Dialect,
    /// Where it is told how to get a token.
    metadata: Option<String>,
}

impl Denied {
    /// An answer in this dialect, and a log line about it.
    pub(super) fn new(refusal: Refusal, dialect: Dialect, resource: &Resource) -> Self {
        let denied = Self { refusal, dialect, metadata: resource.metadata.clone() };
        match denied.status().0 {
            StatusCode::SERVICE_UNAVAILABLE => {
                tracing::warn!(reason = %denied.refusal, "nobody can be let in")
            }
            status => tracing::info!(status = status.as_u16(), reason = %denied.refusal, "refused"),
        }
        denied
    }

    /// Whether it cannot be found out now who may.
    pub(super) fn is_unavailable(&self) -> bool {
        self.refusal.kind == RefusalKind::Unavailable
    }

    /// The status, and the code of RFC 6750 if there is one.
    fn status(&self) -> (StatusCode, Option<&'static str>) {
        let invalid_token = (StatusCode::UNAUTHORIZED, Some("invalid_token"));
        match (self.refusal.kind, self.dialect) {
            // It is the request that is wrong, and not who sends it.
            _ if matches!(self.refusal.reason, Reason::TooManyQuestions { .. }) => {
                (StatusCode::BAD_REQUEST, None)
            }
            (RefusalKind::Missing, _) => (StatusCode::UNAUTHORIZED, None),
            (RefusalKind::Invalid, _) => invalid_token,
            (RefusalKind::Malformed, Dialect::V1) => (StatusCode::BAD_REQUEST, Some("invalid_request")),
            (RefusalKind::Malformed, Dialect::V0) => invalid_token,
            (RefusalKind::Forbidden, dialect) => (dialect.forbidden(), Some("insufficient_scope")),
            (RefusalKind::TooMany, _) => (StatusCode::TOO_MANY_REQUESTS, None),
            _ => (StatusCode::SERVICE_UNAVAILABLE, None),
        }
    }

    fn challenge(&self, code: Option<&str>) -> HeaderValue {
        let reason = self.refusal.to_string();
        challenge(code.map(|code| (code, reason.as_str())), self.metadata.as_deref())
    }
}

impl IntoResponse for Denied {
    fn into_response(self) -> Response {
        let (status, code) = self.status();
        if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
            return Problem::from(&self.refusal).into_response();
        }
        let headers = [
            (header::WWW_AUTHENTICATE, self.challenge(code)),
            (header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8")),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        ];
        let text = format!("{}\n{}\n", status.canonical_reason().unwrap_or_default(), self.refusal);
        (status, headers, text).into_response()
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self {
            Self::Problem(problem) => problem.into_response(),
            Self::Denied(denied) => denied.into_response(),
        }
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<Denied> for Failure {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tidings_auth::Action;

    use super::*;

    const METADATA: &str = "resource_metadata=\"https://hub/meta\"";

    fn answer(reason: Reason, dialect: Dialect) -> (u16, String) {
        let metadata = Some("https://hub/meta".to_owned());
        let response = Denied { refusal: reason.into(), dialect, metadata }.into_response();
        let challenge = response.headers().get(header::WWW_AUTHENTICATE);
        let challenge = challenge.map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
        (response.status().as_u16(), challenge)
    }

    fn not_granted() -> Reason {
        Reason::NotGranted { holder: "user \"42\"".into(), action: Action::Publish, what: "a\\é".into() }
    }

    // 1.6, the error table
    #[test]
    fn the_errors_of_1_0() {
        for (reason, status, error) in [
            (Reason::Nothing, 401, None),
            (Reason::Revoked, 401, Some("invalid_token")),
            (not_granted(), 403, Some("insufficient_scope")),
            (Reason::NotBearer, 400, Some("invalid_request")),
            (Reason::Origin(None), 400, Some("invalid_request")),
        ] {
            let (got, challenge) = answer(reason.clone(), Dialect::V1);
            assert_eq!(got, status, "{reason}");
            assert!(challenge.ends_with(METADATA), "{challenge}");
            match error {
                Some(error) => assert!(
                    challenge.starts_with(&format!("Bearer error=\"{error}\", error_description=\"")),
                    "{challenge}"
                ),
                None => assert_eq!(challenge, format!("Bearer {METADATA}")),
            }
        }
    }

    // 2 Subscribe, Publish, Token
    #[test]
    fn nearly_everything_is_401_in_0_x() {
        let reasons =
            [Reason::Nothing, Reason::Revoked, not_granted(), Reason::NotBearer, Reason::Origin(None)];
        for reason in reasons {
            assert_eq!(answer(reason, Dialect::V0).0, 401);
        }
        let (status, challenge) = answer(Reason::TooManyQuestions { most: 100 }, Dialect::V0);
        assert!(status == 400 && !challenge.contains("error"), "{status} {challenge}");
    }

    #[test]
    fn what_passes_is_told_as_such() {
        let denied = |reason: Reason| {
            let refusal = reason.into();
            Denied { refusal, dialect: Dialect::V1, metadata: None }.into_response()
        };
        let too_many = denied(Reason::TooMany { key: "k".into(), retry_after: Duration::from_millis(1200) });
        assert_eq!(too_many.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(too_many.headers()[header::RETRY_AFTER], "2");
        let unavailable = denied(Reason::NoKeys("x".into()));
        assert_eq!(unavailable.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(unavailable.headers()[header::RETRY_AFTER], "1");
    }

    // 1.6, RFC 6750 section 3
    #[test]
    fn a_reason_is_put_in_quotes_without_breaking_out() {
        let (_, challenge) = answer(not_granted(), Dialect::V1);
        assert!(challenge.contains("error_description=\"user '42' may not publish 'a//?'\""), "{challenge}");
    }
}
