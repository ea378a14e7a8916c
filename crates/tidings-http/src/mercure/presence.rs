//! Presence: which subscriptions are active (section 1.8). Each is announced with a private event when it begins and when
//! it ends, and can be listed.
//!
//! The registry changes first and the announcement follows, under one lock for both, so what is announced of one
//! subscriber is in its order, and whoever lists after an announcement sees what it said. A task publishes the
//! announcements in their order. What the log does not take, and what there is no room to wait for, is given up, with a warning: the list stays right.
//!
//! That a stream has ended is told by the hub's own threads, which must not wait: they only note it, and whoever looks at
//! the registry next takes the notes into account before.

mod outbox;
mod registry;

use std::{
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use tidings_hub::{Bearer, Companion, Front, Hub, Publication, Topic};
use tokio::sync::Notify;

pub(super) use self::registry::{Active, Subscription, Wanted};
use self::{
    outbox::{Outbox, Piece},
    registry::{Registry, StreamId},
};
use super::{
    dialect::Dialect,
    documents::{self, EVENT_TYPE},
    matcher::Matcher,
    settings::urn_uuid,
};
use crate::problem::Problem;

/// How many matchers one connection may have that are announced. 0.x allows ten times as many where nothing is.
const MAX_ANNOUNCED: usize = 100;

/// As long as any subscriber's id.
const ANY_SUBSCRIBER: &str = "urn:uuid:00000000-0000-0000-0000-000000000000";

/// Knows which subscriptions of a Mercure front are active, and announces them. Cloning is cheap; clones are the same.
#[derive(Clone, Debug)]
pub struct Presence(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// The streams that have ended since the registry was looked at. Locked for a moment only, also within `state`.
    ended: Mutex<Vec<(StreamId, Instant)>>,
    next_stream: AtomicU64,
    /// Wakes the task that publishes.
    wake: Arc<Notify>,
    /// Wakes those who wait for it to have nothing left to do.
    idle: Notify,
}

#[derive(Debug)]
struct State {
    registry: Registry,
    outbox: Outbox,
    /// Whether some have left the outbox and are not published yet.
    publishing: bool,
}

impl Shared {
    /// The state as of now: who has left is gone, or waited for, or waited for no longer.
    fn state(&self) -> MutexGuard<'_, State> {
        let mut guard = lock(&self.state);
        let State { registry, outbox, .. } = &mut *guard;
        let ended = std::mem::take(&mut *lock(&self.ended));
        let left = ended.into_iter().filter_map(|(stream, when)| registry.leave(stream, when));
        left.for_each(|announcement| outbox.push(announcement));
        let now = Instant::now();
        while let Some(announcement) = registry.expire(now) {
            outbox.push(announcement);
        }
        guard
    }

    fn stop_waiting(&self) {
        self.state().registry.stop_waiting(Instant::now());
        self.wake.notify_one();
    }

    fn is_idle(&self) -> bool {
        let state = self.state();
        state.outbox.is_empty() && !state.publishing && state.registry.next_expiry().is_none()
    }

    fn next_task(&self) -> Task {
        let mut state = self.state();
        let batch = state.outbox.next_batch();
        state.publishing = !batch.is_empty();
        if state.publishing {
            return Task::Publish(batch);
        }
        let expiry = state.registry.next_expiry();
        drop(state);
        self.idle.notify_waiters();
        Task::Wait(expiry)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.wake.notify_one();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that can panic runs under the locks.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the task that publishes is to do next.
enum Task {
    Publish(Vec<Piece>),
    /// Until woken, or until somebody is no longer waited for.
    Wait(Option<Instant>),
}

/// A stream that has a number and has not begun.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ticket(StreamId);

/// Says that a stream has ended.
#[derive(Debug)]
struct Leaving(Arc<Shared>, StreamId);

impl Drop for Leaving {
    fn drop(&mut self) {
        let Self(shared, stream) = self;
        lock(&shared.ended).push((*stream, Instant::now()));
        shared.wake.notify_one();
    }
}

impl Presence {
    /// A pattern of the topics that announcements have.
    pub const TOPICS: &str = "/.well-known/mercure/subscriptions/*";

    /// Begins to announce on this hub, within a Tokio runtime. A subscriber that leaves and is back within `debounce`,
    /// with a token of the same user (or the same token) and the same matchers, has never left.
    pub fn start(hub: Hub, debounce: Duration) -> Self {
        let wake = Arc::<Notify>::default();
        let registry = Registry::new(debounce);
        let shared = Arc::new(Shared {
            state: Mutex::new(State { registry, outbox: Outbox::default(), publishing: false }),
            ended: Mutex::default(),
            next_stream: AtomicU64::new(0),
            wake: wake.clone(),
            idle: Notify::new(),
        });
        tokio::spawn(publish(hub.via(Front::Mercure), Arc::downgrade(&shared), wake));
        Self(shared)
    }

    /// Waits until all that has happened is announced. From now on nobody is waited for who has left.
    pub async fn settled(&self) {
        self.0.stop_waiting();
        loop {
            let mut idle = pin!(self.0.idle.notified());
            idle.as_mut().enable();
            if self.0.is_idle() {
                return;
            }
            idle.await;
        }
    }

    /// A number for a stream, and what says that it has ended. The stream [begins](Self::enter) before that is dropped, or
    /// not at all.
    pub(super) fn reserve(&self) -> (Ticket, Companion) {
        let stream = self.0.next_stream.fetch_add(1, Relaxed);
        (Ticket(stream), Companion::new(Leaving(self.0.clone(), stream)))
    }

    /// A stream begins, with these subscriptions and their payloads.
    pub(super) fn enter(&self, Ticket(stream): Ticket, bearer: &Bearer, subscriptions: Vec<Subscription>) {
        let mut state = self.0.state();
        if let Some(announcement) = state.registry.enter(stream, bearer, subscriptions, urn_uuid) {
            state.outbox.push(announcement);
        }
        drop(state);
        self.0.wake.notify_one();
    }

    /// The active subscriptions that are meant, sorted.
    pub(super) fn list(&self, wanted: Wanted<'_>) -> Vec<Active> {
        self.0.state().registry.list(wanted)
    }

    /// Whether somebody has left who may be back.
    #[cfg(test)]
    pub(super) fn is_waiting(&self) -> bool {
        self.0.state().registry.next_expiry().is_some()
    }

    /// Checks whether subscriptions with these matchers can be announced: there must not be too many, nor may the topics
    /// of their events be too long.
    pub(super) fn can_announce(matchers: &[Matcher]) -> Result<(), Problem> {
        if matchers.len() > MAX_ANNOUNCED {
            return Err(Problem::bad_request(format!(
                "the subscription has {} topics, each of which is announced to others: at most {MAX_ANNOUNCED} are \
                 allowed on this hub",
                matchers.len()
            )));
        }
        let topic = |matcher| Topic::new(documents::address(Some(matcher), Some(ANY_SUBSCRIBER)));
        matchers.iter().try_for_each(|matcher| topic(matcher).map(drop)).map_err(|error| {
            Problem::bad_request(format!("a matcher is too long to be announced to others: {error}"))
        })
    }
}

/// Publishes what is announced, until all who could announce something are gone.
async fn publish(hub: Hub, shared: Weak<Shared>, wake: Arc<Notify>) {
    while let Some(task) = shared.upgrade().map(|shared| shared.next_task()) {
        match task {
            Task::Publish(batch) => {
                let events: Vec<_> = batch.iter().flat_map(publications).collect();
                let count = events.len();
                if let Err(error) = hub.publish_all(events).await {
                    tracing::warn!(%error, count, "subscriptions that begin or end could not be announced");
                }
            }
            Task::Wait(None) => wake.notified().await,
            // Either way there is something to look at.
            Task::Wait(Some(expiry)) => {
                tokio::time::timeout_at(expiry.into(), wake.notified()).await.ok();
            }
        }
    }
}

fn publications(Piece { announcement, subscriptions }: &Piece) -> impl Iterator<Item = Publication> {
    subscriptions.clone().filter_map(|index| {
        let document = announcement.subscriber.document(index, announcement.active)?;
        // Too long a topic was refused when the subscription was asked for.
        let topic = Topic::new(documents::address(Some(document.matcher), Some(document.subscriber))).ok()?;
        let event = (document.matcher.kind.dialect() == Dialect::V1).then(|| EVENT_TYPE.into());
        Some(Publication { event, private: true, ..Publication::new(topic, document.event()) })
    })
}
