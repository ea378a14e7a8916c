//! The limits that a stranger can run into, and how often each was.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A limit of the server or of a front. The hub counts its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limit {
    /// Setting `limits.connections`.
    Connections,
    /// Setting `limits.connections_per_address`.
    ConnectionsPerAddress,
    /// So many connections beyond these two that they are closed without a word.
    ConnectionsOverflow,
    /// The system's limit of open files.
    OpenFiles,
    /// Setting `limits.streams_per_address`.
    StreamsPerAddress,
    /// Setting `limits.streams_per_user`.
    StreamsPerUser,
    /// Setting `limits.memory`.
    Memory,
    /// Setting `limits.head`.
    Head,
    /// Setting `limits.head_time`.
    HeadTime,
    /// Setting `proxies.protocol`: a proxy whose connection did not begin as it must.
    ProxyProtocol,
    /// Setting `limits.body`.
    Body,
    /// Setting `limits.body_time`.
    BodyTime,
    /// Setting `limits.bodies`.
    Bodies,
    /// Setting `limits.publish_rate`.
    PublishRate,
    /// Setting `limits.auth_failures`.
    AuthFailures,
    /// Setting `limits.stall`.
    Stall,
    /// Setting `rate` of a `[[keys]]` table.
    KeyRate,
    /// Setting `echo.whisper_rate`.
    WhisperRate,
    /// Setting `echo.whisper_size`.
    WhisperSize,
    /// How often a connection of the Echo front joins and leaves channels.
    ChannelRate,
}

impl Limit {
    /// Every limit, in the order of the counters.
    pub const ALL: [Self; 20] = [
        Self::Connections,
        Self::ConnectionsPerAddress,
        Self::ConnectionsOverflow,
        Self::OpenFiles,
        Self::StreamsPerAddress,
        Self::StreamsPerUser,
        Self::Memory,
        Self::Head,
        Self::HeadTime,
        Self::ProxyProtocol,
        Self::Body,
        Self::BodyTime,
        Self::Bodies,
        Self::PublishRate,
        Self::AuthFailures,
        Self::Stall,
        Self::KeyRate,
        Self::WhisperRate,
        Self::WhisperSize,
        Self::ChannelRate,
    ];

    /// The metric's label: the setting's name where there is one.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connections => "connections",
            Self::ConnectionsPerAddress => "connections_per_address",
            Self::ConnectionsOverflow => "connections_overflow",
            Self::OpenFiles => "open_files",
            Self::StreamsPerAddress => "streams_per_address",
            Self::StreamsPerUser => "streams_per_user",
            Self::Memory => "memory",
            Self::Head => "head",
            Self::HeadTime => "head_time",
            Self::ProxyProtocol => "proxy_protocol",
            Self::Body => "body",
            Self::BodyTime => "body_time",
            Self::Bodies => "bodies",
            Self::PublishRate => "publish_rate",
            Self::AuthFailures => "auth_failures",
            Self::Stall => "stall",
            Self::KeyRate => "key_rate",
            Self::WhisperRate => "whisper_rate",
            Self::WhisperSize => "whisper_size",
            Self::ChannelRate => "channel_rate",
        }
    }
}

/// How often each limit refused or cut something.
#[derive(Debug, Default)]
pub struct LimitHits([AtomicU64; Limit::ALL.len()]);

impl LimitHits {
    pub(crate) fn hit(&self, limit: Limit) {
        self.0[limit as usize].fetch_add(1, Relaxed);
    }

    /// A reading.
    pub fn read(&self) -> [(Limit, u64); Limit::ALL.len()] {
        Limit::ALL.map(|limit| (limit, self.0[limit as usize].load(Relaxed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_has_its_own_counter() {
        let hits = LimitHits::default();
        Limit::ALL.iter().for_each(|&limit| hits.hit(limit));
        assert!(hits.read().iter().all(|(_, count)| *count == 1));
    }
}
