//! What a subscriber hands in, and what it gets: a stream of bytes in the `text/event-stream` format.

use std::{
    any::Any,
    fmt,
    pin::Pin,
    sync::{
        Arc,
        atomic::{
            AtomicBool,
            Ordering::{Acquire, Release},
        },
    },
    task::{Context, Poll},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};

use crate::{
    log::ReadError, naming::Naming, pipe::PipeReader, rights::ReadRights, selector::Selection,
    stats::EndReason,
};

/// A request to listen.
#[derive(Debug)]
pub struct Subscription {
    /// What to listen to.
    pub selection: Selection,
    /// Where to begin.
    pub start: Start,
    /// What to do when the cursor is not known.
    pub unknown: Unknown,
    /// Whether a stream that begins with nothing to replay begins with its cursor: an `id` without data, which browsers
    /// take note of and make no event of. Not for libraries that do.
    pub cursor: bool,
    /// Written before anything else, for instance a greeting. Must be whole frames or comments.
    pub prelude: Bytes,
    /// An event of the front's own, before everything else. It carries the cursor, so that the bare `id` is not needed.
    pub opening: Option<Opening>,
    /// Written last when the hub ends the stream: because it stops, or the time of the stream or of its rights is over.
    /// Must be whole frames or comments. If it is empty a stopping hub says when to come back.
    pub farewell: Bytes,
    /// How the events are named.
    pub naming: Naming,
    /// The socket ids of the connection, the present one and former ones: [events that it
    /// caused](crate::Publication::socket) are left out.
    pub sockets: Vec<Box<str>>,
    /// Which events may be seen, of those that are listened to.
    pub read: Arc<ReadRights>,
    /// Whose subscription it is, where that is known: all whose rights it has. What [`Hub::close`](crate::Hub::close) asks
    /// about.
    pub bearers: Vec<Arc<Bearer>>,
    /// When the rights end, and the stream with them. A `tidings.close` event says so
    /// [some time before](crate::Settings::expiry_notice).
    pub expires: Option<SystemTime>,
    /// How long the stream lasts at most; without it, as long as it can.
    pub lifetime: Option<Duration>,
    /// Dropped when the subscription has ended, or was not accepted.
    pub companion: Option<Companion>,
}

impl Subscription {
    /// One that may see everything and does not end by itself.
    pub fn new(selection: Selection, start: Start) -> Self {
        Self {
            selection,
            start,
            unknown: Unknown::default(),
            cursor: true,
            prelude: Bytes::new(),
            opening: None,
            farewell: Bytes::new(),
            naming: Naming::Own,
            sockets: Vec::new(),
            read: ReadRights::everything(),
            bearers: Vec::new(),
            expires: None,
            lifetime: None,
            companion: None,
        }
    }
}

/// An event with which a stream begins. Its id is the subscription's cursor; [`Start::Newest`] has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// Its type, without line ends.
    pub event: Box<str>,
    /// Its data.
    pub data: Box<str>,
    /// The reconnection time, in milliseconds.
    pub retry: Option<u64>,
}

/// Whose rights a subscription has.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Bearer {
    /// The user, as whoever issued the rights names it.
    pub user: Option<Box<str>>,
    /// The token that the rights came with, by its identifier.
    pub token: Option<Box<str>>,
    /// Whether what the rights rest on stands.
    pub standing: Standing,
}

/// Whether what somebody's rights rest on, such as a key of the configuration, still stands. Clones are the same. The
/// default one stands for ever.
#[derive(Clone, Debug, Default)]
pub struct Standing(Option<Arc<AtomicBool>>);

impl Standing {
    /// One that stands until it is ended.
    pub fn until_ended() -> Self {
        Self(Some(Arc::default()))
    }

    /// Ends it, for all who rest on it.
    pub fn end(&self) {
        if let Self(Some(ended)) = self {
            ended.store(true, Release);
        }
    }

    /// Whether it has been ended.
    pub fn has_ended(&self) -> bool {
        self.0.as_ref().is_some_and(|ended| ended.load(Acquire))
    }
}

/// Whether they are the same.
impl PartialEq for Standing {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (one, other) => one.is_none() && other.is_none(),
        }
    }
}

impl Eq for Standing {}

/// Something that lives as long as a subscription: its destructor is told of the end, however it came.
pub struct Companion(Box<dyn Any + Send>);

impl Companion {
    /// Makes `value` live as long as the subscription. It is dropped on a thread that must not be held up.
    pub fn new(value: impl Send + 'static) -> Self {
        Self(Box::new(value))
    }
}

impl fmt::Debug for Companion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Companion").field(&(*self.0).type_id()).finish()
    }
}

/// What became of a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Why it ended.
    pub reason: EndReason,
    /// Events that it was sent.
    pub events: u64,
    /// Bytes of these.
    pub bytes: u64,
}

/// What a subscription was sent, and who is to be told of it in the end.
pub(crate) struct Tally {
    events: u64,
    bytes: u64,
    tell: Box<dyn FnOnce(Ended) + Send>,
}

impl Tally {
    pub(crate) fn new(tell: impl FnOnce(Ended) + Send + 'static) -> Self {
        Self { events: 0, bytes: 0, tell: Box::new(tell) }
    }

    pub(crate) fn add(&mut self, events: u64, bytes: u64) {
        self.events += events;
        self.bytes += bytes;
    }

    pub(crate) fn end(self, reason: EndReason) {
        (self.tell)(Ended { reason, events: self.events, bytes: self.bytes });
    }
}

impl fmt::Debug for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tally")
            .field("events", &self.events)
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}

/// What a subscriber gets whose cursor the log does not know, or no longer reaches back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Unknown {
    /// A `tidings.reset` event, and then all that is kept.
    #[default]
    Reset,
    /// All that is kept.
    Everything,
    /// A `tidings.reset` event, and then what is published from now on.
    ResetLive,
    /// The first if the log has held it, and the second if nobody knows it.
    ResetKnown,
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
    /// Behind the event of this id. When it is not known, [`Unknown`] says how the stream begins.
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
    #[error(
        "the subscription asks for {asked} topics and patterns: at most {limit} are allowed (setting limits.topics_per_subscription)"
    )]
    TooManySelectors {
        /// How many it has.
        asked: usize,
        /// How many are allowed.
        limit: usize,
    },
    /// It has more patterns than [`Settings::max_patterns`](crate::Settings::max_patterns).
    #[error(
        "the subscription asks by {asked} patterns: at most {limit} are allowed (setting limits.patterns_per_subscription)"
    )]
    TooManyPatterns {
        /// How many it has.
        asked: usize,
        /// How many are allowed.
        limit: usize,
    },
    /// Its templates and URL patterns together would be too costly to match.
    #[error(
        "the subscription's templates and URL patterns are too complex together: ask for fewer, or simpler ones"
    )]
    TooComplex,
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
