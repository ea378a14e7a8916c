//! The hub: publish and subscribe over one log.

use std::{
    sync::{
        Arc,
        atomic::{
            AtomicBool, AtomicU64,
            Ordering::{Relaxed, SeqCst},
        },
    },
    time::Duration,
};

use bytes::Bytes;

use crate::{
    batch::Batch,
    control::{self, HEARTBEAT, ResetReason, reset},
    log::{AppendError, Entry, Follower, Log, Lookup, ReadError, TopicSummary},
    pipe::pipe,
    position::Position,
    publication::{InvalidPublication, Publication},
    selector::Selection,
    settings::Settings,
    shard::{self, Command, Inbox, Join, Shared, SubscriberId, drain_retry_ms},
    sink::Sink,
    stats::HubStats,
    subscription::{Start, SubscribeError, Subscriber, Subscription},
    topic::Topic,
};

/// What a publisher is answered: the log has the event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The event's id: the publisher's own, or the generated one.
    pub id: String,
    /// Where the event stands.
    pub position: Position,
    /// Whether it had been published before under the same id, so that nothing was added.
    pub duplicate: bool,
}

/// Why a publication was not accepted. Nothing of the batch was or will be seen by anybody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The publisher's fault.
    #[error("{reason}")]
    Invalid {
        /// Which of the batch, from 0.
        index: usize,
        /// What is wrong with it.
        reason: InvalidPublication,
    },
    /// The log's.
    #[error(transparent)]
    Log(#[from] AppendError),
}

/// A topic that is alive: it has events, or somebody listens to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveTopic {
    /// Its name.
    pub topic: Topic,
    /// How many subscribers an event published to it reaches.
    pub subscribers: u64,
    /// How many of its events are kept.
    pub events: u64,
    /// The id of the newest of them.
    pub last_id: Option<String>,
}

/// The hub. Cloning is cheap; all clones are the same hub, which ends with the last of them.
#[derive(Clone, Debug)]
pub struct Hub(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    shared: Shared,
    shards: Vec<Arc<Inbox>>,
    next_subscriber: AtomicU64,
    draining: AtomicBool,
    drain_window_ms: AtomicU64,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.shards.iter().for_each(|shard| shard.close());
    }
}

/// Encodes what the log has committed, once, and hands it to every shard.
struct FanOut(Vec<Arc<Inbox>>);

impl Follower for FanOut {
    fn committed(&self, entries: &[Arc<Entry>]) {
        let batch = Arc::new(Batch::encode(entries));
        self.0.iter().for_each(|shard| shard.commit(&batch));
    }
}

impl Hub {
    /// Starts a hub over a log, within a Tokio runtime, on which it reads history.
    ///
    /// # Errors
    /// When a thread cannot be started, or there is no runtime.
    pub fn start(log: Arc<dyn Log>, settings: Settings) -> std::io::Result<Self> {
        let runtime = tokio::runtime::Handle::try_current().map_err(std::io::Error::other)?;
        let shards: Vec<_> =
            (0..settings.shards.get()).map(|_| Arc::new(Inbox::new(settings.shard.inbox_bytes))).collect();
        let shared = Shared {
            log,
            settings: Arc::new(settings),
            stats: Arc::default(),
            registry: Arc::default(),
            runtime,
        };
        let position = shared.log.follow(Arc::new(FanOut(shards.clone())));
        // Made first: if one of the threads cannot be started, dropping it ends the others.
        let hub = Self(Arc::new(Inner {
            shared,
            shards,
            next_subscriber: AtomicU64::new(0),
            draining: AtomicBool::new(false),
            drain_window_ms: AtomicU64::new(0),
        }));
        for (number, inbox) in hub.0.shards.iter().enumerate() {
            let (shared, inbox) = (hub.0.shared.clone(), inbox.clone());
            let thread = std::thread::Builder::new().name(format!("tidings-shard-{number}"));
            thread.spawn(move || shard::run(shared, inbox, position))?;
        }
        Ok(hub)
    }

    /// Publishes one event and waits until the log has it. Dropping the future does not take the event back.
    ///
    /// # Errors
    /// When the publication breaks a rule, or the log cannot accept it.
    pub async fn publish(&self, publication: Publication) -> Result<Receipt, PublishError> {
        let mut receipts = self.publish_all(vec![publication]).await?;
        receipts.pop().ok_or_else(|| AppendError::Closed.into())
    }

