//! The hub: publish and subscribe over one log.

use std::{
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use bytes::Bytes;

use crate::{
    accept::{Accepted, check_size},
    batch::Batch,
    channel::is_private,
    control::{self, HEARTBEAT},
    front::Front,
    log::{AppendError, Entry, Follower, Log, ReadError, ReadLimit, TopicSummary},
    naming::Naming,
    position::Position,
    publication::{InvalidPublication, Publication},
    replay::Replays,
    selector::Selection,
    settings::Settings,
    shard::{self, Closer, Command, Inbox, Pace, Shared, SubscriberId},
    stats::{HubStats, Published, Stats},
    subscription::{Bearer, SubscribeError, Subscriber, Subscription},
    topic::Topic,
};

/// How long a drain takes at most for each subscriber: a hub with a handful of them should stop at once.
const DRAIN_EACH: Duration = Duration::from_millis(5);

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
    /// How many subscribers an event published to it reaches; a private one, if it is a channel whose name [says
    /// that](crate::channel::is_private).
    pub subscribers: u64,
    /// How many of its events are kept.
    pub events: u64,
    /// The id of the newest of them.
    pub last_id: Option<String>,
}

/// The hub. Cloning is cheap; all clones are the same hub, which ends with the last of them. Each counts what comes
/// through it as [its front](Hub::via)'s.
#[derive(Clone, Debug)]
pub struct Hub(Arc<Inner>, Front);

/// What all clones share.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) shared: Shared,
    pub(crate) shards: Vec<Arc<Inbox>>,
    pub(crate) next_subscriber: AtomicU64,
    draining: AtomicBool,
    drain_window_ms: AtomicU64,
}

impl Inner {
    /// The shard that has the subscriber of this number.
    pub(crate) fn shard_of(&self, subscriber: SubscriberId) -> &Arc<Inbox> {
        &self.shards[subscriber as usize % self.shards.len()]
    }

    /// In which time those are to come back that a draining hub sends away; `None` when it is not draining.
    pub(crate) fn drain_window(&self) -> Option<Duration> {
        self.draining.load(SeqCst).then(|| Duration::from_millis(self.drain_window_ms.load(SeqCst)))
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.shards.iter().for_each(|shard| shard.close());
    }
}

/// Encodes what the log has committed, once, and hands it to every shard.
struct FanOut(Vec<Arc<Inbox>>);

impl Follower for FanOut {
    fn committed(&self, entries: &[Arc<Entry>], since: Instant) {
        let batch = Arc::new(Batch::encode(entries, since));
        self.0.iter().for_each(|shard| shard.commit(&batch));
    }
}

impl Hub {
    /// Starts a hub over a log, within a Tokio runtime, on which it reads history.
    ///
    /// # Errors
    /// When a thread or its poll cannot be started, or there is no runtime.
    pub fn start(log: Arc<dyn Log>, settings: Settings) -> std::io::Result<Self> {
        let runtime = tokio::runtime::Handle::try_current().map_err(std::io::Error::other)?;
        let shards = (0..settings.shards.get()).map(|_| Inbox::new(settings.shard.inbox_bytes));
        let (shards, polls): (Vec<_>, Vec<_>) =
            shards.collect::<std::io::Result<Vec<_>>>()?.into_iter().unzip();
        let stats = Arc::new(Stats::new(settings.shards));
        let replays = Replays::new(log.clone(), runtime, Arc::clone(&stats), &settings);
        let shared = Shared {
            log,
            settings: Arc::new(ArcSwap::from_pointee(settings)),
            stats,
            registry: Arc::default(),
            replays: Arc::new(replays),
        };
        let position = shared.log.follow(Arc::new(FanOut(shards.clone())));
        // Made first: if one of the threads cannot be started, dropping it ends the others.
        let hub = Self(
            Arc::new(Inner {
                shared,
                shards,
                next_subscriber: AtomicU64::new(0),
                draining: AtomicBool::new(false),
                drain_window_ms: AtomicU64::new(0),
            }),
            Front::default(),
        );
        for (number, (inbox, poll)) in hub.0.shards.iter().zip(polls).enumerate() {
            let (shared, inbox) = (hub.0.shared.clone(), inbox.clone());
            let thread = std::thread::Builder::new().name(format!("tidings-shard-{number}"));
            thread.spawn(move || shard::run(shared, number, inbox, poll, position))?;
        }
        Ok(hub)
    }

