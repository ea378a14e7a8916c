//! The metrics, in the OpenMetrics text format that Prometheus reads. Nothing is counted here: the hub, the log, the
//! server and the parts are asked when somebody looks. `docs/metrics.md` tells of each, and a test holds the two together.

mod out;
mod process;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use prometheus_client::{
    encoding::{DescriptorEncoder, text::encode},
    registry::{Registry, Unit},
};
use tidings_hub::{Front, HubStats};

use self::out::Out;
use crate::{limit::Limit, status::Status};

pub(crate) const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// One reading of everything.
pub(crate) fn render(status: &Status) -> Result<String, fmt::Error> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Collector(status.clone())));
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}

#[derive(Debug)]
struct Collector(Status);

impl prometheus_client::collector::Collector for Collector {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut out = Out::new(encoder);
        let hub = self.0.hub.stats();
        subscribers(&hub, &mut out)?;
        events(&hub, &mut out)?;
        shards(&hub, &mut out)?;
        self.log(&mut out)?;
        self.server(&hub, &mut out)?;
        self.parts(&mut out)?;
        self.program(&mut out)?;
        process::write(&mut out)
    }
}

/// Whether there are streams that come by this way.
fn has_streams(front: Front) -> bool {
    !matches!(front, Front::Pusher | Front::Source)
}

fn subscribers(hub: &HubStats, out: &mut Out<'_>) -> fmt::Result {
    out.gauge("subscribers", "Subscribers at present", hub.subscribers)?;
    out.gauge("subscribers_behind", "Subscribers who are resuming or slow", hub.subscribers_behind)?;
    let streams = hub.streams.iter().filter(|(front, ..)| has_streams(*front));
    let streams =
        streams.map(|(front, state, count)| ([("front", front.as_str()), ("state", state.as_str())], *count));
    out.gauges("streams", "Streams that have begun, by front and how they stand", streams)?;
    let help = "Events that those who are behind have not come to yet, all together";
    out.gauge("lag_events", help, hub.lag_sum)?;
    out.gauge("lag_events_max", "The same of the one who is furthest behind", hub.lag_max)?;
    let begun = hub.subscribed_by.iter().filter(|(front, _)| has_streams(*front));
    let begun = begun.map(|(front, count)| ([("front", front.as_str())], *count));
    out.counters("subscriptions", "Subscriptions begun", begun)?;
    let ended = hub.ended_by.iter().filter(|(front, ..)| has_streams(*front));
    let ended = ended
        .map(|(front, reason, count)| ([("front", front.as_str()), ("reason", reason.as_str())], *count));
    out.counters("subscriptions_ended", "Subscriptions ended, by reason", ended)?;
    let resets =
        [([("reason", "unknown")], hub.resets_unknown), ([("reason", "expired")], hub.resets_expired)];
    out.counters("resets", "Resets sent, by reason", resets)
}

fn events(hub: &HubStats, out: &mut Out<'_>) -> fmt::Result {
    let published = hub.published_by.iter().map(|(front, count)| ([("front", front.as_str())], *count));
    out.counters("events_published", "Events accepted by the log", published)?;
    out.counter("events_duplicate", "Publications that were kept already under their id", hub.duplicates)?;
    out.counter_of("published", "Bytes of the data of what was published", Unit::Bytes, hub.published_bytes)?;
    let help = "From when a publication came to the hub until it was acknowledged";
    out.times("publish", help, hub.publish_time.clone())?;
    out.counter("events_delivered", "Events handed to subscribers", hub.delivered)?;
    out.counter_of("delivered", "Bytes of the same", Unit::Bytes, hub.delivered_bytes)?;
    let help = "From when a batch came to the log until a shard had written it to the last live stream";
    out.times("delivery", help, hub.delivery_time.clone())?;
    out.counter("replay_reads", "Pages of history read for subscribers", hub.replay_reads)?;
    out.times("replay", "How long these reads took", hub.replay_time.clone())
}

fn shards(hub: &HubStats, out: &mut Out<'_>) -> fmt::Result {
    let shards = || hub.shards.iter().enumerate().map(|(number, one)| ([("shard", number.to_string())], one));
    let events = shards().map(|(shard, waiting)| (shard, waiting.events));
    out.gauges("shard_waiting_events", "Events that wait for a shard of the fan-out", events)?;
    let bytes = shards().map(|(shard, waiting)| (shard, waiting.bytes as f64));
    out.gauges_of("shard_waiting", "Bytes of the same", Unit::Bytes, bytes)?;
    let oldest = shards().map(|(shard, waiting)| (shard, waiting.oldest.as_secs_f64()));
    out.gauges_of("shard_lag", "Since when the oldest of them waits", Unit::Seconds, oldest)?;
    let help = "How often a shard left out what waited and read the log";
    out.counter("shard_skips", help, hub.shard_skips)
}