    /// Publishes a batch, all or none, in its order. Dropping the future does not take the events back.
    ///
    /// # Errors
    /// When one of the publications breaks a rule, or the log cannot accept them.
    pub async fn publish_all(&self, batch: Vec<Publication>) -> Result<Vec<Receipt>, PublishError> {
        for (index, publication) in batch.iter().enumerate() {
            publication.check().map_err(|reason| PublishError::Invalid { index, reason })?;
        }
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<_> = batch.iter().map(|publication| publication.id.clone()).collect();
        let appended = self.0.shared.log.append(batch).await?;
        let duplicates = appended.iter().filter(|one| one.duplicate).count() as u64;
        let stats = &self.0.shared.stats;
        stats.published.fetch_add(appended.len() as u64 - duplicates, Relaxed);
        stats.duplicates.fetch_add(duplicates, Relaxed);
        let receipts = ids.into_iter().zip(appended).map(|(id, appended)| Receipt {
            id: id.map_or_else(|| appended.position.to_string(), String::from),
            position: appended.position,
            duplicate: appended.duplicate,
        });
        Ok(receipts.collect())
    }

    /// Begins a subscription. What is published once this returns, is delivered; so is all that [`Start`] asks for.
    /// Dropping the future gives the subscription up.
    ///
    /// # Errors
    /// When the subscription breaks a limit, the hub is full or stopping, or the log cannot be read.
    pub async fn subscribe(&self, subscription: Subscription) -> Result<Subscriber, SubscribeError> {
        let id = self.0.next_subscriber.fetch_add(1, Relaxed);
        let shard = self.0.shards[id as usize % self.0.shards.len()].clone();
        let (sink, reader) = pipe(self.0.shared.settings.subscriber_bytes, id, shard.clone());
        // From here on, dropping the reader (this future's, too) ends the subscription.
        let reader = Subscriber(reader);
        self.attach(subscription, id, &shard, Box::new(sink)).await?;
        Ok(reader)
    }

    /// Gives a sink to a shard.
    async fn attach(
        &self,
        subscription: Subscription,
        id: SubscriberId,
        shard: &Inbox,
        sink: Box<dyn Sink>,
    ) -> Result<(), SubscribeError> {
        let Shared { log, settings, stats, registry, .. } = &self.0.shared;
        let Subscription { selection, start, prelude } = subscription;
        if selection.is_empty() {
            return Err(SubscribeError::Empty);
        }
        let (asked, limit) = (selection.topics().len() + selection.patterns().len(), settings.max_selectors);
        if asked > limit {
            stats.refused_selectors.fetch_add(1, Relaxed);
            return Err(SubscribeError::TooManySelectors { asked, limit });
        }
        self.check_draining()?;
        let room = stats
            .subscribers
            .fetch_update(SeqCst, SeqCst, |now| (now < settings.max_subscribers).then_some(now + 1));
        if room.is_err() {
            stats.refused_full.fetch_add(1, Relaxed);
            return Err(SubscribeError::Full);
        }
        let mut place = Place { shared: &self.0.shared, selection: registry.enter(selection), kept: false };
        let selection = place.selection.clone();
        // The comment makes the stream's first bytes leave at once, so that nothing in between waits for more.
        let mut prelude = vec![HEARTBEAT, prelude];
        let (cursor, kept_to) = match start {
            Start::Live => {
                let status = log.status();
                prelude.push(control::cursor(status.last));
                (status.next, 0)
            }
            Start::Earliest => (0, log.status().next),
            Start::Newest(count) => {
                let before = log.status();
                let cursor = log.newest(selection.clone(), count).await?;
                if cursor >= before.next {
                    // Nothing of it is kept: it begins like a live one.
                    prelude.push(control::cursor(before.last));
                }
                (cursor, log.status().next)
            }
            Start::After(id) => {
                let reason = match log.find(id).await? {
                    Lookup::After(offset) => Ok(offset),
                    Lookup::Expired => Err(ResetReason::Expired),
                    Lookup::Unknown => Err(ResetReason::Unknown),
                };
                match reason {
                    Ok(offset) => (offset, 0),
                    Err(reason) => {
                        let status = log.status();
                        stats.reset(reason);
                        prelude.push(reset(reason, status.oldest_id.as_deref()));
                        (0, status.next)
                    }
                }
            }
        };
        stats.subscribed.fetch_add(1, Relaxed);
        place.kept = true;
        shard.send(Command::Join(Join { id, selection, cursor, kept_to, prelude, sink }));
        // A drain that began meanwhile has passed this shard already, or comes after the join: either way it ends.
        if self.check_draining().is_err() {
            shard.send(Command::Drain(Duration::from_millis(self.0.drain_window_ms.load(SeqCst))));
        }
        Ok(())
    }

