//! The metrics, in the OpenMetrics text format that Prometheus reads. Nothing is counted here: the hub, the log, the
//! server and the parts are asked when somebody looks.

use std::{fmt, time::SystemTime};

use prometheus_client::{
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric, MetricEncoder, text::encode},
    metrics::MetricType,
    registry::{Registry, Unit},
};

use crate::{limit::Limit, status::Status};

pub(crate) const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// One reading of everything.
pub(crate) fn render(status: &Status) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("tidings");
    registry.register_collector(Box::new(Collector(status.clone())));
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}

#[derive(Debug)]
struct Collector(Status);

impl prometheus_client::collector::Collector for Collector {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut out = Out(encoder);
        self.hub(&mut out)?;
        self.log(&mut out)?;
        self.server(&mut out)?;
        self.parts(&mut out)
    }
}

impl Collector {
    fn hub(&self, out: &mut Out<'_>) -> fmt::Result {
        let hub = self.0.hub.stats();
        out.gauge("subscribers", "Subscribers at present", hub.subscribers)?;
        out.gauge("subscribers_behind", "Subscribers who are resuming or slow", hub.subscribers_behind)?;
        out.counter("subscriptions", "Subscriptions begun", hub.subscribed)?;
        let ended: Vec<_> =
            hub.ended.iter().map(|(reason, count)| ([("reason", reason.as_str())], *count)).collect();
        out.counters("subscriptions_ended", "Subscriptions ended, by reason", &ended)?;
        out.counter("events_published", "Events accepted by the log", hub.published)?;
        out.counter(
            "events_duplicate",
            "Publications that were kept already under their id",
            hub.duplicates,
        )?;
        out.counter("events_delivered", "Events handed to subscribers", hub.delivered)?;
        out.counter_of("delivered", "Bytes of the same", Unit::Bytes, hub.delivered_bytes)?;
        out.counter("replay_reads", "Pages of history read for subscribers", hub.replay_reads)?;
        let resets =
            [([("reason", "unknown")], hub.resets_unknown), ([("reason", "expired")], hub.resets_expired)];
        out.counters("resets", "Resets sent, by reason", &resets)
    }

    fn log(&self, out: &mut Out<'_>) -> fmt::Result {
        let log = self.0.hub.log().status();
        out.gauge("log_events", "Events kept", log.next - log.oldest)?;
        out.gauge_of("log_size", "Space that the log takes", Unit::Bytes, log.bytes)?;
        out.gauge("log_healthy", "1 if events can be appended", log.trouble.is_none().into())
    }

    fn server(&self, out: &mut Out<'_>) -> fmt::Result {
        let server = self.0.server.read();
        out.gauge("connections", "Connections at present", server.connections)?;
        out.counter("connections_accepted", "Connections accepted", server.accepted)?;
        let expiry = self.0.server.certificate_expires();
        if let Some(expiry) = expiry.and_then(|expiry| expiry.duration_since(SystemTime::UNIX_EPOCH).ok()) {
            let help = "When the certificate of the listeners with TLS ends, since 1970";
            out.gauge_of("certificate_expiry_timestamp", help, Unit::Seconds, expiry.as_secs())?;
        }
        let hub = self.0.hub.stats();
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
        let hits: Vec<_> = hits
            .into_iter()
            .chain(of_hub)
            .chain(lengths)
            .map(|(limit, count)| ([("limit", limit)], count))
            .collect();
        out.counters("limit_hits", "What was refused or cut, by the limit that did it", &hits)?;
        let uptime = self.0.started.elapsed().as_secs();
        out.gauge_of("uptime", "Since the program started", Unit::Seconds, uptime)?;
        out.gauges("info", "The program's version", &[([("version", self.0.version)], 1)])
    }

