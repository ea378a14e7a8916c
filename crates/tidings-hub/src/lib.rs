//! The heart of Tidings: topics, selectors, the [`Log`] trait, publish, replay and the fan-out.
//!
//! No HTTP and no storage are in it. Fronts and sources publish and subscribe through a [`Hub`]; a [`Log`] behind it
//! decides the order and keeps the history. A Rust program embeds the hub through this crate and an engine of
//! `tidings-log`.
//!
//! The way of an event: [`Hub::publish`] checks it and hands it to the log; the log makes it durable, answers the
//! publisher, and tells the hub's follower; the follower encodes it once and hands the bytes to every shard; each shard
//! writes them to its own subscribers.
//!
//! ```
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//! use tidings_hub::{Hub, Publication, Selection, Settings, Start, Subscription, Topic};
//! use tidings_log::{Memory, Retention};
//!
//! let log = Arc::new(Memory::new(Retention::default())?);
//! let hub = Hub::start(log, Settings::default())?;
//! let topic = Topic::new("orders")?;
//! let receipt = hub.publish(Publication::new(topic.clone(), "the first")).await?;
//!
//! // The bytes of the stream are what a browser's `EventSource` reads.
//! let selection = Selection::topic(topic);
//! let mut stream = hub.subscribe(Subscription::new(selection, Start::Earliest)).await?;
//! let expected = format!(":\nid: {}\ndata: the first\n\n", receipt.id);
//! let mut received = Vec::new();
//! while received.len() < expected.len() {
//!     received.extend(stream.next().await.ok_or("the hub is there, so the stream is")?);
//! }
//! assert_eq!(received, expected.as_bytes());
//! # Ok(())
//! # }
//! ```

mod accept;
mod batch;
mod change;
pub mod channel;
mod control;
mod front;
mod histogram;
mod hub;
mod log;
mod manner;
mod naming;
mod newest;
mod pipe;
mod position;
mod publication;
mod registry;
mod replay;
mod rights;
mod selector;
mod settings;
mod shard;
mod sink;
mod slim;
mod socket;
mod stats;
mod subscription;
mod topic;
mod topic_map;

pub use accept::Accepted;
pub use change::{Change, Handle};
pub use control::ResetReason;
pub use front::Front;
pub use histogram::{Distribution, Histogram, Scale};
pub use hub::{Hub, LiveTopic, PublishError, Receipt, come_back};
pub use log::{
    AppendError, Appended, BoxFuture, Entry, Follower, Log, LogFigures, LogStatus, Lookup, Page, ReadError,
    ReadLimit, TopicSummary,
};
pub use naming::Naming;
pub use position::{Epoch, NotAPosition, Position};
pub use publication::{
    CONTROL_PREFIX, EARLIEST, InvalidPublication, MAX_EVENT_TYPE_BYTES, MAX_ID_BYTES, MAX_RETRY_MS,
    MAX_SOCKET_BYTES, MAX_TOPICS_PER_EVENT, Publication, RESERVED_IDS,
};
pub use rights::{ReadRights, Rights};
pub use selector::{
    MAX_SELECTOR_BYTES, Matcher, Pattern, Selection, Selector, SelectorError, UriTemplate, UrlBase,
    UrlPattern,
};
pub use settings::{Length, Lengths, Settings, ShardLimits};
#[doc(hidden)]
pub use shard::sorter;
pub use socket::Socket;
pub use stats::{EndReason, HubStats, StreamState, Waiting};
pub use subscription::{
    Bearer, Companion, Ended, Opening, Standing, Start, SubscribeError, Subscriber, Subscription, Unknown,
};
pub use topic::{MAX_TOPIC_BYTES, Topic, TopicError};
