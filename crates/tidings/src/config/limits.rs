//! `[limits]`: what nobody can exceed.

use std::time::Duration;

use tidings_hub::Settings;

use super::{section::Section, value};

/// The smallest head that hyper can be limited to.
const MIN_HEAD: usize = 8 * 1024;

/// `[limits]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Limits {
    /// The longest request body, in bytes. Default: 1 MiB.
    pub(crate) body: usize,
    /// How long a request's body may take to arrive. Default: 30 s.
    pub(crate) body_time: Duration,
    /// The longest request head (request line and headers), in bytes, at least 8 KiB. Default: 64 KiB.
    pub(crate) head: usize,
    /// How long a request's head may take to arrive. Default: 10 s.
    pub(crate) head_time: Duration,
    /// How many connections there may be at once. Default: 100,000.
    pub(crate) connections: usize,
    /// How many of them may come from one address; loopback addresses are exempt, because a proxy on this machine
    /// brings everybody's. Default: 10,000.
    pub(crate) connections_per_address: usize,
    /// How many topics and patterns one subscription may name. Default: 1000.
    pub(crate) topics_per_subscription: usize,
    /// How many bytes wait at most for one subscriber's connection. Default: 32 KiB.
    pub(crate) subscriber_bytes: usize,
    /// How many bytes of history are read at a time for a subscriber who is behind. Default: 32 KiB.
    pub(crate) page_bytes: usize,
    /// How long a subscriber may take nothing, with something to take, before it is dropped. Default: 60 s.
    pub(crate) stall: Duration,
    /// How many bytes the system holds at most for one connection that takes nothing. Default: 256 KiB.
    pub(crate) send_buffer: usize,
}

impl Default for Limits {
    fn default() -> Self {
        let hub = Settings::default();
        Self {
            body: 1 << 20,
            body_time: Duration::from_secs(30),
            head: 64 << 10,
            head_time: Duration::from_secs(10),
            connections: 100_000,
            connections_per_address: 10_000,
            topics_per_subscription: hub.max_selectors,
            subscriber_bytes: hub.subscriber_bytes,
            page_bytes: hub.page_bytes,
            stall: hub.stall,
            send_buffer: 256 << 10,
        }
    }
}

impl Limits {
    pub(super) fn read(section: &mut Section<'_, '_>) -> Self {
        let default = Self::default();
        let head = |given: &value::Given<'_>| match value::memory(given)? {
            head if head < MIN_HEAD => Err(format!("{head} bytes are too few: at least 8KiB are needed")),
            head => Ok(head),
        };
        Self {
            body: section.read("body", value::memory).unwrap_or(default.body),
            body_time: section.read("body_time", value::duration).unwrap_or(default.body_time),
            head: section.read("head", head).unwrap_or(default.head),
            head_time: section.read("head_time", value::duration).unwrap_or(default.head_time),
            connections: section.read("connections", value::length).unwrap_or(default.connections),
            connections_per_address: section
                .read("connections_per_address", value::length)
                .unwrap_or(default.connections_per_address),
            topics_per_subscription: section
                .read("topics_per_subscription", value::length)
                .unwrap_or(default.topics_per_subscription),
            subscriber_bytes: section
                .read("subscriber_bytes", value::memory)
                .unwrap_or(default.subscriber_bytes),
            page_bytes: section.read("page_bytes", value::memory).unwrap_or(default.page_bytes),
            stall: section.read("stall", value::duration).unwrap_or(default.stall),
            send_buffer: section.read("send_buffer", value::memory).unwrap_or(default.send_buffer),
        }
    }
}
