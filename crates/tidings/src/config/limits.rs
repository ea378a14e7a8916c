//! `[limits]`: what nobody can exceed.

use std::{num::NonZeroU32, time::Duration};

use tidings_http::QuotaSettings;
use tidings_hub::{Lengths, Settings};

use super::{
    keys,
    section::Section,
    value::{self, Given, Parsed},
};

/// The smallest head that hyper can be limited to.
const MIN_HEAD: usize = 8 * 1024;

/// How much memory the program may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Memory {
    /// A share, in percent, of what the machine or its control group has.
    Share(u8),
    /// So many bytes.
    Bytes(u64),
}

impl Default for Memory {
    fn default() -> Self {
        Self::Share(75)
    }
}

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
    /// How many requests there may be at once on one HTTP/2 connection. Default: 250.
    pub(crate) streams_per_connection: u32,
    /// How many connections there may be at once. Default: 100,000.
    pub(crate) connections: usize,
    /// How many of them may come from one address; loopback addresses are exempt, because a proxy on this machine
    /// brings everybody's. Default: 10,000.
    pub(crate) connections_per_address: usize,
    /// How many streams one address may have at once; over HTTP/2 one connection has many. Default: 10,000.
    pub(crate) streams_per_address: usize,
    /// How many streams one user may have at once. Default: 10,000.
    pub(crate) streams_per_user: usize,
    /// How many publications a second one address may send. Default: 10,000.
    pub(crate) publish_rate: NonZeroU32,
    /// How many requests a second one address may send whose key or token is bad. Default: 10.
    pub(crate) auth_failures: NonZeroU32,
    /// How many bytes of request bodies may be there at once. Default: 256 MiB.
    pub(crate) bodies: usize,
    /// How much memory the program may have before nobody new is let in. Default: 75 %.
    pub(crate) memory: Memory,
    /// How many topics and patterns one subscription may name. Default: 1000.
    pub(crate) topics_per_subscription: usize,
    /// How many of them may be patterns. Default: 1000.
    pub(crate) patterns_per_subscription: usize,
    /// How long topics, event types and publishers' ids may be. Default: as long as the format has it.
    pub(crate) lengths: Lengths,
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
        let quota = QuotaSettings::default();
        Self {
            body: 1 << 20,
            body_time: Duration::from_secs(30),
            head: 64 << 10,
            head_time: Duration::from_secs(10),
            streams_per_connection: 250,
            connections: 100_000,
            connections_per_address: 10_000,
            streams_per_address: quota.streams_per_address as usize,
            streams_per_user: quota.streams_per_user as usize,
            publish_rate: quota.publish_rate,
            auth_failures: quota.auth_failures,
            bodies: quota.bodies,
            memory: Memory::default(),
            topics_per_subscription: hub.max_selectors,
            patterns_per_subscription: hub.max_patterns,
            lengths: hub.lengths,
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
        let streams = |given: &value::Given<'_>| {
            let streams = value::length(given)?;
            u32::try_from(streams).map_err(|_| format!("{streams} are more than HTTP/2 can count"))
        };
        let limits = Self {
            body: section.read("body", value::memory).unwrap_or(default.body),
            body_time: section.read("body_time", value::duration).unwrap_or(default.body_time),
            head: section.read("head", head).unwrap_or(default.head),
            head_time: section.read("head_time", value::duration).unwrap_or(default.head_time),
            streams_per_connection: section
                .read("streams_per_connection", streams)
                .unwrap_or(default.streams_per_connection),
            connections: section.read("connections", value::length).unwrap_or(default.connections),
            connections_per_address: section
                .read("connections_per_address", value::length)
                .unwrap_or(default.connections_per_address),
            streams_per_address: section
                .read("streams_per_address", value::length)
                .unwrap_or(default.streams_per_address),
            streams_per_user: section
                .read("streams_per_user", value::length)
                .unwrap_or(default.streams_per_user),
            publish_rate: section.read("publish_rate", keys::rate).unwrap_or(default.publish_rate),
            auth_failures: section.read("auth_failures", keys::rate).unwrap_or(default.auth_failures),
            bodies: section.read("bodies", value::memory).unwrap_or(default.bodies),
            memory: section.read("memory", memory).unwrap_or(default.memory),
            topics_per_subscription: section
                .read("topics_per_subscription", value::length)
                .unwrap_or(default.topics_per_subscription),
            patterns_per_subscription: section
                .read("patterns_per_subscription", value::length)
                .unwrap_or(default.patterns_per_subscription),
            lengths: Lengths {
                topic: length(section, "topic_length", default.lengths.topic),
                event: length(section, "event_length", default.lengths.event),
                id: length(section, "id_length", default.lengths.id),
            },
            subscriber_bytes: section
                .read("subscriber_bytes", value::memory)
                .unwrap_or(default.subscriber_bytes),
            page_bytes: section.read("page_bytes", value::memory).unwrap_or(default.page_bytes),
            stall: section.read("stall", value::duration).unwrap_or(default.stall),
            send_buffer: section.read("send_buffer", value::memory).unwrap_or(default.send_buffer),
        };
        if limits.bodies < limits.body {
            section.reject(
                "bodies",
                "it is less than limits.body, so that the largest body could never be read",
            );
        }
        limits
    }
}

