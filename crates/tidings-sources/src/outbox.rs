//! Between where events come from and the log: a bounded buffer that keeps their order and publishes them in batches.
//!
//! One task fills it ([`Outbox::push`]), one empties it ([`Outbox::run`]). While the log is only slow, a full buffer
//! makes the filling side wait, and through it whoever sends. While the log cannot take events at all, waiting would
//! not help a sender that has no memory (Redis would cut the connection, and nobody could count what is lost): then
//! the oldest event makes room, and is counted. A sender that can wait, such as a pipe, always waits.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tidings_hub::{AppendError, Hub, Publication, PublishError};
use tokio::{sync::Notify, time::sleep};

use crate::{backoff::Backoff, events, status::Tracker};

/// The most events that are published as one batch.
const BATCH_EVENTS: usize = 1000;
/// The most bytes of data that are published as one batch, unless a single event is larger.
const BATCH_BYTES: usize = 1 << 20;

/// What a full buffer does while the log cannot take events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WhenFull {
    /// The newest events matter: drop the oldest.
    DropOldest,
    /// The sender can wait.
    Wait,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// The most events that wait.
    pub(crate) events: usize,
    /// The most bytes of data that wait, unless a single event is larger.
    pub(crate) bytes: usize,
    pub(crate) when_full: WhenFull,
}

#[derive(Debug)]
pub(crate) struct Outbox {
    limits: Limits,
    queue: Mutex<Queue>,
    /// Told when there is something to publish, or never will be again.
    arrived: Notify,
    /// Told when there may be room.
    room: Notify,
    /// Told when nothing waits.
    settled: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Publication>,
    bytes: usize,
    /// Taken out and not yet accepted.
    in_hand: usize,
    log_away: bool,
    closed: bool,
}

impl Queue {
    fn pop(&mut self) -> Option<Publication> {
        let publication = self.waiting.pop_front()?;
        self.bytes -= publication.data.len();
        Some(publication)
    }

    fn has_room(&self, len: usize, limits: &Limits) -> bool {
        self.waiting.is_empty() || (self.waiting.len() < limits.events && self.bytes + len <= limits.bytes)
    }

    fn batch(&mut self) -> Vec<Publication> {
        let mut batch = Vec::new();
        let mut bytes = 0;
        while let Some(next) = self.waiting.front() {
            bytes += next.data.len();
            if batch.len() == BATCH_EVENTS || (!batch.is_empty() && bytes > BATCH_BYTES) {
                break;
            }
            batch.extend(self.pop());
        }
        self.in_hand = batch.len();
        batch
    }
}

impl Outbox {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            queue: Mutex::default(),
            arrived: Notify::new(),
            room: Notify::new(),
            settled: Notify::new(),
        }
    }

    /// Adds an event behind the others. Dropping the future drops the event.
    pub(crate) async fn push(&self, publication: Publication, source: &Tracker) {
        let len = publication.data.len();
        loop {
            {
                let mut queue = self.queue();
                if queue.log_away && self.limits.when_full == WhenFull::DropOldest {
                    while !queue.has_room(len, &self.limits) {
                        queue.pop();
                        events::overflowed(source);
                    }
                }
                if queue.has_room(len, &self.limits) {
                    queue.bytes += len;
                    queue.waiting.push_back(publication);
                    self.arrived.notify_one();
                    return;
                }
            }
            self.room.notified().await;
        }
    }

    /// No more will be added: [`Outbox::run`] ends when all is published.
    pub(crate) fn close(&self) {
        self.queue().closed = true;
        self.arrived.notify_one();
    }

    /// How many events the log has not accepted yet.
    pub(crate) fn unpublished(&self) -> usize {
        let queue = self.queue();
        queue.waiting.len() + queue.in_hand
    }

    /// Waits until the log has accepted, or refused for good, all that was added: for one who adds and waits in turn.
    pub(crate) async fn settled(&self) {
        while self.unpublished() > 0 {
            self.settled.notified().await;
        }
    }

    /// Publishes what is added, in its order, until the outbox is closed and empty or the log is closed.
    pub(crate) async fn run(&self, hub: &Hub, source: &Tracker) {
        loop {
            let batch = {
                let mut queue = self.queue();
                let batch = queue.batch();
                if batch.is_empty() && queue.closed {
                    return;
                }
                batch
            };
            if batch.is_empty() {
                self.arrived.notified().await;
                continue;
            }
            self.room.notify_one();
            if !self.deliver(batch, hub, source).await {
                return;
            }
        }
    }

    /// Publishes a batch, however long it takes. Answers whether the log is still open.
    async fn deliver(&self, batch: Vec<Publication>, hub: &Hub, source: &Tracker) -> bool {
        let mut backoff = Backoff::new();
        let mut parts = VecDeque::from([batch]);
        while let Some(mut part) = parts.pop_front() {
            let Err(error) = hub.publish_all(part.clone()).await else {
                events::accepted(source, part.len());
                self.settle(part.len(), false);
                backoff.reset();
                continue;
            };
            match error {
                PublishError::Log(AppendError::Closed) => return false,
                PublishError::Invalid { index, ref reason } if index < part.len() => {
                    events::refused(source, reason);
                    part.remove(index);
                    self.settle(1, false);
                }
                // Smaller batches may do; what alone is too large never will.
                PublishError::Log(AppendError::TooLarge(_)) if part.len() > 1 => {
                    parts.push_front(part.split_off(part.len() / 2));
                }
                PublishError::Log(AppendError::TooLarge(_)) => {
                    events::refused(source, &error);
                    part.clear();
                    self.settle(1, false);
                }
                error => {
                    let pause = backoff.next();
                    events::log_away(source, &error, pause);
                    self.settle(0, true);
                    sleep(pause).await;
                }
            }
            if !part.is_empty() {
                parts.push_front(part);
            }
        }
        true
    }

    /// Notes that events in hand are done with, and whether the log is away.
    fn settle(&self, events: usize, log_away: bool) {
        let mut queue = self.queue();
        queue.in_hand = queue.in_hand.saturating_sub(events);
        queue.log_away = log_away;
        if queue.in_hand == 0 && queue.waiting.is_empty() {
            self.settled.notify_one();
        }
        // A push that waits for room may drop the oldest instead, now that the log is away.
        if log_away {
            self.room.notify_one();
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        // No change leaves the queue half made, so one whose maker panicked is as good as any.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
