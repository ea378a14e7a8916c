//! What a subscriber hands in, and what it gets: a stream of bytes in the `text/event-stream` format.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};

use crate::{log::ReadError, pipe::PipeReader, selector::Selection};

/// A request to listen.
#[derive(Clone, Debug)]
pub struct Subscription {
    /// What to listen to.
    pub selection: Selection,
    /// Where to begin.
    pub start: Start,
    /// Written before anything else, for instance a greeting. Must be whole frames or comments.
    pub prelude: Bytes,
}

/// Where a subscription begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// With what is published from now on.
    Live,
    /// With all that is kept.
    Earliest,
    /// With the newest so many events of the topics asked for.
    Newest(usize),
    /// Behind the event of this id. When it is not kept, the stream says so with a `tidings.reset` event and goes on
    /// with all that is kept.
    After(String),
}

/// Why a subscription was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SubscribeError {
    /// It asks for nothing.
    #[error("the subscription asks for no topic: give at least one")]
    Empty,
    /// It has more selectors than [`Settings::max_selectors`](crate::Settings::max_selectors).
    #[error("the subscription asks for {asked} topics and patterns: at most {limit} are allowed")]
    TooManySelectors {
        /// How many it has.
        asked: usize,
        /// How many are allowed.
        limit: usize,
    },
    /// There are [`Settings::max_subscribers`](crate::Settings::max_subscribers) already; try again later.
    #[error("the hub has as many subscribers as it is set to hold: try again later")]
    Full,
    /// The hub is stopping; try again in so many milliseconds.
    #[error("the hub is stopping: try again in {retry_ms} ms")]
    Draining {
        /// When to try again, a different time for each.
        retry_ms: u64,
    },
    /// The log could not be read.
    #[error(transparent)]
    Log(#[from] ReadError),
}

/// One subscriber's stream of bytes. Chunks begin and end anywhere; together they are an event stream. It ends when
/// the hub is drained or dropped, the subscriber has stalled, or the log cannot be read on. Dropping it ends the
/// subscription.
#[derive(Debug)]
pub struct Subscriber(pub(crate) PipeReader);

impl Subscriber {
    /// Its number, unique in its hub; log lines name it.
    pub fn id(&self) -> u64 {
        self.0.id()
    }

    /// The next bytes; `None` at the end of the stream. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Bytes> {
        self.0.next().await
    }
}

impl Stream for Subscriber {
    type Item = Bytes;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        self.0.poll_next_unpin(cx)
    }
}
