//! One subscriber as its shard knows it: a cursor, a sink, and at most the rest of what the sink did not take.

use std::sync::Arc;

use bytes::Bytes;

use super::{
    Join, SubscriberId,
    index::ClassKey,
    term::{Closer, Term},
    wheel::Tick,
};
use crate::{
    front::Front,
    manner::{Eye, Manner},
    naming::Naming,
    rights::ReadRights,
    selector::Selection,
    sink::{Gone, Sink},
    stats::{EndReason, StreamState},
    subscription::Tally,
};

/// How a subscriber gets its next bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Up to date: it is sent what comes in. It stands in its class's list at this place.
    Live(usize),
    /// It can be moved forward, and will be when its turn comes.
    Due,
    /// Its sink is full; it goes on when the sink calls.
    Blocked,
    /// A page of the log is being read for it, or will be.
    Reading,
}

impl State {
    pub(super) fn of_stream(self) -> StreamState {
        match self {
            Self::Live(_) => StreamState::Live,
            Self::Blocked => StreamState::Blocked,
            Self::Due | Self::Reading => StreamState::CatchingUp,
        }
    }
}

#[derive(Debug)]
pub(super) struct Subscriber {
    pub(super) id: SubscriberId,
    pub(super) front: Front,
    pub(super) class: ClassKey,
    pub(super) selection: Arc<Selection>,
    pub(super) read: Arc<ReadRights>,
    /// Everything below this offset has been considered. Not moved on while live: then the shard's position counts, if
    /// it is higher.
    pub(super) cursor: u64,
    /// Below this offset it asked for what is kept, whatever that is: it is read from the log, whose retention decides,
    /// and what retention took before is no gap.
    pub(super) kept_to: u64,
    /// No page has been read for it yet of what is kept, so there is nothing that a gap could be in.
    pub(super) unread: bool,
    pub(super) state: State,
    pub(super) last_write: Tick,
    /// The stream ends when the rest is written.
    pub(super) ending: Option<EndReason>,
    pub(super) sink: Box<dyn Sink>,
    pub(super) term: Option<Box<Term>>,
    pub(super) manner: Option<Box<Manner>>,
    /// What it was sent, if somebody wants to know in the end.
    pub(super) tally: Option<Box<Tally>>,
    /// The page that is being read for it is not what it asks for any more.
    pub(super) has_changed: bool,
    /// When it is looked at next.
    pub(super) next_look: Tick,
    /// Bytes before anything else: the rest of an event that the sink took in part, a page of the log, a control
    /// frame. Bounded by a page and an event.
    rest: Vec<Bytes>,
}

impl Subscriber {
    pub(super) fn new(join: Join, class: ClassKey) -> Self {
        let Join { id, front, selection, read, cursor, kept_to, sink, term, manner, tally, prelude: rest } =
            join;
        Self {
            id,
            front,
            class,
            selection,
            read,
            cursor,
            kept_to,
            unread: cursor < kept_to,
            state: State::Reading,
            last_write: 0,
            ending: None,
            sink,
            term,
            manner,
            tally,
            has_changed: false,
            next_look: 0,
            rest,
        }
    }

    pub(super) fn naming(&self) -> &Naming {
        self.manner.as_ref().map_or(&Naming::Own, |manner| &manner.naming)
    }

    pub(super) fn sockets(&self) -> &[Box<str>] {
        self.manner.as_ref().map_or(&[], |manner| &manner.sockets)
    }

    /// What it is told last, if that is not what everybody is told.
    pub(super) fn farewell(&self) -> Option<Bytes> {
        self.manner.as_ref().map(|manner| manner.farewell.clone()).filter(|farewell| !farewell.is_empty())
    }

    pub(super) fn eye(&self) -> Eye<'_> {
        Eye { selection: &self.selection, read: &self.read, naming: self.naming(), sockets: self.sockets() }
    }

    pub(super) fn is_closed_by(&self, closer: &Closer) -> bool {
        self.term.as_ref().is_some_and(|term| term.is_closed_by(closer))
    }

    /// Counts what it is sent.
    pub(super) fn count(&mut self, events: u64, bytes: u64) {
        if let Some(tally) = &mut self.tally {
            tally.add(events, bytes);
        }
    }

    /// Whether the sink has taken all there was for it.
    pub(super) fn is_flushed(&self) -> bool {
        self.rest.is_empty()
    }

    /// Puts bytes behind the rest.
    pub(super) fn put(&mut self, bytes: impl IntoIterator<Item = Bytes>) {
        self.rest.extend(bytes.into_iter().filter(|bytes| !bytes.is_empty()));
    }

    /// Writes what is left; `true` when nothing is.
    pub(super) fn flush(&mut self, now: Tick) -> Result<bool, Gone> {
        if self.rest.is_empty() {
            return Ok(true);
        }
        let mut taken = self.sink.write(&self.rest)?;
        if taken > 0 {
            self.last_write = now;
        }
        let whole = self.rest.iter().take_while(|bytes| {
            let fits = bytes.len() <= taken;
            if fits {
                taken -= bytes.len();
            }
            fits
        });
        let whole = whole.count();
        self.rest.drain(..whole);
        if let Some(first) = self.rest.first_mut() {
            *first = first.slice(taken..);
        }
        Ok(self.rest.is_empty())
    }
}
