//! The heart of Tidings: topics, selectors, the [`Log`] trait, publish, replay and the fan-out.
//!
//! No HTTP and no storage are in it. Fronts and sources publish and subscribe through a [`Hub`]; a [`Log`] behind it
//! decides the order and keeps the history.

mod hub;
mod log;
mod position;
mod publication;
mod selector;
mod topic;

pub use hub::{Hub, PublishError, Receipt};
pub use log::{
    AppendError, Appended, BoxFuture, Entry, Follower, Log, LogStatus, Lookup, Page, ReadError, ReadLimit,
    TopicSummary,
};
pub use position::{Epoch, NotAPosition, Position};
pub use publication::{
    CONTROL_PREFIX, InvalidPublication, MAX_EVENT_TYPE_BYTES, MAX_ID_BYTES, MAX_RETRY_MS, MAX_TOPICS_PER_EVENT,
    Publication, RESERVED_IDS,
};
pub use selector::{Pattern, Selection, Selector};
pub use topic::{MAX_TOPIC_BYTES, Topic, TopicError};
