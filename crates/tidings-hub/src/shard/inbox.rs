//! What waits for a shard. Everything that has arrived is taken at once, which is what makes batches under load and
//! an immediate delivery when idle.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use mio::{Poll, Token, Waker};

use super::Command;
use crate::{batch::Batch, stats::Waiting};

/// How the inbox shows among the events of its shard's sockets; no subscriber has this key.
pub(super) const INBOX: Token = Token(usize::MAX);

/// The door of a shard: any thread puts things in, the shard's thread takes them all.
#[derive(Debug)]
pub(crate) struct Inbox {
    state: Mutex<State>,
    waker: Waker,
    max_bytes: usize,
}

#[derive(Debug)]
struct State {
    /// `None` once closed.
    mail: Option<Mail>,
    /// The shard waits, or is about to: it must be woken. It is woken once for all that comes until it looks.
    asleep: bool,
}

/// All that has arrived.
#[derive(Debug, Default)]
pub(super) struct Mail {
    pub(super) commands: Vec<Command>,
    pub(super) batches: Vec<Arc<Batch>>,
    bytes: usize,
    events: usize,
    /// The shard was so far behind that batches were left out: it must read them from the log, up to this offset.
    pub(super) skipped_to: Option<u64>,
}

impl Mail {
    pub(super) fn clear(&mut self) {
        self.commands.clear();
        self.batches.clear();
        (self.bytes, self.events) = (0, 0);
        self.skipped_to = None;
    }

    fn is_empty(&self) -> bool {
        self.commands.is_empty() && self.batches.is_empty() && self.skipped_to.is_none()
    }
}

impl Inbox {
    /// An empty one, in which at most `max_bytes` of wire bytes wait, and the poll of the shard that it wakes.
    pub(crate) fn new(max_bytes: usize) -> io::Result<(Arc<Self>, Poll)> {
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), INBOX)?;
        let state = Mutex::new(State { mail: Some(Mail::default()), asleep: false });
        Ok((Arc::new(Self { state, waker, max_bytes }), poll))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that can panic runs under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets go of the lock, and wakes the shard if it sleeps.
    fn wake(&self, mut state: MutexGuard<'_, State>) {
        let asleep = std::mem::take(&mut state.asleep);
        drop(state);
        // An eventfd that exists can be written to.
        if asleep && let Err(error) = self.waker.wake() {
            tracing::error!(%error, "a shard cannot be woken");
        }
    }

    pub(crate) fn send(&self, command: Command) {
        let mut state = self.lock();
        // When closed, the command is dropped behind the lock: a sink in it may wake somebody.
        if let Some(mail) = &mut state.mail {
            mail.commands.push(command);
            self.wake(state);
        }
    }

    /// Ends the shard. What waits and what still comes is dropped, and with it the sinks of those who were on their
    /// way in, which ends their streams.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        let waiting = state.mail.take();
        self.wake(state);
        drop(waiting);
    }

    /// Whether its shard has ended.
    pub(crate) fn is_closed(&self) -> bool {
        self.lock().mail.is_none()
    }

    /// Hands over committed events. Memory stays bounded: a shard with too much waiting is told to read the log.
    pub(crate) fn commit(&self, batch: &Arc<Batch>) {
        let Some(end) = batch.end() else { return };
        let mut state = self.lock();
        let Some(waiting) = &mut state.mail else { return };
        if waiting.skipped_to.is_some() || waiting.bytes + batch.bytes() > self.max_bytes {
            waiting.batches.clear();
            (waiting.bytes, waiting.events) = (0, 0);
            waiting.skipped_to = Some(end);
        } else {
            waiting.bytes += batch.bytes();
            waiting.events += batch.entries().len();
            waiting.batches.push(batch.clone());
        }
        self.wake(state);
    }

    /// What waits.
    pub(crate) fn waiting(&self) -> Waiting {
        let state = self.lock();
        let Some(mail) = &state.mail else { return Waiting::default() };
        let oldest = mail.batches.first().map(|batch| batch.since().elapsed());
        Waiting { events: mail.events as u64, bytes: mail.bytes as u64, oldest: oldest.unwrap_or_default() }
    }

    /// Whether the shard may wait: nothing has arrived, and what does from now on wakes it.
    pub(super) fn may_sleep(&self) -> bool {
        let mut state = self.lock();
        state.asleep = state.mail.as_ref().is_some_and(Mail::is_empty);
        state.asleep
    }

    /// Swaps `mail`, which is empty, with all that has arrived. `false` when the inbox is closed.
    pub(super) fn take(&self, mail: &mut Mail) -> bool {
        let mut state = self.lock();
        state.asleep = false;
        let Some(waiting) = &mut state.mail else { return false };
        std::mem::swap(waiting, mail);
        true
    }
}
