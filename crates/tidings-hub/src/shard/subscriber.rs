//! One subscriber as its shard knows it: a cursor, a sink, and at most the rest of what the sink did not take.

use std::sync::Arc;

use bytes::Bytes;

use super::{SubscriberId, index::GroupKey, wheel::Tick};
use crate::{
    selector::Selection,
    sink::{Gone, Sink},
    stats::EndReason,
};

/// How a subscriber gets its next bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Up to date: it is sent what comes in. It stands in its group's list at this place.
    Live(usize),
    /// It can be moved forward, and will be when its turn comes.
    Due,
    /// Its sink is full; it goes on when the sink calls.
    Blocked,
    /// A page of the log is being read for it, or will be.
    Reading,
}

#[derive(Debug)]
pub(super) struct Subscriber {
    pub(super) id: SubscriberId,
    pub(super) group: GroupKey,
    pub(super) selection: Arc<Selection>,
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
    /// Bytes before anything else: the rest of an event that the sink took in part, a page of the log, a control
    /// frame. Bounded by a page and an event.
    rest: Vec<Bytes>,
}

impl Subscriber {
    pub(super) fn new(
        id: SubscriberId,
        group: GroupKey,
        selection: Arc<Selection>,
        cursor: u64,
        kept_to: u64,
        sink: Box<dyn Sink>,
    ) -> Self {
        let (state, last_write, ending, rest) = (State::Reading, 0, None, Vec::new());
        let unread = cursor < kept_to;
        Self { id, group, selection, cursor, kept_to, unread, state, last_write, ending, sink, rest }
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
