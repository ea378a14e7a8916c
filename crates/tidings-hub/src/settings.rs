//! What can be set about a hub.

use std::{num::NonZeroUsize, time::Duration};

use crate::{
    publication::{InvalidPublication, MAX_EVENT_TYPE_BYTES, MAX_ID_BYTES, Publication},
    topic::MAX_TOPIC_BYTES,
};

/// Settings of a [`Hub`](crate::Hub). The defaults suit a server with thousands of subscribers.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How many shards, each a thread, share the fan-out. Default: one per core.
    pub shards: NonZeroUsize,
    /// After how long a silence a subscriber is sent a comment, so that nothing in between takes the connection for
    /// dead. Default: 15 s, which every proxy's usual limit allows.
    pub heartbeat: Duration,
    /// How long a subscriber may take nothing, with something to take, before it is dropped. Default: 60 s.
    pub stall: Duration,
    /// How long before its rights end a subscriber is told, with a `tidings.close` event. Default: 10 s.
    pub expiry_notice: Duration,
    /// How many bytes wait at most between a shard and one subscriber's connection, at least 1. Default: 32 KiB.
    pub subscriber_bytes: usize,
    /// How many bytes of history are read at a time for a subscriber who is behind, counted as the log does: data, ids
    /// and types. On the wire there are the fields' names besides, once an event and once a line of data. Default:
    /// 32 KiB. Together with `subscriber_bytes` and one event this bounds the memory of a slow subscriber.
    pub page_bytes: usize,
    /// How many subscribers there may be at once. Default: 100,000.
    pub max_subscribers: u64,
    /// How many selectors one subscription may have. Default: 1000.
    pub max_selectors: usize,
    /// How many of them may be patterns, templates and URL patterns. Default: 1000.
    pub max_patterns: usize,
    /// How long the texts of a publication may be. Default: as long as the format has it.
    pub lengths: Lengths,
    /// What a shard holds and does at a time. The defaults need no change; tests make them small.
    pub shard: ShardLimits,
}

/// How long the texts of a publication may be, in bytes. More than the format has does not go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lengths {
    /// A topic's name. The hub's own topics are exempt, into which it writes what others named.
    pub topic: usize,
    /// The event's type.
    pub event: usize,
    /// The publisher's id.
    pub id: usize,
}

/// What [`Lengths`] are about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Length {
    /// [`Lengths::topic`].
    #[default]
    Topic,
    /// [`Lengths::event`].
    Event,
    /// [`Lengths::id`].
    Id,
}

impl Length {
    /// All, in the order of the counters.
    pub const ALL: [Self; 3] = [Self::Topic, Self::Event, Self::Id];

    /// The setting's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Topic => "topic_length",
            Self::Event => "event_length",
            Self::Id => "id_length",
        }
    }
}

impl Default for Lengths {
    fn default() -> Self {
        Self { topic: MAX_TOPIC_BYTES, event: MAX_EVENT_TYPE_BYTES, id: MAX_ID_BYTES }
    }
}

impl Lengths {
    /// Whether a publication is within them.
    pub(crate) fn check(&self, publication: &Publication) -> Result<(), InvalidPublication> {
        let within = |what, length: usize, limit| match length > limit {
            true => Err(InvalidPublication::TooLong { what, length, limit }),
            false => Ok(()),
        };
        let is_long = |topic: &&crate::Topic| topic.as_str().len() > self.topic && !topic.is_reserved();
        if let Some(topic) = publication.topics.iter().find(is_long) {
            within(Length::Topic, topic.as_str().len(), self.topic)?;
        }
        within(Length::Event, publication.event.as_deref().unwrap_or_default().len(), self.event)?;
        within(Length::Id, publication.id.as_deref().unwrap_or_default().len(), self.id)
    }
}

/// What a shard holds in memory, and how the log is read for those who are behind.
#[derive(Clone, Debug)]
pub struct ShardLimits {
    /// How far back, in events, catching up goes without reading the log: about what arrives while a page is read.
    /// Each one is matched against the subscriber's selection, so it is not worth more. Default: 4096.
    pub recent_events: usize,
    /// The same in wire bytes, shared by all shards. Default: 4 MiB.
    pub recent_bytes: usize,
    /// How many wire bytes may wait for a shard before it is told to read them from the log instead. Default: 64 MiB.
    pub inbox_bytes: usize,
    /// Reads of the log under way at once, for all shards together; the others wait. Bounds the memory of a reconnect
    /// storm. Default: 32.
    pub reads: NonZeroUsize,
    /// Wire bytes of pages that are kept for others who want the same, for all shards together. Default: 8 MiB.
    pub replay_bytes: usize,
    /// Entries in one page of replay at most. Default: 1024.
    pub page_entries: NonZeroUsize,
}

impl Default for ShardLimits {
    fn default() -> Self {
        const READS: NonZeroUsize = NonZeroUsize::new(32).unwrap();
        const PAGE_ENTRIES: NonZeroUsize = NonZeroUsize::new(1024).unwrap();
        Self {
            recent_events: 4096,
            recent_bytes: 4 << 20,
            inbox_bytes: 64 << 20,
            reads: READS,
            replay_bytes: 8 << 20,
            page_entries: PAGE_ENTRIES,
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            shards: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            heartbeat: Duration::from_secs(15),
            stall: Duration::from_secs(60),
            expiry_notice: Duration::from_secs(10),
            subscriber_bytes: 32 * 1024,
            page_bytes: 32 * 1024,
            max_subscribers: 100_000,
            max_selectors: 1000,
            max_patterns: 1000,
            lengths: Lengths::default(),
            shard: ShardLimits::default(),
        }
    }
}
