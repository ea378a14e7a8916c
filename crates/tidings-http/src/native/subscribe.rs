//! `GET /events` (and `/sse`): the stream.

use axum::{
    Extension,
    body::Body,
    extract::{RawQuery, State},
    response::{IntoResponse, Response},
};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use std::convert::Infallible;
use tidings_hub::{Start, SubscribeError, Subscription, come_back};
use tidings_stream::Frame;

use super::{Native, query};
use crate::{
    problem::Problem,
    server::{HandOver, Overloaded, Peer},
};

/// Tells nginx, and those who copied it, not to hold the stream back.
const ANTI_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
/// How long a browser waits that could not be served for want of room: about this, plus as much again by chance.
const FULL_RETRY_MS: u64 = 5000;

pub(super) async fn subscribe(
    State(native): State<Native>,
    peer: Option<Extension<Peer>>,
    overloaded: Option<Extension<Overloaded>>,
    hand_over: Option<Extension<HandOver>>,
    method: Method,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let asked = query::read(query.as_deref(), &headers, &native.settings.default_topic)?;
    if method == Method::HEAD {
        return Ok(stream(Body::empty()));
    }
    if overloaded.is_some() {
        return Ok(no_room());
    }
    let prelude = native.prelude(&asked);
    let asked_for = asked.selection.to_string();
    let subscription = Subscription { selection: asked.selection, start: asked.start, prelude };
    match native.hub.accept(subscription).await {
        Ok(accepted) => {
            let peer = peer.map(|Extension(Peer(address))| tracing::field::display(address));
            tracing::info!(subscriber = accepted.id(), peer, topics = asked_for, "subscription begun");
            Ok(stream(match hand_over {
                Some(Extension(hand_over)) => {
                    hand_over.offer(accepted);
                    Body::empty()
                }
                None => Body::from_stream(accepted.stream().map(Ok::<_, Infallible>)),
            }))
        }
        Err(error @ (SubscribeError::Empty | SubscribeError::TooManySelectors { .. })) => {
            Err(Problem::bad_request(error))
        }
        Err(SubscribeError::Draining { retry_ms }) => Ok(later(retry_ms)),
        Err(error) => {
            tracing::warn!(%error, "a subscriber was told to come back");
            Ok(no_room())
        }
    }
}

/// The answer to a browser for which there is no room: to come back.
fn no_room() -> Response {
    later(FULL_RETRY_MS + fastrand::u64(..FULL_RETRY_MS))
}

/// An answer to a browser that should come back: any status but 200 would make it give up for good.
fn later(retry_ms: u64) -> Response {
    stream(Body::from(come_back(retry_ms)))
}

/// A stream's headers. `no-transform` keeps compressing proxies off it.
fn stream(body: Body) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform")),
        (ANTI_BUFFERING, HeaderValue::from_static("no")),
    ];
    (StatusCode::OK, headers, body).into_response()
}

impl Native {
    /// What comes before all events: the reconnection time, and the greeting for those who come for the first time.
    fn prelude(&self, asked: &query::Asked) -> Bytes {
        let mut prelude = BytesMut::new();
        let mut put = |frame: Frame<'_>| {
            // Greetings are any text, and any text can be data.
            if let Err(error) = frame.encode(&mut prelude) {
                tracing::error!(%error, "a stream's first frame cannot be encoded");
            }
        };
        if self.settings.retry.is_some() {
            put(Frame { retry: self.settings.retry, ..Frame::default() });
        }
        if !matches!(asked.start, Start::After(_)) {
            for (pattern, text) in &self.settings.greetings {
                if asked.selection.topics().iter().any(|topic| pattern.matches(topic.as_str())) {
                    put(Frame { data: Some(text), ..Frame::default() });
                }
            }
        }
        prelude.freeze()
    }
}