    fn check_draining(&self) -> Result<(), SubscribeError> {
        if !self.0.draining.load(SeqCst) {
            return Ok(());
        }
        let window = Duration::from_millis(self.0.drain_window_ms.load(SeqCst));
        Err(SubscribeError::Draining { retry_ms: drain_retry_ms(window) })
    }

    /// Tells every subscriber to come back, half a second and a random part of `window` later, ends their streams, and
    /// accepts no more. Publishing goes on.
    pub fn drain(&self, window: Duration) {
        let ms = u64::try_from(window.as_millis()).unwrap_or(u64::MAX);
        self.0.drain_window_ms.store(ms, SeqCst);
        self.0.draining.store(true, SeqCst);
        self.0.shards.iter().for_each(|shard| shard.send(Command::Drain(window)));
    }

    /// Whether [`Hub::drain`] has been called.
    pub fn is_draining(&self) -> bool {
        self.0.draining.load(SeqCst)
    }

    /// The topics that are alive and that the selection matches, by name, from behind `after`, at most `limit`.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn topics(
        &self,
        selection: Selection,
        after: Option<Topic>,
        limit: usize,
    ) -> Result<Vec<LiveTopic>, ReadError> {
        let Shared { log, registry, .. } = &self.0.shared;
        let selection = Arc::new(selection);
        let kept = log.topics(selection.clone(), after.clone(), limit).await?;
        let heard = registry.topics(&selection, after.as_ref(), limit);
        let live = merge(kept, heard, limit);
        let counts = registry.count(live.iter().map(|one| &one.topic));
        Ok(live.into_iter().zip(counts).map(|(one, subscribers)| LiveTopic { subscribers, ..one }).collect())
    }

    /// The hub's counters and gauges.
    pub fn stats(&self) -> HubStats {
        self.0.shared.stats.read()
    }

    /// The log behind the hub.
    pub fn log(&self) -> &Arc<dyn Log> {
        &self.0.shared.log
    }

    /// The hub's settings.
    pub fn settings(&self) -> &Settings {
        &self.0.shared.settings
    }
}

/// A subscriber that is counted; given back when its shard does not get it, because a look-up failed or was abandoned.
struct Place<'a> {
    shared: &'a Shared,
    selection: Arc<Selection>,
    kept: bool,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if !self.kept {
            self.shared.stats.subscribers.fetch_sub(1, Relaxed);
            self.shared.registry.leave(&self.selection);
        }
    }
}

/// Merges two sorted lists of topics, without counts of subscribers.
fn merge(kept: Vec<TopicSummary>, heard: Vec<Topic>, limit: usize) -> Vec<LiveTopic> {
    let mut live: Vec<LiveTopic> = kept
        .into_iter()
        .map(|TopicSummary { topic, events, last_id }| LiveTopic {
            topic,
            subscribers: 0,
            events,
            last_id: Some(last_id),
        })
        .collect();
    let silent: Vec<_> = heard
        .into_iter()
        .filter(|topic| live.binary_search_by(|one| one.topic.cmp(topic)).is_err())
        .map(|topic| LiveTopic { topic, subscribers: 0, events: 0, last_id: None })
        .collect();
    live.extend(silent);
    live.sort_unstable_by(|a, b| a.topic.cmp(&b.topic));
    live.truncate(limit);
    live
}

/// A subscription's first bytes, for a stream that ends at once: a comment and the time to come back.
pub fn come_back(retry_ms: u64) -> Bytes {
    [HEARTBEAT, control::retry(retry_ms)].concat().into()
}
