//! Reading a request's body, bounded in size and in time.

use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use crate::{
    limit::{Limit, LimitHits},
    problem::Problem,
    quota::NoRoom,
};

/// The bounds of a body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyLimit<'a> {
    pub(crate) bytes: usize,
    pub(crate) time: Duration,
    pub(crate) hits: &'a LimitHits,
}

impl BodyLimit<'_> {
    /// The whole body.
    pub(crate) async fn read(self, mut body: Body) -> Result<Bytes, Problem> {
        if body.size_hint().lower() > self.bytes.saturating_add(MAX_DRAIN) as u64 {
            return Err(self.too_large());
        }
        let read = async {
            let outcome = Limited::new(&mut body, self.bytes).collect().await;
            if outcome.as_ref().is_err_and(|error| error.is::<LengthLimitError>()) {
                drain(&mut body).await;
            }
            outcome
        };
        match tokio::time::timeout(self.time, read).await {
            Ok(Ok(body)) => Ok(own(body.to_bytes())),
            Ok(Err(error)) if error.is::<LengthLimitError>() => Err(self.too_large()),
            Ok(Err(error)) if let Some(no_room) = no_room(&*error) => {
                Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, no_room.to_string()))
            }
            Ok(Err(error)) => Err(Problem::bad_request(format!("the body could not be read: {error}"))),
            Err(_) => {
                self.hits.hit(Limit::BodyTime);
                Err(Problem::new(
                    StatusCode::REQUEST_TIMEOUT,
                    format!("the body did not arrive within {:?} (setting limits.body_time)", self.time),
                ))
            }
        }
    }
}

impl BodyLimit<'_> {
    fn too_large(&self) -> Problem {
        self.hits.hit(Limit::Body);
        Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the body is larger than the {} bytes allowed (setting limits.body)", self.bytes),
        )
    }
}

/// Whether a body was refused for want of room. Errors of bodies are wrapped in one another.
fn no_room(error: &(dyn std::error::Error + 'static)) -> Option<NoRoom> {
    std::iter::successors(Some(error), |error| error.source()).find_map(|error| error.downcast_ref().copied())
}

/// Data of its own. What came in one piece is a part of the connection's read buffer, of 8 KiB and more, which the newest
/// events, held in memory, would all hold with them: fifty megabytes instead of four.
fn own(body: Bytes) -> Bytes {
    /// Such a piece is most of its buffer.
    const LARGE: usize = 64 << 10;
    match body.len() {
        LARGE.. => body,
        _ => Bytes::copy_from_slice(&body),
    }
}

/// How much of a body that is too large is still read, and thrown away. A client that is answered and cut off while it
/// sends loses the answer, and learns only of a broken connection.
const MAX_DRAIN: usize = 16 << 20;

async fn drain(body: &mut Body) {
    let mut drained = 0;
    while drained < MAX_DRAIN
        && let Some(Ok(frame)) = body.frame().await
    {
        drained += frame.data_ref().map_or(0, Bytes::len);
    }
}

/// The media type of a request's body, without parameters, in lower case; empty when there is none.
pub(crate) fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}