    /// The same hub, for what comes by this way: so the counters tell it apart.
    pub fn via(&self, front: Front) -> Self {
        Self(self.0.clone(), front)
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
    /// What is published to a channel whose name says that it needs a right ([`is_private`]) is private, whoever publishes it.
    ///
    /// # Errors
    /// When one of the publications breaks a rule, or the log cannot accept them.
    pub async fn publish_all(&self, mut batch: Vec<Publication>) -> Result<Vec<Receipt>, PublishError> {
        let since = Instant::now();
        for (index, publication) in batch.iter().enumerate() {
            let refused = |reason| PublishError::Invalid { index, reason };
            publication.check().map_err(refused)?;
            let lengths = self.0.shared.settings.load().lengths.check(publication);
            lengths.inspect_err(|reason| self.0.shared.stats.refused_length(reason)).map_err(refused)?;
        }
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        for publication in &mut batch {
            publication.private |= publication.topics.iter().any(|topic| is_private(topic.as_str()));
        }
        let bytes = batch.iter().map(|publication| publication.data.len() as u64).sum();
        let ids: Vec<_> = batch.iter().map(|publication| publication.id.clone()).collect();
        let appended = self.0.shared.log.append(batch).await?;
        let duplicates = appended.iter().filter(|one| one.duplicate).count() as u64;
        self.0.shared.stats.publishing.count(&Published {
            front: self.1,
            events: appended.len() as u64 - duplicates,
            duplicates,
            bytes,
            time: since.elapsed(),
        });
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
    /// [`Start`]: crate::Start
    ///
    /// # Errors
    /// When the subscription breaks a limit, the hub is full or stopping, or the log cannot be read.
    pub async fn subscribe(&self, subscription: Subscription) -> Result<Subscriber, SubscribeError> {
        Ok(self.accept(subscription).await?.stream())
    }

    /// As [`Hub::subscribe`], up to where it must be known what the stream is written to. The place is held until the
    /// answer is used or dropped.
    ///
    /// # Errors
    /// As [`Hub::subscribe`].
    pub async fn accept(&self, subscription: Subscription) -> Result<Accepted, SubscribeError> {
        Accepted::new(self.0.clone(), self.1, subscription).await
    }

    /// Whether so much may be asked for by one subscription: for those who look something up by what is asked for before
    /// they begin it. [`Hub::accept`] asks, too.
    ///
    /// # Errors
    /// When it is nothing, or too much.
    pub fn check_size(&self, selection: &Selection) -> Result<(), SubscribeError> {
        check_size(&self.0.shared, selection)
    }

    /// Tells every subscriber to come back, half a second and a random part of `window` later, ends their streams, and
    /// accepts no more. Publishing goes on. What was acknowledged before reaches those who are told by a
    /// [farewell](Subscription::farewell) that there is no more; the others find it when they come back.
    pub fn drain(&self, window: Duration) {
        self.drain_over(Duration::ZERO, window);
    }

    /// As [`Hub::drain`], but the streams end one after the other, and the last after `over`, or sooner if they are so few
    /// that nobody minds when they all come back. Until its turn comes a stream goes on as before.
    pub fn drain_over(&self, over: Duration, window: Duration) {
        let subscribers = u32::try_from(self.stats().subscribers).unwrap_or(u32::MAX);
        let over = over.min(DRAIN_EACH.saturating_mul(subscribers));
        let ms = u64::try_from(window.as_millis()).unwrap_or(u64::MAX);
        self.0.drain_window_ms.store(ms, SeqCst);
        self.0.draining.store(true, SeqCst);
        self.0.shards.iter().for_each(|shard| shard.send(Command::Drain(Pace { over, window })));
    }

    /// Ends every stream that is left of a drain, now: what its subscriber has not taken it will not get.
    pub fn cut_off(&self) {
        self.0.shards.iter().for_each(|shard| shard.send(Command::CutOff));
    }

    /// Ends the streams of those whom `is_closed` means, with a `tidings.close` event, and from now on of everyone whom it
    /// means when a subscription begins. It takes the place of the one given before; it is asked on the shards' threads
    /// and must not block.
    pub fn close(&self, is_closed: Arc<dyn Fn(&Bearer) -> bool + Send + Sync>) {
        let closer = Closer(is_closed);
        self.0.shards.iter().for_each(|shard| shard.send(Command::Close(closer.clone())));
    }

    /// As [`Hub::close`], of those who are here now alone: who comes in later is not meant.
    pub fn disconnect(&self, is_meant: Arc<dyn Fn(&Bearer) -> bool + Send + Sync>) {
        let closer = Closer(is_meant);
        self.0.shards.iter().for_each(|shard| shard.send(Command::Disconnect(closer.clone())));
    }

    /// The newest event of a topic that is kept.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn newest(&self, topic: &Topic) -> Result<Option<Arc<Entry>>, ReadError> {
        let (log, selection) = (self.log(), Arc::new(Selection::topic(topic.clone())));
        let from = log.newest(selection.clone(), 1).await?;
        let limit = ReadLimit { entries: NonZeroUsize::MIN, bytes: usize::MAX };
        Ok(log.read(from, selection, limit).await?.entries.pop())
    }

    /// Whether a part of the fan-out has died, so that some subscribers get nothing: only a restart helps.
    pub fn has_failed(&self) -> bool {
        self.0.shards.iter().any(|shard| shard.is_closed())
    }

    /// Whether [`Hub::drain`] has been called.
    pub fn is_draining(&self) -> bool {
        self.0.drain_window().is_some()
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
        self.0.shared.stats.read(&self.0.shards)
    }

    /// The log behind the hub.
    pub fn log(&self) -> &Arc<dyn Log> {
        &self.0.shared.log
    }

    /// The hub's settings.
    pub fn settings(&self) -> Arc<Settings> {
        self.0.shared.settings.load_full()
    }

    /// Goes by other settings from now on, subscribers who are here included. The number of shards,
    /// [`Settings::page_bytes`] and [`Settings::shard`] stay what they were.
    pub fn set(&self, settings: Settings) {
        let now = self.settings();
        let (shards, page_bytes, shard) = (now.shards, now.page_bytes, now.shard.clone());
        self.0.shared.settings.store(Arc::new(Settings { shards, page_bytes, shard, ..settings }));
        self.0.shards.iter().for_each(|shard| shard.send(Command::Retime));
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

/// A subscription's first bytes, for a stream that ends at once: a comment and the time to come back, in the form for
/// clients of streams with this naming.
pub fn come_back(retry_ms: u64, naming: &Naming) -> Bytes {
    [HEARTBEAT, control::retry(retry_ms, naming)].concat().into()
}
