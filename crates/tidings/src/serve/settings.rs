//! The settings of hub and server, as the configuration has them.

use tidings_http::Limits;
use tidings_hub::Settings;

use crate::config::Config;

pub(super) fn hub(config: &Config) -> Settings {
    Settings {
        heartbeat: config.stream.heartbeat,
        stall: config.limits.stall,
        expiry_notice: config.auth.expiry_notice,
        subscriber_bytes: config.limits.subscriber_bytes,
        page_bytes: config.limits.page_bytes,
        max_subscribers: config.limits.connections as u64,
        max_selectors: config.limits.topics_per_subscription,
        max_patterns: config.limits.patterns_per_subscription,
        lengths: config.limits.lengths.clone(),
        ..Settings::default()
    }
}

/// `room` is how many connections the machine allows.
pub(super) fn server(config: &Config, room: u64) -> Limits {
    Limits {
        max_connections: room,
        max_per_address: config.limits.connections_per_address as u64,
        max_head: config.limits.head,
        head_time: config.limits.head_time,
        max_streams: config.limits.streams_per_connection,
        write_stall: config.limits.stall,
        send_buffer: config.limits.send_buffer,
    }
}