    fn parts(&self, out: &mut Out<'_>) -> fmt::Result {
        let parts = (self.0.parts)();
        let of = |count: fn(&crate::PartStatus) -> u64| -> Vec<_> {
            parts
                .iter()
                .map(|part| ([("source", part.name.as_str()), ("kind", part.kind)], count(part)))
                .collect()
        };
        out.gauges("source_up", "1 if the source does its work", &of(|part| part.ready.into()))?;
        out.counters("source_events", "Events published by the source", &of(|part| part.events))?;
        out.counters("source_failures", "Failures of the source", &of(|part| part.failures))?;
        out.counters("source_dropped", "Events the source had to drop", &of(|part| part.dropped))?;
        let help = "Events of the source whose data was not UTF-8, or whose name is no type, and was altered";
        out.counters("source_altered", help, &of(|part| part.altered))
    }
}

/// Writes metrics of one value, or of one value for each set of labels.
struct Out<'a>(DescriptorEncoder<'a>);

impl Out<'_> {
    fn gauge(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        self.write(name, help, None, Value::Gauge(value))
    }

    fn gauge_of(&mut self, name: &str, help: &str, unit: Unit, value: u64) -> fmt::Result {
        self.write(name, help, Some(unit), Value::Gauge(value))
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        self.write(name, help, None, Value::Counter(value))
    }

    fn counter_of(&mut self, name: &str, help: &str, unit: Unit, value: u64) -> fmt::Result {
        self.write(name, help, Some(unit), Value::Counter(value))
    }

    fn gauges<L: EncodeLabelSet>(&mut self, name: &str, help: &str, values: &[(L, u64)]) -> fmt::Result {
        self.family(name, help, values, Value::Gauge)
    }

    fn counters<L: EncodeLabelSet>(&mut self, name: &str, help: &str, values: &[(L, u64)]) -> fmt::Result {
        self.family(name, help, values, Value::Counter)
    }

    fn write(&mut self, name: &str, help: &str, unit: Option<Unit>, value: Value) -> fmt::Result {
        let encoder = self.0.encode_descriptor(name, help, unit.as_ref(), value.metric_type())?;
        value.encode(encoder)
    }

    fn family<L: EncodeLabelSet>(
        &mut self,
        name: &str,
        help: &str,
        values: &[(L, u64)],
        value: fn(u64) -> Value,
    ) -> fmt::Result {
        let mut encoder = self.0.encode_descriptor(name, help, None, value(0).metric_type())?;
        for (labels, number) in values {
            value(*number).encode(encoder.encode_family(labels)?)?;
        }
        Ok(())
    }
}

/// A number that is asked for, not kept.
#[derive(Debug, Clone, Copy)]
enum Value {
    Gauge(u64),
    Counter(u64),
}

impl EncodeMetric for Value {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        match self {
            Self::Gauge(value) => encoder.encode_gauge(value),
            Self::Counter(value) => encoder.encode_counter::<[(&str, &str); 0], _, u64>(value, None),
        }
    }

    fn metric_type(&self) -> MetricType {
        match self {
            Self::Gauge(_) => MetricType::Gauge,
            Self::Counter(_) => MetricType::Counter,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Instant};

    use tidings_hub::{Hub, Settings};
    use tidings_log::{Memory, Retention};

    use super::*;
    use crate::PartStatus;

    #[tokio::test]
    async fn every_metric_says_what_it_is_and_each_count_of_a_part_is_there() {
        let log = Arc::new(Memory::new(Retention::default()).unwrap());
        let part = PartStatus {
            name: "log file".into(),
            kind: "command",
            state: "running",
            detail: None,
            ready: true,
            events: 11,
            failures: 12,
            dropped: 13,
            altered: 14,
        };
        let status = Status {
            hub: Hub::start(log, Settings::default()).unwrap(),
            parts: Arc::new(move || vec![part.clone()]),
            server: Arc::default(),
            version: "0",
            open: true,
            demo: false,
            started: Instant::now(),
            loads: Arc::new(crate::status::Loads::first()),
        };
        let text = render(&status).unwrap();
        for name in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()) {
            assert!(text.contains(&format!("# HELP {name} ")), "{name} has no help");
        }
        for (name, count) in [("events", 11), ("failures", 12), ("dropped", 13), ("altered", 14)] {
            let line =
                format!("tidings_source_{name}_total{{source=\"log file\",kind=\"command\"}} {count}\n");
            assert!(text.contains(&line), "{line}{text}");
        }
    }
}