impl Collector {
    fn log(&self, out: &mut Out<'_>) -> fmt::Result {
        let (log, figures) = (self.0.hub.log().status(), self.0.hub.log().figures());
        out.gauge("log_events", "Events kept", log.next - log.oldest)?;
        out.gauge_of("log_size", "Space that the log takes", Unit::Bytes, log.bytes as f64)?;
        let age = log.oldest_time.map(age).unwrap_or_default();
        out.gauge_of("log_oldest_age", "Age of the oldest event kept", Unit::Seconds, age.as_secs_f64())?;
        out.gauge("log_healthy", "1 if events can be appended", log.trouble.is_none().into())?;
        out.histogram("log_batch_events", "Events written at a time", figures.batch)?;
        out.times("log_flush", "How long flushes to the disk took", figures.flush)?;
        out.counter_of("log_written", "Bytes written to the log", Unit::Bytes, figures.written_bytes)
    }

    fn server(&self, hub: &HubStats, out: &mut Out<'_>) -> fmt::Result {
        let server = self.0.server.read();
        out.gauge("connections", "Connections at present", server.connections)?;
        out.counter("connections_accepted", "Connections accepted", server.accepted)?;
        let expiry = self.0.server.certificate_expires();
        if let Some(expiry) = expiry.and_then(|expiry| expiry.duration_since(SystemTime::UNIX_EPOCH).ok()) {
            let help = "When the certificate of the listeners with TLS ends, since 1970";
            out.gauge_of("certificate_expiry_timestamp", help, Unit::Seconds, expiry.as_secs() as f64)?;
        }
        let hits = self.0.server.hits().read().map(|(limit, count)| match limit {
            Limit::Stall => (limit.as_str(), count + hub.stalled_sockets),
            _ => (limit.as_str(), count),
        });
        let of_hub = [
            ("subscribers", hub.refused_full),
            ("topics_per_subscription", hub.refused_selectors),
            ("patterns_per_subscription", hub.refused_patterns),
        ];
        let lengths = hub.refused_lengths.map(|(length, count)| (length.as_str(), count));
        let hits = hits.into_iter().chain(of_hub).chain(lengths);
        let hits = hits.map(|(limit, count)| ([("limit", limit)], count));
        out.counters("limit_hits", "What was refused or cut, by the limit that did it", hits)
    }

    fn parts(&self, out: &mut Out<'_>) -> fmt::Result {
        let parts = (self.0.parts)();
        let of = |count: fn(&crate::PartStatus) -> u64| -> Vec<_> {
            parts
                .iter()
                .map(|part| ([("source", part.name.as_str()), ("kind", part.kind)], count(part)))
                .collect()
        };
        out.gauges("source_up", "1 if the source does its work", of(|part| part.ready.into()))?;
        out.counters("source_events", "Events published by the source", of(|part| part.events))?;
        out.counters("source_failures", "Failures of the source", of(|part| part.failures))?;
        out.counters("source_dropped", "Events the source had to drop", of(|part| part.dropped))?;
        let help = "Events of the source whose data was not UTF-8, or whose name is no type, and was altered";
        out.counters("source_altered", help, of(|part| part.altered))
    }

    fn program(&self, out: &mut Out<'_>) -> fmt::Result {
        let uptime = self.0.started.elapsed().as_secs();
        out.gauge_of("uptime", "Since the program started", Unit::Seconds, uptime as f64)?;
        out.gauges("info", "The program's version", [([("version", self.0.version)], 1)])?;
        out.gauge("draining", "1 while the hub sends its subscribers away", self.0.hub.is_draining().into())?;
        let loads = self.0.loads.read();
        let outcomes = [([("outcome", "taken")], loads.succeeded), ([("outcome", "refused")], loads.failed)];
        let help = "Times the configuration was read, the start included";
        out.counters("configuration_loads", help, outcomes)?;
        let last = loads.last.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let help = "When a configuration was taken last, since 1970";
        out.gauge_of("configuration_last_load_timestamp", help, Unit::Seconds, last as f64)
    }
}

/// How long ago that was, in milliseconds since the Unix epoch. A clock that was put back makes nothing older.
fn age(time: u64) -> Duration {
    let then = SystemTime::UNIX_EPOCH + Duration::from_millis(time);
    SystemTime::now().duration_since(then).unwrap_or_default()
}