/// A length that is at most that of the format.
fn length(section: &mut Section<'_, '_>, key: &str, most: usize) -> usize {
    let within = |given: &Given<'_>| match value::memory(given)? {
        length if length > most => {
            Err(format!("{length} bytes are more than the {most} that the format has"))
        }
        length => Ok(length),
    };
    section.read(key, within).unwrap_or(most)
}

/// A number of bytes, or a share of what there is.
fn memory(given: &Given<'_>) -> Parsed<Memory> {
    let share = match given {
        Given::Text(text) => text.strip_suffix('%').map(str::to_owned),
        Given::Toml(_) => {
            value::string(given).ok().and_then(|text| text.strip_suffix('%').map(str::to_owned))
        }
    };
    match share {
        Some(share) => match share.trim_end().parse() {
            Ok(share @ 1..=100) => Ok(Memory::Share(share)),
            _ => Err(format!("\"{share}%\" is not a share: write one from \"1%\" to \"100%\"")),
        },
        None => {
            value::size(given).map(Memory::Bytes).map_err(|error| format!("{error}, or a share: \"75%\""))
        }
    }
}

#[cfg(test)]
mod tests {
    use tidings_http::Limit;

    use super::super::tests::{load, problems};
    use super::*;

    #[test]
    fn memory_is_a_share_or_a_size() {
        assert_eq!(load("", &[]).unwrap().limits.memory, Memory::Share(75));
        for (text, expected) in [("'50%'", Memory::Share(50)), ("'64MiB'", Memory::Bytes(64 << 20))] {
            let config = load(&format!("[limits]\nmemory = {text}"), &[]).unwrap();
            assert_eq!(config.limits.memory, expected);
        }
        let config = load("", &[("TIDINGS_LIMITS_MEMORY", "90 %")]).unwrap();
        assert_eq!(config.limits.memory, Memory::Share(90));
        for bad in ["'0%'", "'101%'", "'%'", "'much'", "0"] {
            let problems = problems(&format!("[limits]\nmemory = {bad}"), &[]);
            assert!(problems.contains("limits.memory"), "{problems}");
        }
    }

    #[test]
    fn texts_can_be_made_shorter_and_not_longer() {
        let config = load("[limits]\ntopic_length = 200\nid_length = '64B'", &[]).unwrap();
        assert_eq!(config.limits.lengths, Lengths { topic: 200, event: 255, id: 64 });
        let problems = problems("[limits]\nevent_length = 256", &[]);
        assert!(problems.contains("limits.event_length"), "{problems}");
    }

    #[test]
    fn the_largest_body_has_room_among_all() {
        let problems = problems("[limits]\nbody = '2MiB'\nbodies = '1MiB'", &[]);
        assert!(problems.contains("limits.bodies"), "{problems}");
    }

    /// The table in `docs/limits.md` is complete, in both languages: it has every key and every label of the metric.
    #[test]
    fn the_documentation_has_every_limit() {
        let docs =
            [include_str!("../../../../docs/limits.md"), include_str!("../../../../docs/limits.zh-CN.md")];
        let example = include_str!("../../../../tidings.example.toml");
        let section = example.split_once("\n[limits]\n").unwrap().1.split("\n[").next().unwrap();
        let keys = section.lines().filter_map(|line| line.strip_prefix('#')?.split_once(" = "));
        let keys: Vec<_> = keys.map(|(key, _)| key).filter(|key| !key.contains(' ')).collect();
        assert!(keys.len() > 10, "{keys:?}");
        for doc in docs {
            for key in &keys {
                assert!(doc.contains(&format!("| `limits.{key}` |")), "no {key} in\n{doc}");
            }
            for limit in Limit::ALL {
                assert!(doc.contains(&format!("| `{}` |", limit.as_str())), "no {limit:?} in\n{doc}");
            }
        }
    }
}
