//! `[stream]`: how streams are kept alive and ended.

use std::time::Duration;

use tidings_hub::{MAX_RETRY_MS, Settings};

use super::{mercure_env::Reference, section::Section, value};

/// `[stream]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stream {
    /// After how long a silence a subscriber is sent a comment. Default: 15 s.
    pub(crate) heartbeat: Duration,
    /// The reconnection time that each stream begins with, in whole milliseconds. Default: none, the browser's own.
    pub(crate) retry: Option<Duration>,
    /// How long a stream lasts at most; the subscriber comes back by itself. Default: without end.
    pub(crate) lifetime: Option<Duration>,
    /// Over how long a time the subscribers of a hub that shuts down are told to come back, so that they do not come
    /// all at once. Default: 5 s.
    pub(crate) drain_window: Duration,
    /// How long a shutdown may take before what is left is cut off. Default: 10 s.
    pub(crate) drain_time: Duration,
    /// Whether the fan-out itself writes the streams of plain HTTP/1.1 connections. Default: yes.
    pub(crate) hand_over: bool,
}

impl Default for Stream {
    fn default() -> Self {
        Self {
            heartbeat: Settings::default().heartbeat,
            retry: None,
            lifetime: None,
            drain_window: Duration::from_secs(5),
            drain_time: Duration::from_secs(10),
            hand_over: true,
        }
    }
}

impl Stream {
    pub(super) fn read(section: &mut Section<'_, '_>, reference: &Reference) -> Self {
        let default = Self::default();
        let retry = |given: &value::Given<'_>| {
            let retry = value::duration(given)?;
            if !retry.subsec_nanos().is_multiple_of(1_000_000) {
                return Err(
                    "it is not a whole number of milliseconds, as the stream's format has it".to_owned()
                );
            }
            match retry > Duration::from_millis(MAX_RETRY_MS) {
                true => Err("it is longer than a day, in which browsers would seem dead".to_owned()),
                false => Ok(retry),
            }
        };
        Self {
            heartbeat: section
                .read("heartbeat", value::duration)
                .or(reference.heartbeat)
                .unwrap_or(default.heartbeat),
            retry: section.read("retry", retry),
            lifetime: section.read("lifetime", value::duration).or(reference.lifetime),
            drain_window: section
                .read("drain_window", value::duration_or_none)
                .unwrap_or(default.drain_window),
            drain_time: section.read("drain_time", value::duration).unwrap_or(default.drain_time),
            hand_over: section.read("hand_over", value::boolean).unwrap_or(default.hand_over),
        }
    }
}
