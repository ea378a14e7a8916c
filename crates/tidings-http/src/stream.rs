//! The answer to a subscription, on every front that has streams: on the connection itself if the server offers it,
//! else as a body; and to those who must come back later.

use std::{convert::Infallible, time::Duration};

use axum::{
    body::Body,
    extract::FromRequestParts,
    response::{IntoResponse, Response},
};
use futures_util::StreamExt as _;
use http::{HeaderName, HeaderValue, StatusCode, header, request::Parts};
use tidings_auth::Holder;
use tidings_hub::{Accepted, Bearer, Companion, Naming, SubscribeError, come_back};

use crate::{
    access,
    client::Client,
    problem::Problem,
    quota::Place,
    server::{HandOver, Overloaded},
};

/// Tells nginx, and those who copied it, not to hold the stream back.
const ANTI_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
/// How long a browser waits that could not be served for want of room: about this, plus as much again by chance.
const FULL_RETRY_MS: u64 = 5000;

/// What the server says of the connection that a subscription comes on. An application that serves the routes itself
/// says nothing, and its streams are bodies.
#[derive(Debug)]
pub(crate) struct Carrier {
    client: Client,
    is_overloaded: bool,
    hand_over: Option<HandOver>,
}

impl<S: Sync> FromRequestParts<S> for Carrier {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let extensions = &parts.extensions;
        Ok(Self {
            client: extensions.get().cloned().unwrap_or_default(),
            is_overloaded: extensions.get::<Overloaded>().is_some(),
            hand_over: extensions.get().cloned(),
        })
    }
}

impl Carrier {
    /// Whether the connection is one too many, or memory is short, so that all it gets is [`no_room`].
    pub(crate) fn is_overloaded(&self) -> bool {
        self.is_overloaded || self.client.is_kept_out()
    }

    /// A place for a stream of the first user among these; `None` where it gets [`no_room`], because that user or the
    /// client's address has all of theirs.
    pub(crate) fn place<'b>(&self, bearers: impl IntoIterator<Item = &'b Bearer>) -> Option<Place> {
        self.client.place(bearers.into_iter().find_map(|bearer| bearer.user.as_deref()))
    }

    /// Begins the subscription. `topics` is what it asks for and `holder` who does, for the log line.
    pub(crate) fn begin(self, mut accepted: Accepted, topics: &str, holder: &Holder) -> Response {
        let peer = self.client.address().map(tracing::field::display);
        tracing::info!(subscriber = accepted.id(), peer, %holder, topics, "subscription begun");
        access::asked_by(holder);
        access::stream_begins(&mut accepted);
        stream(match self.hand_over {
            Some(hand_over) => {
                hand_over.offer(accepted);
                Body::empty()
            }
            None => Body::from_stream(accepted.stream().map(Ok::<_, Infallible>)),
        })
    }
}

/// The answer to a subscription that the hub has not accepted, whose events would be named so.
pub(crate) fn refused(error: SubscribeError, naming: &Naming) -> Result<Response, Problem> {
    match error {
        SubscribeError::Empty
        | SubscribeError::TooManySelectors { .. }
        | SubscribeError::TooManyPatterns { .. }
        | SubscribeError::TooComplex => Err(Problem::bad_request(error)),
        SubscribeError::Draining { retry_ms } => Ok(later(retry_ms, naming)),
        error => {
            tracing::warn!(%error, "a subscriber was told to come back");
            Ok(no_room(naming))
        }
    }
}

/// What lives as long as a subscription: its place, and what its front has of its own.
pub(crate) fn companion(place: Place, own: Option<Companion>) -> Option<Companion> {
    match own {
        own if place.is_uncounted() => own,
        Some(own) => Some(Companion::new((place, own))),
        None => Some(Companion::new(place)),
    }
}

/// A lifetime of four fifths of this to all of it, so that streams that began together do not end together.
pub(crate) fn jittered(lifetime: Duration) -> Duration {
    lifetime.mul_f64(1.0 - 0.2 * fastrand::f64())
}

/// The answer to a browser for which there is no room: to come back.
pub(crate) fn no_room(naming: &Naming) -> Response {
    later(FULL_RETRY_MS + fastrand::u64(..FULL_RETRY_MS), naming)
}

/// An answer to a browser that should come back: any status but 200 would make it give up for good.
fn later(retry_ms: u64, naming: &Naming) -> Response {
    stream(Body::from(come_back(retry_ms, naming)))
}

/// A stream's headers, for a `HEAD`.
pub(crate) fn head() -> Response {
    stream(Body::empty())
}

/// A stream's headers around its body. `no-transform` keeps compressing proxies off it.
pub(crate) fn stream(body: Body) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform")),
        (ANTI_BUFFERING, HeaderValue::from_static("no")),
    ];
    (StatusCode::OK, headers, body).into_response()
}
